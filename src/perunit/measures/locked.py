"""Which months are locked. Enters: the locks. Leaves: whether a window's figures are closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine
    from perunit.model.window import Window

__all__ = ["is_closed", "locked_months"]


def locked_months(engine: Engine) -> frozenset[datetime]:
    """The starts of the months that are locked for every issuer, aware and in UTC."""
    rows = engine.rows("SELECT DISTINCT period_start FROM locks WHERE invoice_issuer_name IS NULL")
    return frozenset(start.replace(tzinfo=UTC) for (start,) in rows)


def is_closed(window: Window, months: frozenset[datetime]) -> bool:
    """Whether every month that a window touches is locked; a window with an open side never is."""
    if window.start is None or window.end is None or not months:
        return False
    month = window.start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month < window.end:
        if month not in months:
            return False
        month = (month + timedelta(days=32)).replace(day=1)
    return True
