"""A process that dies at any moment loses nothing and counts nothing twice."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from tests.invariants.company import START, Event
from tests.invariants.told import differences, told
from tests.store.delivery import deliver, write_events

from perunit.engine.duckdb import Engine
from perunit.store.project_store import FILE_NAME

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 12


@pytest.mark.slow
def test_a_killed_ingest_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Killed over and over and finished at last, the store says what an undisturbed run says, digit for digit."""
    events, earlier = tmp_path / "events.ndjson", tmp_path / "earlier.ndjson"
    write_events(events, 12_000)
    # Tells the store how far time has come, and so which events of the file are late.
    visit = Event("before", "user.visited", START + timedelta(hours=120))
    earlier.write_text(f"{visit.line()}\n", encoding="utf-8")
    calm, troubled = tmp_path / "calm", tmp_path / "troubled"
    for project in (calm, troubled):
        deliver(project, earlier)
    expected = deliver(calm, events)

    chance = random.Random(11)
    killed = 0
    for _ in range(ROUNDS):
        with _delivery(troubled, events) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            time.sleep(chance.uniform(0, 1.0))
            process.kill()
        killed += process.returncode != 0
    with _delivery(troubled, events) as process:
        said = process.communicate()[0]
    report = json.loads(said.splitlines()[-1])

    assert process.returncode == 0
    assert killed > 0
    assert expected.late > 0
    assert report["already"] + report["received"] == expected.received
    assert _figures(troubled) == _figures(calm)
    assert differences(_told(calm), _told(troubled)) == {}


def _delivery(project: Path, events: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.delivery", str(project), str(events)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _figures(project: Path) -> tuple[object, ...]:
    """The counts of all batches, and the quarantine as it stands."""
    engine = Engine(project / "data" / FILE_NAME)
    counts = engine.rows(
        "SELECT chunk, digest, received, accepted, duplicate, conflict, rejected, orphan, late, blank FROM batches "
        "ORDER BY digest"
    )
    quarantine = engine.rows("SELECT source, file_name, position, kind, rule, got, raw FROM quarantine ORDER BY ALL")
    engine.close()
    return counts, quarantine


def _told(project: Path) -> dict[str, list[tuple[object, ...]]]:
    engine = Engine(project / "data" / FILE_NAME)
    said = told(engine)
    engine.close()
    return said
