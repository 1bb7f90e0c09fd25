"""Ingests one file into a project in small groups, and says when it begins: a process that a test can kill.

Run as ``python -m tests.store.delivery PROJECT FILE``; the last line it prints is the report.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from tests.invariants.company import CONTRACT, START, Event, book, clock, groups_of, numbers, rate

from perunit import pipeline
from perunit.contract.project import Project
from perunit.contract.shape import Contract
from perunit.model.errors import PerunitError
from perunit.store.project_store import open_store

GROUP_BYTES = 400_000
BOOK = book(
    1,
    rate(1, "cpu_seconds", "0.0464", "3600", until=START + timedelta(hours=36, minutes=30)),
    rate(2, "cpu_seconds", "0.06", "3600", since=START + timedelta(hours=36, minutes=30)),
    rate(3, "cpu_seconds", "0.05", "3600", region="eu"),
    rate(4, "@revenue", "2.9", "100", kind="fee", event_type="order.completed"),
)


def write_events(path: Path, count: int) -> None:
    """A file of `count` deliveries: repeats, conflicts, late events and segment values that push others out."""
    chance = random.Random(7)
    recent: list[str] = []
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            if recent and chance.random() < 0.05:
                file.write(chance.choice(recent))
                continue
            line = _event(number, count, chance).line() + "\n"
            recent = [*recent[-500:], line]
            file.write(line)


def _event(number: int, count: int, chance: random.Random) -> Event:
    # Later events are mostly of a later time, but some are days old and bring values seen "first" only now.
    hours = 200 * number / count if chance.random() < 0.99 else chance.uniform(0, 100)
    kind = chance.choice(["order.completed", "api.called", "order.attempted", "user.visited"])
    sent = {
        "order.completed": {"total": f"{chance.randrange(10**6) / 100:.2f}"},
        "api.called": {"cpu_seconds": f"{chance.random():.9f}", "duration_ms": f"{chance.random() * 900:.6f}"},
    }
    conflicting = chance.random() < 0.002
    return Event(
        id=f"e{number // 2 if conflicting else number}",
        type=kind,
        time=START + timedelta(hours=hours),
        order_id=f"o{chance.randrange(count // 3)}",
        user_id=f"u{chance.randrange(count // 9)}" if chance.random() < 0.97 else None,
        plan=f"p{min(chance.randrange(1, 6), 1 + 8 * number // count)}",
        region=chance.choice(["eu", "us", "apac", "latam"]),
        outcome=chance.choice(["success", "failure", None]),
        numbers=numbers(**sent.get(kind, {})),
    )


def deliver(root: Path, path: Path) -> pipeline.FileReport:
    """Ingests `path` into the project at `root`."""
    contract = Contract.model_validate(CONTRACT)
    project = Project(root, contract, {}, (BOOK,))
    names = (tuple(contract.units), contract.dimensions(), contract.meter_names())
    with open_store(project.data, *names, purpose="ingest") as engine, groups_of(GROUP_BYTES):
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        return pipeline.ingest(project, engine, [("cloudevents", path)], clock=clock)[0]


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(asdict(deliver(Path(sys.argv[1]), Path(sys.argv[2])))) + "\n")
    except PerunitError as error:
        sys.exit(f"{type(error).__name__}: {error}")
