"""The one query builder. Enters: measures, how to cut them, a window. Leaves: exact values and their context.

A result says what it rests on: the window, how fresh the facts are, whether costs are estimated or billed,
the price books in force, and, in notes, whatever a reader would otherwise miss.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit.access.permit import OWNER, Permission
from perunit.measures.catalogue import Measure, Unit, resolve
from perunit.measures.errors import Doubt, doubts
from perunit.measures.formula import Change, Number, Spread, Sums, evaluate
from perunit.measures.guard import checked_lens
from perunit.measures.locked import is_closed, locked_months
from perunit.measures.notes import COST_SUMS, notes
from perunit.measures.periods import Compare, Shift, bucket_end, bucket_of, comparison, one_before
from perunit.measures.permitted import require_measures, rows_seen, withheld
from perunit.measures.scan import USAGE_DIMENSIONS, Key, Lens, Table, scan
from perunit.model.errors import UsageError
from perunit.model.money import divide, exact, plain
from perunit.model.window import Grain, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.access.permit import Permit
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.measures.filters import Filter

__all__ = ["Column", "Query", "Result", "Row", "run_query"]

_CONTEXT_SUMS = frozenset({"unpriced", "list_priced_rows", "billed_rows", "billed_elsewhere"})


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked. `unit` None is the contract's first unit type, `currency` None its currency.

    Amounts in other currencies are converted into it, or left out where it does not `converts`.

    Facts count where `where` holds and every one of `filters` does. `compare_with` is the window that is compared with
    where `compare` is custom.

    `order` names columns, a leading ``-`` for falling; without it rows stand in order of time and segments.
    """

    measures: tuple[str, ...]
    unit: str | None = None
    by: tuple[str, ...] = ()
    grain: Grain = Grain.TOTAL
    window: Window = field(default_factory=lambda: Window(None, None))
    where: str | None = None
    filters: tuple[Filter, ...] = ()
    compare: Compare = Compare.OFF
    compare_with: Window | None = None
    currency: str | None = None
    converts: bool = True
    order: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result. `kind` is bucket, dimension, measure, error, before, change or change_ratio.

    An error column follows a measure that is an estimate in some row: its standard error, None where it is exact or no
    error is known.
    """

    name: str
    kind: str
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row: values by column name; `status` is estimated, billed, mixed or closed, None where no cost is priced.

    `complete` is false where facts may still come in or the window cuts the bucket. `estimated` names the measures that
    are estimates of a sample. `sums` is what the measures are made of.
    """

    values: dict[str, Any]
    status: str | None
    complete: bool
    estimated: tuple[str, ...] = ()
    sums: Sums = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """The answer with all it rests on. Times are aware UTC; `latest_event` None means there are no facts."""

    query: Query
    unit: str
    currency: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    measures: tuple[Measure, ...]
    compared_with: Window | None
    latest_event: datetime | None
    ingested_at: datetime | None
    batch_id: int | None
    price_books: tuple[str, ...]
    notes: tuple[str, ...]

    def as_json(self, rows: tuple[Row, ...] | None = None) -> dict[str, Any]:
        """Plain values: decimals as exact text, times as RFC 3339. Rows name their estimates where there is any.

        With `rows`, only these of its rows.
        """
        sampled = any(column.kind == "error" for column in self.columns)
        return {
            "unit": self.unit,
            "currency": self.currency,
            "grain": str(self.query.grain),
            "by": list(self.query.by),
            "where": self.query.where,
            "window": _window_json(self.query.window),
            "compare": str(self.query.compare),
            "compared_with": _window_json(self.compared_with) if self.compared_with else None,
            "freshness": {
                "latest_event": _json_value(self.latest_event),
                "ingested_at": _json_value(self.ingested_at),
                "batch_id": self.batch_id,
            },
            "price_books": list(self.price_books),
            "measures": [measure.as_json() for measure in self.measures],
            "columns": [column.name for column in self.columns],
            "rows": [
                {name: _json_value(value) for name, value in row.values.items()}
                | {"status": row.status, "complete": row.complete}
                | ({"estimated": list(row.estimated)} if sampled else {})
                for row in (self.rows if rows is None else rows)
            ],
            "notes": list(self.notes),
        }


def run_query(engine: Engine, contract: Contract, query: Query, permit: Permit = OWNER) -> Result:
    """The value of every measure asked for, per bucket and segment, of the rows that the permit lets through.

    Raises UsageError where a name does not exist or the question has no exact answer, and says why; ForbiddenError
    where the permit does not let a measure through.
    """
    measures = resolve(contract, query.measures)
    require_measures(permit, measures)
    needed = frozenset().union(*(measure.needs() for measure in measures))
    if needed & COST_SUMS:
        needed |= _CONTEXT_SUMS
    lens = checked_lens(engine, contract, query, measures, needed, rows_seen(contract, permit))
    table = scan(engine, contract, lens, needed)
    # Before earlier periods are read, whose facts without an exchange rate are none of this one's.
    reservations = (*notes(engine, lens, table, needed), *withheld(permit, measures))
    doubt = doubts(engine, contract, lens, measures) if lens.sampled else {}
    shift = (
        None
        if query.compare is Compare.OFF
        else comparison(query.window, query.grain, query.compare, query.compare_with)
    )
    earlier = _Earlier(engine, contract, lens, measures)
    columns = _columns(query, measures, doubt)
    latest_event, ingested_at, batch_id = _freshness(engine)
    locked = locked_months(engine)
    rows = [
        Row(
            _values(key, table.get(key, {}), measures, query, earlier, shift)
            | _errors(doubt.get(key), table.get(key, {}), columns),
            _status(table.get(key, {}), closed=is_closed(_window_of(key, query), locked)),
            _complete(key, query, latest_event),
            tuple(measure.name for measure in measures if key in doubt and doubt[key].touches(measure)),
            table.get(key, {}),
        )
        for key in sorted(set(table) | earlier.gone(shift, set(table)), key=_sort_key)
    ]
    if set(query.by) & set(USAGE_DIMENSIONS):
        # Fees and prices of other kinds stand in the same table under meters of their own.
        rows = [row for row in rows if any(_says_something(row, measure) for measure in measures)]
    return Result(
        query=query,
        unit=lens.unit,
        currency=lens.currency,
        columns=columns,
        rows=_ordered(rows, query, columns),
        measures=measures,
        compared_with=shift.window if shift else None,
        latest_event=latest_event,
        ingested_at=ingested_at,
        batch_id=batch_id,
        price_books=_price_books(engine, lens, permit),
        notes=(*reservations, *_unlike(query.window, shift, latest_event)),
    )


# What is missing of a window is told from this part of it on; less is the moment that data is under way.
_MISSING_MIN = 100


def _unlike(window: Window, shift: Shift | None, latest_event: datetime | None) -> Iterator[str]:
    """That part of a window is compared with a whole one."""
    if shift is None or window.start is None or window.end is None or latest_event is None:
        return
    missing = window.end - max(latest_event, window.start)
    part = missing * _MISSING_MIN >= window.end - window.start
    if part and shift.window.end is not None and shift.window.end <= latest_event:
        ends = f"facts end on {latest_event:%Y-%m-%d %H:%M}, before the window does"
        yield f"{ends}: sums of a part of it are compared with those of a whole one"


class _Earlier:
    """Earlier periods, each read once and only when a column needs it."""

    def __init__(self, engine: Engine, contract: Contract, lens: Lens, measures: tuple[Measure, ...]) -> None:
        self._engine, self._contract, self._lens = engine, contract, lens
        self._needed = frozenset().union(*(measure.needs() for measure in measures))
        self._tables: dict[tuple[Window, Grain], Table] = {}
        self._days: dict[Window, dict[Key, list[dict[str, Number | None]]]] = {}

    def table(self, window: Window, grain: Grain) -> Table:
        if (window, grain) not in self._tables:
            lens = self._lens.on(window, grain)
            self._tables[window, grain] = scan(self._engine, self._contract, lens, self._needed)
        return self._tables[window, grain]

    def sums(self, shift: Shift, key: Key) -> dict[str, Number | None]:
        bucket, values = key
        earlier = (bucket and shift.back(bucket), values)
        return self.table(shift.window, self._lens.grain).get(earlier, {})

    def days(self, window: Window, key: Key) -> tuple[dict[str, Number | None], ...]:
        """The daily sums inside a bucket."""
        if window not in self._days:
            grouped: dict[Key, list[dict[str, Number | None]]] = {}
            for (day, values), sums in self.table(window, Grain.DAY).items():
                assert day is not None  # noqa: S101 - a day's bucket is a time
                bucket = None if self._lens.grain is Grain.TOTAL else bucket_of(day, self._lens.grain)
                grouped.setdefault((bucket, values), []).append(sums)
            self._days[window] = grouped
        return tuple(self._days[window].get(key, ()))

    def gone(self, shift: Shift | None, present: set[Key]) -> set[Key]:
        """What the earlier period has and this one lacks, such as a segment that has vanished."""
        if shift is None:
            return set()
        table = self.table(shift.window, self._lens.grain)
        taken = {(bucket and shift.back(bucket), values) for bucket, values in present}
        return {(bucket and shift.forth(bucket), values) for bucket, values in table if (bucket, values) not in taken}


def _columns(query: Query, measures: tuple[Measure, ...], doubt: dict[Key, Doubt]) -> tuple[Column, ...]:
    columns = [] if query.grain is Grain.TOTAL else [Column(str(query.grain), "bucket")]
    columns += [Column(dimension, "dimension") for dimension in query.by]
    for measure in measures:
        columns.append(Column(measure.name, "measure", measure))
        if any(each.touches(measure) for each in doubt.values()):
            columns.append(Column(f"{measure.name}_error", "error", measure))
        if query.compare is not Compare.OFF:
            columns += [
                Column(f"{measure.name}_{kind}", kind, measure) for kind in ("before", "change", "change_ratio")
            ]
    return tuple(columns)


def _values(
    key: Key,
    sums: dict[str, Number | None],
    measures: tuple[Measure, ...],
    query: Query,
    earlier: _Earlier,
    shift: Shift | None,
) -> dict[str, Any]:
    bucket, dimensions = key
    values: dict[str, Any] = {} if bucket is None else {str(query.grain): bucket}
    values.update(zip(query.by, dimensions, strict=True))
    for measure in measures:
        now = _value(measure, key, sums, query.window, query.grain, earlier)
        values[measure.name] = now
        if shift is not None:
            back = (bucket and shift.back(bucket), dimensions)
            before = _value(measure, back, earlier.sums(shift, key), shift.window, query.grain, earlier)
            values |= _compared(measure, now, before)
    return values


def _errors(doubt: Doubt | None, sums: dict[str, Number | None], columns: tuple[Column, ...]) -> dict[str, Any]:
    return {
        column.name: doubt and doubt.error(column.measure, sums)
        for column in columns
        if column.kind == "error" and column.measure is not None
    }


def _value(
    measure: Measure,
    key: Key,
    sums: dict[str, Number | None],
    window: Window,
    grain: Grain,
    earlier: _Earlier,
) -> Number | None:
    if isinstance(measure.formula, Change):
        return evaluate(measure.formula, sums, before=earlier.sums(one_before(window, grain), key))
    if isinstance(measure.formula, Spread):
        return evaluate(measure.formula, sums, days=earlier.days(window, key))
    value = evaluate(measure.formula, sums)
    # A count that a sample estimates need not be whole.
    return int(value) if measure.unit is Unit.COUNT and value is not None and value % 1 == 0 else value


def _compared(measure: Measure, now: Number | None, before: Number | None) -> dict[str, Number | None]:
    """The earlier value and the change; relative only against a positive base, and never for a ratio."""
    change: Number | None = None
    relative: Decimal | None = None
    if now is not None and before is not None:
        with exact():
            change = now - before
        if measure.unit is not Unit.RATIO and before > 0:
            relative = divide(Decimal(change), Decimal(before))
    name = measure.name
    return {f"{name}_before": before, f"{name}_change": change, f"{name}_change_ratio": relative}


def _says_something(row: Row, measure: Measure) -> bool:
    values = (row.values[measure.name], row.values.get(f"{measure.name}_before"))
    return any(value is not None and (measure.unit is not Unit.COUNT or value != 0) for value in values)


def _window_of(key: Key, query: Query) -> Window:
    bucket = key[0]
    return query.window if bucket is None else Window(bucket, bucket_end(bucket, query.grain))


def _status(sums: dict[str, Number | None], *, closed: bool) -> str | None:
    """Whether the row's cost rests on list rates, on bills or on both, or its period is closed."""
    if closed and (sums.get("list_priced_rows") or sums.get("billed_rows")):
        return "closed"
    listed, billed = sums.get("list_priced_rows"), sums.get("billed_rows")
    if listed and billed:
        return "mixed"
    if listed:
        return "estimated"
    return "billed" if billed else None


def _complete(key: Key, query: Query, latest_event: datetime | None) -> bool:
    bucket, window = key[0], query.window
    if bucket is None:
        return window.end is None or (latest_event is not None and latest_event >= window.end)
    end = bucket_end(bucket, query.grain)
    cut = (window.start is not None and window.start > bucket) or (window.end is not None and window.end < end)
    return not cut and latest_event is not None and latest_event >= end


def _sort_key(key: Key) -> tuple[Any, ...]:
    bucket, values = key
    return bucket or datetime.min.replace(tzinfo=UTC), tuple((value is None, value or "") for value in values)


def _ordered(rows: list[Row], query: Query, columns: tuple[Column, ...]) -> tuple[Row, ...]:
    names = {column.name for column in columns}
    for term in reversed(query.order):
        name = term.removeprefix("-")
        if name not in names:
            raise UsageError(f"--order: got {name!r}, must be one of the columns {', '.join(sorted(names))}")
        known = [row for row in rows if row.values[name] is not None]
        known.sort(key=lambda row: row.values[name], reverse=term.startswith("-"))
        rows = known + [row for row in rows if row.values[name] is None]
    return tuple(rows[: query.limit])


def _freshness(engine: Engine) -> tuple[datetime | None, datetime | None, int | None]:
    latest, ingested, batch = engine.rows("SELECT max(watermark), max(ingested_at), max(batch_id) FROM batches")[0]
    return latest and latest.replace(tzinfo=UTC), ingested and ingested.replace(tzinfo=UTC), batch


def _price_books(engine: Engine, lens: Lens, permit: Permit) -> tuple[str, ...]:
    """``book@version`` of every price book in force that has a rate within the window, where one may know of them."""
    if not (permit.allows(Permission.FINANCIAL) or permit.allows(Permission.PRICES)):
        return ()
    rows = engine.rows(
        "SELECT DISTINCT b.book, b.version FROM price_books b JOIN rates r ON r.book = b.book "
        "AND r.version = b.version WHERE b.withdrawn_at IS NULL AND r.effective_from < $end "
        "AND (r.effective_to IS NULL OR r.effective_to > $start) ORDER BY b.book, b.version",
        lens.values(),
    )
    return tuple(f"{book}@{version}" for book, version in rows)


def _window_json(window: Window) -> dict[str, Any]:
    return {"start": _json_value(window.start), "end": _json_value(window.end)}


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
