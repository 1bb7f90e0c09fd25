"""Attempts that failed, the newest first. Enters: a unit type, a window, where to go on. Leaves: one page of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from perunit.access.permit import OWNER, Permission
from perunit.engine.duckdb import identifier
from perunit.measures.filters import Filter, bound
from perunit.measures.guard import latest_event, lens_bit, unit_of
from perunit.measures.listing import checked_filters, shown_cells
from perunit.measures.permitted import rows_seen, seen_keys
from perunit.measures.scan import CELL_DIMENSIONS
from perunit.model.accounts import ACCOUNTS
from perunit.model.window import Window, naive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from perunit.access.permit import Permit
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["RECOVERY", "Failure", "FailureList", "FailurePage", "list_failures"]

# A success of the same intent so long after a failure is its recovery.
RECOVERY = timedelta(days=7)
_BEGINNING, _FOREVER = datetime(1, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001 - as the store keeps times
# The newest are looked for in short stretches first: events lie about in order of time, and most are not read then.
_STRETCHES = (timedelta(hours=6), timedelta(days=3), timedelta(days=30))


@dataclass(frozen=True, slots=True)
class FailureList:
    """What is listed; `after` is the time and the key of the last failure of the page before."""

    unit: str | None = None
    window: Window = field(default_factory=lambda: Window(None, None))
    filters: tuple[Filter, ...] = ()
    after: tuple[str, int] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt of the unit that did not succeed; `recovered` None where it has no intent to be recognised by.

    `units` and `amounts` are those that may be seen.
    """

    event_id: str
    source: str
    time: datetime
    type: str
    units: Mapping[str, str]
    segments: Mapping[str, str | None]
    outcome: str | None
    latency_ms: Decimal | None
    resource: str | None
    amounts: Mapping[str, Decimal]
    currency: str
    intent: str | None
    recovered: bool | None


@dataclass(frozen=True, slots=True)
class FailurePage:
    """A page; `next` is where to go on, None at the end."""

    unit: str
    failures: tuple[Failure, ...]
    next: tuple[str, int] | None


def list_failures(engine: Engine, contract: Contract, asked: FailureList, permit: Permit = OWNER) -> FailurePage:
    """One page of the failed attempts of a unit type within a window, as far as the permit's rows go."""
    permit.require(Permission.UNITS)
    permit.require(Permission.OPERATIONAL)
    unit, seen = unit_of(contract, asked.unit), rows_seen(contract, permit)
    filters = (*checked_filters(contract, asked.filters, CELL_DIMENSIONS), *seen)
    start = naive(asked.window.start) if asked.window.start else _BEGINNING
    end = naive(asked.window.end) if asked.window.end else _FOREVER
    values = {"bit": lens_bit(engine, contract, unit), "start": start, "end": end, "limit": asked.limit + 1}
    values |= bound(filters)
    if asked.after is not None:
        values |= {"time": datetime.fromisoformat(asked.after[0]), "key": asked.after[1]}
    rows = _newest(engine, _keys_sql(contract, filters, after=asked.after is not None), values, asked.limit)
    page, more = rows[: asked.limit], len(rows) > asked.limit
    found = _as_seen(engine, seen, permit, _lines(engine, contract, values, page))
    return FailurePage(unit, found, (page[-1][0].isoformat(), page[-1][1]) if more else None)


def _as_seen(
    engine: Engine, rows: tuple[Filter, ...], permit: Permit, failures: tuple[Failure, ...]
) -> tuple[Failure, ...]:
    """An event within the rows may name units outside of them, and money."""
    known = seen_keys(engine, rows, [each.units for each in failures])
    money = permit.allows(Permission.FINANCIAL)
    return tuple(
        replace(each, units=units, amounts=each.amounts if money else {})
        for each, units in zip(failures, known, strict=True)
    )


def _keys_sql(contract: Contract, filters: tuple[Filter, ...], *, after: bool) -> str:
    conditions = [each.sql(f"c.{identifier(f's_{each.dimension}')}", place) for place, each in enumerate(filters)]
    conditions += ["(e.event_time, e.event_key) < ($time, CAST($key AS UBIGINT))"] if after else []
    bit = "CAST($bit AS INTEGER)"
    failing = f"(c.attempt_mask >> {bit}) & 1 = 1 AND (c.success_mask >> {bit}) & 1 = 0"
    # The shown cell has the segments as they are grouped by; what an event was an attempt of stands in its own.
    return (
        f"SELECT e.event_time, e.event_key FROM events e JOIN ({shown_cells(contract)}) c ON c.cell_id = e.cell_id "
        f"WHERE e.event_time >= $start AND e.event_time < $end AND {' AND '.join([failing, *conditions])} "
        "ORDER BY e.event_time DESC, e.event_key DESC LIMIT $limit"
    )


def _newest(engine: Engine, sql: str, values: dict[str, Any], limit: int) -> list[tuple[Any, ...]]:
    latest = latest_event(engine)
    if latest is None:
        return []
    until = min(each for each in (values.get("time"), values["end"], naive(latest)) if each is not None)
    for stretch in _STRETCHES:
        if until - stretch > values["start"]:
            rows = engine.rows(sql, values | {"start": until - stretch})
            if len(rows) > limit:
                return rows
    return engine.rows(sql, values)


def _lines(
    engine: Engine, contract: Contract, values: dict[str, Any], page: list[tuple[Any, ...]]
) -> tuple[Failure, ...]:
    if not page:
        return ()
    last = page[0][0]
    span = {"first": page[-1][0], "last": last, "keys": [key for _, key in page]}
    units = [identifier(f"unit_{name}") for name in contract.units]
    rows = engine.records(
        f"SELECT e.event_key, e.id, c.s_source AS source, e.event_time, c.s_event_type AS event_type, "
        f"c.s_outcome AS outcome, e.latency_ms, e.resource, e.intent, c.currency, "
        f"{', '.join(f'e.{name}' for name in (*ACCOUNTS, *units))}, c.* "
        f"FROM events e JOIN ({shown_cells(contract)}) c ON c.cell_id = e.cell_id "
        "WHERE e.event_time >= $first AND e.event_time <= $last AND e.event_key IN (SELECT unnest($keys)) "
        "ORDER BY e.event_time DESC, e.event_key DESC",
        span,
    )
    successes = _successes(engine, values["bit"], span, {row["intent"] for row in rows if row["intent"] is not None})
    return tuple(_failure(contract, row, successes) for row in rows)


def _successes(engine: Engine, bit: int, span: dict[str, Any], intents: set[str]) -> dict[str, datetime]:
    """When each intent succeeded last, as far as it is within reach of the page."""
    if not intents:
        return {}
    rows = engine.rows(
        "SELECT e.intent, max(e.event_time) FROM events e JOIN cells k ON k.cell_id = e.cell_id "
        "WHERE e.event_time >= $first AND e.event_time <= $until AND e.intent IN (SELECT unnest($intents)) "
        "AND (k.success_mask >> CAST($bit AS INTEGER)) & 1 = 1 GROUP BY e.intent",
        {"first": span["first"], "until": span["last"] + RECOVERY, "intents": sorted(intents), "bit": bit},
    )
    return dict(rows)


def _failure(contract: Contract, row: dict[str, Any], successes: dict[str, datetime]) -> Failure:
    at, intent = row["event_time"], row["intent"]
    succeeded = successes.get(intent)
    return Failure(
        event_id=row["id"],
        source=row["source"],
        time=at.replace(tzinfo=UTC),
        type=row["event_type"],
        units={name: row[f"unit_{name}"] for name in contract.units if row[f"unit_{name}"] is not None},
        segments={name: row[f"s_{name}"] for name in contract.dimensions()},
        outcome=row["outcome"],
        latency_ms=row["latency_ms"],
        resource=row["resource"],
        amounts={name: row[name] for name in ACCOUNTS if row[name] is not None},
        currency=row["currency"],
        intent=intent,
        recovered=None if intent is None else succeeded is not None and at <= succeeded <= at + RECOVERY,
    )
