"""Facts summed to the day once, for many questions about the same days. Enters: windows that are asked about often.
Leaves: the same figures from smaller tables.

Sums of sums are the same sums. What a row counts beyond its facts (how many rows there were) is only told apart from
none. The tables are the connection's own and end with its transaction.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from perunit.measures.sums import Fact
from perunit.model.window import Grain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from perunit.engine.duckdb import Engine
    from perunit.measures.scan import Lens
    from perunit.model.window import Window

__all__ = ["summed_by_day", "table_of"]

_DAY = "CAST(date_trunc('day', f.window_start) AS TIMESTAMP) AS window_start"
_AMOUNTS = ("revenue", "discount", "refund", "fee", "tax", "cost")
# Each table by day: what tells its rows apart, and what is summed. Of a rate only whether there is one is kept.
_TABLES = {
    Fact.ROLLUP: (
        f"{_DAY}, f.cell_id",
        ", ".join(f"sum(f.{name}) AS {name}" for name in ("events", "duplicates", "late", *_AMOUNTS)),
    ),
    Fact.UNITS: (f"{_DAY}, f.unit_type, f.cell_id, f.weight", "sum(f.opened) AS opened"),
    Fact.USAGE: (f"{_DAY}, f.cell_id, f.meter", "sum(f.quantity) AS quantity"),
    Fact.PRICED: (
        f"{_DAY}, f.cell_id, f.kind, f.currency, f.superseded, CASE WHEN f.rate_id IS NOT NULL THEN '' END AS rate_id",
        "sum(f.usage_events) AS usage_events, sum(f.amount) AS amount",
    ),
    Fact.ALLOCATIONS: (
        "f.day, f.cell_id, f.kind, f.currency, f.unit_type",
        "sum(f.billed_cost) AS billed_cost, sum(f.effective_cost) AS effective_cost",
    ),
}
_TIME = {Fact.ALLOCATIONS: "day"}
# Below so many rows a table is read as soon as it would be summed.
_ROWS_MIN = 100_000
# Dimensions that are the fact's own and not its cell's: summed over here.
_LOST = frozenset({"meter", "resource"})


class _Days:
    """The tables made so far, for the windows they are to be made for."""

    def __init__(self, engine: Engine, windows: frozenset[Window]) -> None:
        self.engine, self.windows = engine, windows
        self.tables: dict[tuple[Fact, Window], str] = {}


_CURRENT: ContextVar[_Days | None] = ContextVar("summed_by_day", default=None)


@contextmanager
def summed_by_day(engine: Engine, windows: frozenset[Window]) -> Iterator[None]:
    """Within it questions about one of `windows` read tables by day, each made when it is first needed.

    The engine stands in a transaction that sees one state and is never committed.
    """
    token = _CURRENT.set(_Days(engine, windows))
    try:
        yield
    finally:
        _CURRENT.reset(token)


def table_of(engine: Engine, lens: Lens, fact: Fact) -> str | None:
    """The name of the table by day that says the same as the fact's own through this lens, if there is one."""
    days = _CURRENT.get()
    if days is None or days.engine is not engine or not _suits(days, lens, fact):
        return None
    if (fact, lens.window) not in days.tables:
        days.tables[fact, lens.window] = _made(engine, lens, fact)
    return days.tables[fact, lens.window]


def _suits(days: _Days, lens: Lens, fact: Fact) -> bool:
    if fact not in _TABLES or fact in lens.fine or lens.window not in days.windows:
        return False
    if lens.grain in {Grain.MINUTE, Grain.HOUR} or not all(map(_is_midnight, (lens.window.start, lens.window.end))):
        return False
    used = {*lens.by, *(each.dimension for each in lens.filters), *(lens.where.columns if lens.where else ())}
    if {name.lower() for name in used} & _LOST:
        return False
    return bool(days.engine.value(f"SELECT count(*) FROM {fact.value}") >= _ROWS_MIN)


def _is_midnight(at: datetime | None) -> bool:
    return at is None or not (at.hour or at.minute or at.second or at.microsecond)


def _made(engine: Engine, lens: Lens, fact: Fact) -> str:
    told_apart, summed = _TABLES[fact]
    time = _TIME.get(fact, "window_start")
    # The same name for the same table, so that statements on it are known when they come again.
    bounds = "_".join("open" if at is None else f"{at:%Y%m%d}" for at in (lens.window.start, lens.window.end))
    name = f"by_day_{fact.value}_{bounds}"
    engine.execute(
        f"CREATE TEMP TABLE {name} AS SELECT {told_apart}, {summed} FROM {fact.value} f "
        f"WHERE f.{time} >= $start AND f.{time} < $end GROUP BY ALL",
        lens.values(),
    )
    return name
