"""Runs a simulation. Enters: a directory and options. Leaves: a whole project there, or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from perunit.model.errors import StoreError, UsageError
from perunit.simulate.bills import Bill, bills_of
from perunit.simulate.facts import CONFLICT, DUPLICATE, Facts
from perunit.simulate.lines import Lines
from perunit.simulate.prices import Prices
from perunit.simulate.project import write_project
from perunit.simulate.report import Report, Summary, write_truth
from perunit.simulate.scenario import Scenario
from perunit.simulate.stream import arrivals
from perunit.simulate.truth import Tally

if TYPE_CHECKING:
    from perunit.simulate.options import SimulationOptions

__all__ = ["Progress", "simulate"]

Progress = Callable[[int, int], None]


def simulate(out: Path, options: SimulationOptions, progress: Progress | None = None) -> Summary:
    """Writes a project with events, bills and their truth to `out`, which must not exist yet or be empty.

    `progress` is called with (events written, about how many there will be). The files appear under `out` only when
    all are written; an interrupted run leaves nothing there.
    """
    scenario = Scenario(options)
    with _appearing_at(out) as room:
        tally = Tally(scenario)
        written = _write_events(room / "events", scenario, tally, progress)
        prices = Prices(options.first.replace(month=1, day=1), options.change)
        bills = bills_of(scenario, tally, prices)
        _write_bills(room / "bills", bills)
        _write_invoices(room / "invoices", bills)
        write_project(room, prices)
        return write_truth(room, Report(scenario, tally, prices, bills, written), out)


@contextmanager
def _appearing_at(out: Path) -> Iterator[Path]:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out: {out} is not an empty directory, must be one or not exist yet; choose another")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            yield room
            room.chmod(0o755)
            room.replace(out)
        finally:
            shutil.rmtree(room, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"--out: {out} cannot be written ({error.strerror or error}); free some space or choose another place"
        ) from error


def _write_events(folder: Path, scenario: Scenario, tally: Tally, progress: Progress | None) -> dict[str, int]:
    """Makes one chunk while the chunk before it is rendered; returns how many lines of each copy were written."""
    folder.mkdir()
    waiting_room = folder / ".waiting"
    waiting_room.mkdir()
    counts = {"lines": 0, "duplicates": 0, "conflicts": 0, "parts": 0, "bytes": 0}
    with _Parts(folder, scenario) as parts, ThreadPoolExecutor(1) as renderer:
        rendering: Future[int] | None = None
        for arrived in arrivals(scenario, tally, waiting_room):
            if rendering is not None:
                counts["bytes"] += rendering.result()
            rendering = renderer.submit(parts.append, arrived.part, arrived.facts)
            counts["lines"] += len(arrived.facts)
            counts["duplicates"] += int((arrived.facts["copy"] == DUPLICATE).sum())
            counts["conflicts"] += int((arrived.facts["copy"] == CONFLICT).sum())
            if progress is not None:
                progress(counts["lines"], max(_expected(scenario.options), counts["lines"]))
        if rendering is not None:
            counts["bytes"] += rendering.result()
        counts["parts"] = parts.count
    waiting_room.rmdir()
    return counts


def _expected(options: SimulationOptions) -> int:
    return round(options.events * (1 + options.duplicates + options.conflicts))


class _Parts:
    """The NDJSON files, one open at a time."""

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        self._folder = folder
        self._lines = Lines(scenario)
        self._file: BinaryIO | None = None
        self._part = -1
        self.count = 0

    def __enter__(self) -> _Parts:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        if self._file is not None:
            self._file.close()

    def append(self, part: int, facts: Facts) -> int:
        """Writes a chunk to its part and returns the number of bytes."""
        file = self._opened(part)
        return sum(file.write(piece) for piece in self._lines.render(facts))

    def _opened(self, part: int) -> BinaryIO:
        if self._file is None or part != self._part:
            if self._file is not None:
                self._file.close()
            self.count += 1
            self._part = part
            self._file = (self._folder / f"part-{self.count:05d}.ndjson").open("wb")
        return self._file


def _write_bills(folder: Path, bills: list[Bill]) -> None:
    folder.mkdir()
    for bill in bills:
        (folder / bill.file).write_text(bill.as_csv(), encoding="utf-8", newline="")


def _write_invoices(folder: Path, bills: list[Bill]) -> None:
    """What the issuer asks for each month: the total of the last version of its bill."""
    folder.mkdir()
    for bill in {bill.month: bill for bill in bills}.values():
        (folder / f"{bill.month}.csv").write_text(bill.invoice_csv(), encoding="utf-8", newline="")
