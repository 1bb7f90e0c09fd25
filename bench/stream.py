"""A company too large to lie on the disk as text: its events are taken in file by file while they are made.

    python -m bench.stream DIRECTORY EVENTS DAYS

Enters: where, how many events, over how many days. Leaves: a project, whose files of events have their names when they
are complete, never more than two that nobody has taken yet; at last its bills.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.company import SEED
from bench.measure import ROOT, run

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["taken_in"]

_END = date(2026, 10, 1)
_FILE_BYTES = 800_000_000
_PENDING = 2


def taken_in(project: Path, events: int, days: int) -> list[dict[str, Any]]:
    """Makes a project and takes the company in; of each file its lines, seconds and memory."""
    room = project / "stream"
    perunit = [sys.executable, "-m", "perunit.faces.cli.main", "-C", str(project), "--json"]
    told: list[dict[str, Any]] = []
    producer = subprocess.Popen([sys.executable, "-m", "bench.stream", str(project), str(events), str(days)], cwd=ROOT)
    try:
        for file in _files(room, producer):
            taken = run([*perunit, "ingest", str(file)])
            file.unlink()
            lines = sum(each["received"] for each in taken.answer["files"])
            told.append({"lines": lines, "seconds": round(taken.seconds, 2), "peak_rss_mb": round(taken.peak_rss_mb)})
            print(json.dumps(told[-1]), file=sys.stderr, flush=True)
    finally:
        producer.terminate()
        producer.wait()
    for bill in sorted((project / "bills").glob("*.csv")):
        run([*perunit, "bills", "import", str(bill)])
    shutil.rmtree(room)
    return told


def _files(room: Path, producer: subprocess.Popen[bytes]) -> Iterator[Path]:
    while True:
        # Asked before looking, so that what was made last is not overlooked.
        done = producer.poll() is not None
        found = sorted(room.glob("*.ndjson"))
        yield from found[:1]
        if done and not found:
            if producer.returncode:
                raise RuntimeError(f"bench.stream ended with {producer.returncode}")
            return
        if not found:
            time.sleep(0.2)


def main() -> None:
    """Simulates as `bench.company` does, over more days."""
    from perunit.simulate.bills import bills_of
    from perunit.simulate.lines import Lines
    from perunit.simulate.options import SimulationOptions
    from perunit.simulate.prices import Prices
    from perunit.simulate.project import write_project
    from perunit.simulate.scenario import Scenario
    from perunit.simulate.stream import arrivals
    from perunit.simulate.truth import Tally

    project, events, days = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    start = _END - timedelta(days=days)
    options = SimulationOptions(
        events=events, days=days, seed=SEED, start=start, duplicates=0.02, conflicts=0.001, late=0.01, parts=1
    )
    scenario = Scenario(options)
    tally, lines = Tally(scenario), Lines(scenario)
    prices = Prices(options.first.replace(month=1, day=1), options.change)
    write_project(project, prices)
    room = project / "stream"
    waiting = room / "waiting"
    waiting.mkdir(parents=True)
    _write(room, (lines.render(arrived.facts) for arrived in arrivals(scenario, tally, waiting)))
    bills = project / "bills"
    bills.mkdir()
    for bill in bills_of(scenario, tally, prices):
        (bills / bill.file).write_text(bill.as_csv(), encoding="utf-8", newline="")


def _write(room: Path, chunks: Iterator[Iterator[memoryview]]) -> None:
    number, open_ = 0, room / "open"
    file = open_.open("wb")
    for chunk in chunks:
        for piece in chunk:
            file.write(piece)
        if file.tell() >= _FILE_BYTES:
            number = _named(room, file, number)
            file = open_.open("wb")
    _named(room, file, number)


def _named(room: Path, file: Any, number: int) -> int:
    """Gives a file its name once there is room for it."""
    file.close()
    while len(list(room.glob("*.ndjson"))) >= _PENDING:
        time.sleep(0.2)
    (room / "open").rename(room / f"part-{number:05d}.ndjson")
    return number + 1


if __name__ == "__main__":
    main()
