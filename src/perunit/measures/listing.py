"""Units in order of what they earn. Enters: a unit type, an order, where to go on. Leaves: one page of units.

Set-based over `unit_days`, whose amounts are at the rates in force at each event; what bills charge a unit directly is
added. The receipt of a unit has the rest: what bills have taken over, and shares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit.engine.duckdb import identifier
from perunit.measures.filters import Filter, bound
from perunit.measures.guard import near, unit_of
from perunit.measures.scan import CELL_DIMENSIONS
from perunit.model.errors import UsageError
from perunit.model.window import Window, naive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["ORDERS", "UnitLine", "UnitList", "UnitPage", "checked_filters", "list_units", "reaching_out", "shown_cells"]

ORDERS = ("margin", "revenue", "cost", "last_event", "id")
_REVENUE = ("revenue", "priced_revenue")
_OFF = ("discount", "refund")
_COST = ("fee", "priced_fee", "cost", "priced_cost")
# A unit's events are of several kinds.
_OPENED_BY = tuple(name for name in CELL_DIMENSIONS if name == "source")
_QUOTED_DIRECT = "'direct'"
_BEGINNING, _FOREVER = datetime(1, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001 - as the store keeps times
_OTHERS = "SELECT DISTINCT currency FROM cells WHERE currency <> $currency ORDER BY 1"
_HAS_DIRECT = "SELECT count(*) FROM allocations WHERE kind = 'direct' AND unit_type = $unit AND unit_key IS NOT NULL"


@dataclass(frozen=True, slots=True)
class UnitList:
    """What is listed: `order` is one of `ORDERS`, with a leading ``-`` for falling. `starts` is the start of the ids.

    `after` is the value and the id of the last unit before the page, as a page's `next` has them.
    """

    unit: str
    order: str = "margin"
    window: Window = field(default_factory=lambda: Window(None, None))
    filters: tuple[Filter, ...] = ()
    starts: str | None = None
    after: tuple[str, str] | None = None
    limit: int = 50
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One unit over the window. Segments are those it opened in, as shown."""

    id: str
    opened_at: datetime
    last_event: datetime
    segments: Mapping[str, str | None]
    revenue: Decimal
    cost: Decimal
    margin: Decimal
    attempts: int
    successes: int


@dataclass(frozen=True, slots=True)
class UnitPage:
    """A page; `window` are the whole days it is of, `next` where to go on, None at the end."""

    unit: str
    currency: str
    window: Window
    units: tuple[UnitLine, ...]
    next: tuple[str, str] | None
    notes: tuple[str, ...]


def list_units(engine: Engine, contract: Contract, asked: UnitList) -> UnitPage:
    """One page of units with an event in the window, the least of the order first.

    By `id` every unit comes exactly once whatever happens meanwhile; by another order, every unit that does not change.
    """
    unit = unit_of(contract, asked.unit)
    column, falls = asked.order.removeprefix("-"), asked.order.startswith("-")
    if column not in ORDERS:
        raise UsageError(f"order: got {column!r}, must be one of {', '.join(ORDERS)}; correct it")
    currency, window = asked.currency or contract.currency, _whole_days(asked.window)
    values = _values(contract, asked, unit, currency, window)
    others = [name for (name,) in engine.rows(_OTHERS, values)]
    scope = _Scope(engine, contract, asked, values, apart=bool(others))
    found = engine.rows(_keys_sql(scope, column, falls=falls), values)
    page, more = found[: asked.limit], len(found) > asked.limit
    units = _lines(contract, scope, [key for key, _ in page])
    return UnitPage(
        unit=unit,
        currency=currency,
        window=window,
        units=tuple(units[key] for key, _ in page),
        next=(str(page[-1][1]), page[-1][0]) if more else None,
        notes=tuple(f"amounts in {other} are not included" for other in others),
    )


def _whole_days(window: Window) -> Window:
    day = timedelta(days=1)
    start = window.start and window.start.replace(hour=0, minute=0, second=0, microsecond=0)
    end = window.end
    if end is not None and end.timetz().replace(tzinfo=None) != time():
        end = end.replace(hour=0, minute=0, second=0, microsecond=0) + day
    return Window(start, end)


def _values(contract: Contract, asked: UnitList, unit: str, currency: str, window: Window) -> dict[str, Any]:
    filters = checked_filters(contract, asked.filters)
    return {
        "unit": unit,
        "currency": currency,
        "start": naive(window.start) if window.start else _BEGINNING,
        "end": naive(window.end) if window.end else _FOREVER,
        "starts": asked.starts,
        "limit": asked.limit + 1,
        **bound(filters),
    }


def checked_filters(
    contract: Contract, filters: tuple[Filter, ...], beside: tuple[str, ...] = _OPENED_BY
) -> tuple[Filter, ...]:
    """The filters, each on a dimension of the contract or one of `beside`; raises UsageError for another."""
    known = (*contract.dimensions(), *beside)
    for each in filters:
        if each.dimension not in known:
            raise UsageError(
                f"filter: got {each.dimension!r}, must be one of {', '.join(known)}; {near(each.dimension, known)}"
            )
    return filters


def shown_cells(contract: Contract) -> str:
    """Every cell with its segments as shown, under the dimensions' own names with ``s_`` before them."""
    shown = [f"{identifier(f'shown_{name}')} AS {identifier(f's_{name}')}" for name in contract.dimensions()]
    own = [f"{name} AS s_{name}" for name in CELL_DIMENSIONS]
    masks = "cell_id, shown_cell_id, currency, unit_mask, attempt_mask, success_mask"
    return f"SELECT {', '.join([masks, *own, *shown])} FROM cells"


class _Scope:
    """Which rows of `unit_days` a listing is of, and how they are summed."""

    def __init__(
        self, engine: Engine, contract: Contract, asked: UnitList, values: dict[str, Any], *, apart: bool
    ) -> None:
        self.engine, self.asked, self.values = engine, asked, values
        self.unit = values["unit"]
        # Only where there are others: telling currencies apart costs something.
        self.own = " FILTER (WHERE d.currency = $currency)" if apart else ""
        self.direct = bool(engine.value(_HAS_DIRECT, values))
        self.opened_in = _opened_in(contract, asked.filters) if asked.filters else None

    def total(self, *signed: tuple[str, tuple[str, ...]]) -> str:
        """One sum of several columns, each row's added first: that is half as dear as a sum a column."""
        terms = " ".join(f"{sign} coalesce(d.{name}, 0)" for sign, names in signed for name in names)
        return f"coalesce(sum(0 {terms}){self.own}, 0)"

    def source(self, condition: str = "true") -> str:
        """The rows, as `d`: those of days, and what bills charge units directly as rows beside them."""
        where = ["unit_type = $unit", "day >= $start", "day < $end", condition]
        where += ["starts_with(unit_key, $starts)"] if self.asked.starts else []
        where += [f"unit_key IN ({self.opened_in})"] if self.opened_in else []
        days = f"SELECT * FROM unit_days WHERE {' AND '.join(where)}"
        if not self.direct:
            return f"({days}) d"
        billed = "SELECT unit_key, currency, CAST(effective_cost AS DECIMAL(38, 24)) AS billed FROM allocations"
        return f"({days} UNION ALL BY NAME {billed} WHERE {' AND '.join(['kind = ' + _QUOTED_DIRECT, *where])}) d"

    def ordered(self, column: str) -> str:
        """What units are ordered by."""
        earned, cost = (("+", _REVENUE), ("-", _OFF)), (*_COST, *(("billed",) if self.direct else ()))
        return {
            "id": "d.unit_key",
            "last_event": "max(d.last_time)",
            "revenue": self.total(*earned),
            "cost": self.total(("+", cost)),
            "margin": self.total(*earned, ("-", cost)),
        }[column]

    @property
    def seen(self) -> str:
        """Leaves out units that have only bills in the window."""
        return "HAVING max(d.last_time) IS NOT NULL" if self.direct else ""


def _keys_sql(scope: _Scope, column: str, *, falls: bool) -> str:
    """The ids of one page and what they are ordered by; all else is read of these few."""
    asked, order = scope.asked, " DESC" if falls else ""
    after = _after(asked, column, falls=falls, values=scope.values)
    whole = asked.window == Window(None, None) and not asked.filters and not asked.starts
    if column == "id" and whole:
        # Every unit has an event on some day.
        return (
            "SELECT id, ordered FROM (SELECT unit_key AS id, unit_key AS ordered FROM units WHERE unit_type = $unit) "
            f"{after} ORDER BY id{order} LIMIT $limit"
        )
    return (
        f"SELECT id, ordered FROM (SELECT d.unit_key AS id, {scope.ordered(column)} AS ordered "
        f"FROM {scope.source()} GROUP BY d.unit_key {scope.seen}) {after} ORDER BY ordered{order}, id LIMIT $limit"
    )


def _lines(contract: Contract, scope: _Scope, keys: list[str]) -> dict[str, UnitLine]:
    if not keys:
        return {}
    rows = scope.engine.rows(
        f"SELECT d.unit_key, {scope.ordered('revenue')}, {scope.ordered('cost')}, {scope.ordered('margin')}, "
        "max(d.last_time), CAST(sum(d.attempts) AS BIGINT), CAST(sum(d.successes) AS BIGINT) "
        f"FROM {scope.source('unit_key IN (SELECT unnest($keys))')} GROUP BY d.unit_key",
        scope.values | {"keys": keys},
    )
    openings = _openings(scope.engine, contract, scope.unit, keys)
    return {row[0]: _line(row, openings) for row in rows}


def _after(asked: UnitList, column: str, *, falls: bool, values: dict[str, Any]) -> str:
    """Only what stands behind the last unit of the page before."""
    if asked.after is None:
        return ""
    value, values["after_key"] = asked.after
    beyond = "<" if falls else ">"
    if column == "id":
        return f"WHERE id {beyond} $after_key"
    try:
        values["after"] = datetime.fromisoformat(value) if column == "last_event" else Decimal(value)
    except (ValueError, ArithmeticError) as error:
        raise UsageError(f"after: got {value!r}, must be the `next` of an earlier page; start without it") from error
    kind = "TIMESTAMP" if column == "last_event" else "DECIMAL(38, 24)"
    return f"WHERE ordered {beyond} CAST($after AS {kind}) OR (ordered = CAST($after AS {kind}) AND id > $after_key)"


def _opened_in(contract: Contract, filters: tuple[Filter, ...]) -> str:
    conditions = [each.sql(f"c.{identifier(f's_{each.dimension}')}", place) for place, each in enumerate(filters)]
    return (
        f"SELECT u.unit_key FROM units u JOIN ({shown_cells(contract)}) c ON c.cell_id = u.cell_id "
        f"WHERE u.unit_type = $unit AND {' AND '.join(conditions)}"
    )


def reaching_out(
    engine: Engine, contract: Contract, unit: str, rows: tuple[Filter, ...], keys: list[str]
) -> frozenset[str]:
    """Of these units, those that have events outside the rows: their amounts are not of these rows alone."""
    if not rows or not keys:
        return frozenset()
    seen = " AND ".join(each.sql(f"c.{identifier(f's_{each.dimension}')}", place) for place, each in enumerate(rows))
    key = f"e.{identifier(f'unit_{unit_of(contract, unit)}')}"
    found = engine.rows(
        f"SELECT DISTINCT {key} FROM events e JOIN ({shown_cells(contract)}) c ON c.cell_id = e.cell_id "
        f"WHERE {key} IN (SELECT unnest($keys)) AND NOT ({seen})",
        {"keys": keys} | bound(rows),
    )
    return frozenset(name for (name,) in found)


def _openings(engine: Engine, contract: Contract, unit: str, keys: list[str]) -> dict[str, tuple[Any, ...]]:
    if not keys:
        return {}
    names = contract.units[unit].segments or contract.dimensions()
    columns = ", ".join(["u.unit_key", "u.opened_at", *(f"c.{identifier(f's_{name}')}" for name in names)])
    rows = engine.rows(
        f"SELECT {columns} FROM units u JOIN ({shown_cells(contract)}) c ON c.cell_id = u.cell_id "
        "WHERE u.unit_type = $unit AND u.unit_key IN (SELECT unnest($keys))",
        {"unit": unit, "keys": keys},
    )
    return {key: (opened, dict(zip(names, segments, strict=True))) for key, opened, *segments in rows}


def _line(row: tuple[Any, ...], openings: dict[str, tuple[Any, ...]]) -> UnitLine:
    key, revenue, cost, margin, last_event, attempts, successes = row
    opened, segments = openings[key]
    opened, last_event = opened.replace(tzinfo=UTC), last_event.replace(tzinfo=UTC)
    return UnitLine(key, opened, last_event, segments, revenue, cost, margin, attempts, successes)
