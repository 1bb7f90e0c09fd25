"""What a person may ask of a simulation. Enters: sizes, shares and dates. Leaves: checked options, or what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from perunit.model.errors import UsageError

__all__ = ["SimulationOptions"]

_EVENTS_MIN, _EVENTS_MAX = 100, 10_000_000_000
_DAYS_MAX = 366
_YEARS = (2000, 2100)


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """A company is its options: equal options give byte-identical files, on any machine and in any release.

    `events` is about how many unique events there will be. `duplicates`, `conflicts` and `late` are shares of them.
    `price_change` is the instant at which prices move, by default 14/30 into the range. `tail` is whether what happens
    within the days but arrives after them is there too. `chunk_orders` bounds the memory used and changes nothing in
    the files.
    """

    events: int = 200_000
    days: int = 30
    seed: int = 7
    start: date = date(2026, 9, 1)
    duplicates: float = 0.02
    conflicts: float = 0.001
    late: float = 0.01
    parts: int = 4
    price_change: datetime | None = None
    tail: bool = True
    chunk_orders: int = 25_000

    def __post_init__(self) -> None:
        _within("--events", self.events, _EVENTS_MIN, _EVENTS_MAX)
        _within("--days", self.days, 1, _DAYS_MAX)
        _within("--seed", self.seed, 0, 2**63 - 1)
        _within("--parts", self.parts, 1, min(10_000, self.events // 10))
        _within("chunk_orders", self.chunk_orders, 1, 10_000_000)
        for name in ("duplicates", "conflicts", "late"):
            _share(f"--{name}", getattr(self, name))
        self._check_dates()

    def _check_dates(self) -> None:
        if not _YEARS[0] <= self.start.year < _YEARS[1]:
            raise UsageError(f"--start: got {self.start}, must lie in {_YEARS[0]} to {_YEARS[1] - 1}; give such a date")
        change = self.price_change
        if change is None:
            return
        if change.tzinfo is None:
            raise UsageError(f"--price-change: got {change.isoformat()}, must state its offset from UTC; add Z for UTC")
        if not self.first < change < self.end or change.microsecond % 1000:
            raise UsageError(
                f"--price-change: got {change.isoformat()}, must be a whole millisecond between {self.start} "
                f"and {self.end.date()}; choose an instant of the simulated days"
            )

    @property
    def first(self) -> datetime:
        """Midnight UTC of the first day; included."""
        return datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """Midnight UTC after the last day; excluded. No event happens later, though some arrive later."""
        return self.first + timedelta(days=self.days)

    @property
    def change(self) -> datetime:
        """When prices change."""
        asked = self.price_change
        return asked.astimezone(UTC) if asked else self.first + timedelta(hours=24 * self.days * 14 // 30)


def _within(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise UsageError(f"{name}: got {value}, must be {least:,} to {most:,}; choose a number in that range")


def _share(name: str, value: float) -> None:
    # NaN compares false, so it is refused as well.
    if not 0 <= value <= 1:
        raise UsageError(f"{name}: got {value}, must be 0 to 1; it is a share, such as 0.02 for 2 %")
