"""A small company, made once: it crosses a month, its price change is not on the hour, its copies are many."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from perunit.simulate.options import SimulationOptions
from perunit.simulate.run import simulate

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.simulate.report import Summary

OPTIONS = SimulationOptions(
    events=6_000,
    days=12,
    seed=11,
    start=date(2026, 9, 24),
    duplicates=0.06,
    conflicts=0.02,
    late=0.05,
    parts=3,
    price_change=datetime(2026, 9, 29, 10, 20, 30, 123_000, tzinfo=UTC),
    chunk_orders=200,
)


@dataclass(frozen=True)
class Company:
    """A finished simulation; `lines` are the raw event lines in the order of arrival."""

    root: Path
    options: SimulationOptions
    summary: Summary
    lines: list[bytes]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines, parsed."""
        return [json.loads(line) for line in self.lines]

    @property
    def truth(self) -> dict[str, Any]:
        """truth.json."""
        return json.loads((self.root / "truth.json").read_text())  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company of `OPTIONS`."""
    root = tmp_path_factory.mktemp("company") / "studio"
    summary = simulate(root, OPTIONS)
    parts = sorted((root / "events").iterdir())
    return Company(root, OPTIONS, summary, [line for part in parts for line in part.read_bytes().splitlines()])
