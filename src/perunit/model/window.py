"""Time: aware UTC instants, half-open windows `[start, end)`, and the grains they are counted in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

__all__ = ["Clock", "Grain", "Window", "closed_bounds", "naive", "parse_instant", "system_clock"]

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The wall clock, aware and in UTC. Passed in wherever time is needed, so that a test can hold it still."""
    return datetime.now(UTC)


class Grain(StrEnum):
    """How a range of time is cut for a query; `TOTAL` leaves it whole."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open range of time `[start, end)`; an open side is None.

    >>> Window.of_month("2026-02").end.isoformat()
    '2026-03-01T00:00:00+00:00'
    """

    start: datetime | None
    end: datetime | None

    def __post_init__(self) -> None:
        for side in (self.start, self.end):
            if side is not None and side.tzinfo is None:
                raise ValueError(f"{side!r} has no time zone, must be aware UTC")
        if self.start is not None and self.end is not None and self.end < self.start:
            raise ValueError(f"[{self.start.isoformat()}, {self.end.isoformat()}) ends before it starts")

    @classmethod
    def of_month(cls, month: str) -> Window:
        """The window of one calendar month in UTC, from text such as ``2026-09``."""
        if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
            raise ValueError(f"month == {month!r}, must look like 2026-09")
        start = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)
        return cls(start, (start + timedelta(days=31)).replace(day=1))

    def previous(self) -> Window:
        """The window of the same length that ends where this one starts; both sides must be closed."""
        if self.start is None or self.end is None:
            raise ValueError("an open window has no previous one; give --from and --to")
        return Window(self.start - (self.end - self.start), self.start)


def parse_instant(text: str) -> datetime:
    """An instant from ISO 8601 text: a date means its midnight, no offset means UTC.

    >>> parse_instant("2026-09-01").isoformat()
    '2026-09-01T00:00:00+00:00'
    >>> parse_instant("2026-09-01T02:00+02:00").isoformat()
    '2026-09-01T00:00:00+00:00'
    """
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def naive(instant: datetime) -> datetime:
    """The same instant as the store keeps it: UTC, without a zone.

    The store's TIMESTAMP columns are UTC by rule; the zone is taken off only here and put on only where a value
    leaves the store.
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant!r} has no time zone, must be aware UTC")
    return instant.astimezone(UTC).replace(tzinfo=None)


def closed_bounds(window: Window) -> dict[str, datetime]:
    """`start` and `end` of a closed window, such as a billing period, as statements bind them."""
    if window.start is None or window.end is None:
        raise ValueError("an open window has no bounds; give both sides")
    return {"start": naive(window.start), "end": naive(window.end)}
