"""The simulated company all are measured on. Enters: a number of events. Leaves: events, bills and their truth.

Run as a module it simulates, in a process of its own; the same number of events is simulated once and then reused.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.measure import ROOT, run_module

__all__ = ["SEED", "WORK", "Company", "prepared"]

WORK = ROOT / "bench" / "work"
SEED = 7
# Within an hour, so that an hour of usage has two prices.
_PRICE_CHANGE = datetime(2026, 9, 15, 10, 37, 12, 345_000, tzinfo=UTC)


@dataclass(frozen=True)
class Company:
    """Where a simulated company lies."""

    directory: Path

    @cached_property
    def truth(self) -> dict[str, Any]:
        """What truth.json says, but for its sums by segment."""
        truth: dict[str, Any] = json.loads((self.directory / "truth.json").read_text(encoding="utf-8"))
        return {name: part for name, part in truth.items() if name != "by"}

    @property
    def lines(self) -> int:
        """How many lines the event files hold: events, duplicates and conflicts."""
        return int(self.truth["received"])

    @property
    def events(self) -> list[Path]:
        """The NDJSON files in the order of arrival."""
        return sorted((self.directory / "events").glob("*.ndjson"))

    @property
    def bills(self) -> list[Path]:
        """The bill files; the versions of one month follow each other."""
        return sorted((self.directory / "bills").glob("*.csv"))

    def project_at(self, directory: Path) -> Path:
        """A fresh project with this company's contract and prices, and no data."""
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        shutil.copy2(self.directory / "perunit.yaml", directory)
        for name in ("prices", "schemas"):
            shutil.copytree(self.directory / name, directory / name)
        return directory


def prepared(events: int) -> Company:
    """The company of about `events` unique events, simulated where it is not there yet.

    A company made by another state of the simulation is of no use any more and is removed.
    """
    directory = WORK / f"company-{events}-{SEED}-{_made_by()}"
    if not (directory / "truth.json").exists():
        for stale in WORK.glob(f"company-{events}-*"):
            shutil.rmtree(stale)
        run_module("bench.company", directory, events)
    return Company(directory)


def _made_by() -> str:
    """A short digest of all that decides what is simulated."""
    digest = sha256(Path(__file__).read_bytes())
    for path in sorted((ROOT / "src" / "perunit" / "simulate").rglob("*")):
        if path.suffix in {".py", ".sql", ".yaml"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def main() -> None:
    """Simulates: 2 % duplicates, 0.1 % conflicts, 1 % late, one price change in the month, one restated bill."""
    from perunit.simulate.options import SimulationOptions
    from perunit.simulate.run import simulate

    options = SimulationOptions(
        events=int(sys.argv[2]),
        days=30,
        seed=SEED,
        duplicates=0.02,
        conflicts=0.001,
        late=0.01,
        price_change=_PRICE_CHANGE,
    )
    print(json.dumps(simulate(Path(sys.argv[1]), options).as_json()))


if __name__ == "__main__":
    main()
