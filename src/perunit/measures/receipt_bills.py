"""What bills put on one unit. Enters: its events. Leaves: bill lines of its own, and its share of what is split.

Bills are allocated to cells (segments) and days, never to every unit: a unit's part of a cell's day is the cell's
part times what the unit had of that day's driver. The parts of all units of a cell's day add up to the cell's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit.engine.files import sql_text
from perunit.measures.catalogue import MEASURES
from perunit.measures.formula import Formula, Number, Part, evaluate
from perunit.model.money import divide, exact
from perunit.model.window import naive

if TYPE_CHECKING:
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.measures.receipt_events import EventLine

__all__ = ["BillLine", "ShareLine", "bill_lines", "share_lines", "unit_sums"]

_LINES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class BillLine:
    """A part of a bill that carries the unit's key. `lines` are the bill lines of its pool, the first ones of many."""

    rule: str
    day: datetime
    unit_type: str
    unit_key: str
    billed_cost: Decimal
    effective_cost: Decimal
    currency: str
    bill_id: int
    line_count: int
    lines: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ShareLine:
    """The unit's share of what a rule put on its segments on one day: `cost` = `whole_cost` × `part` ÷ `whole`.

    `kind` is usage or shared; `basis` names what `part` and `whole` count.
    """

    rule: str
    kind: str
    day: datetime
    meter: str | None
    resource: str | None
    basis: str
    part: Decimal
    whole: Decimal
    whole_cost: Decimal
    cost: Decimal | None
    currency: str
    bill_id: int


def bill_lines(engine: Engine, keys: dict[str, list[str]]) -> tuple[BillLine, ...]:
    """The direct allocations to any of these units (unit type → keys)."""
    found: list[BillLine] = []
    for unit, each in keys.items():
        values = {"unit": unit, "keys": each}
        pools: dict[tuple[int, int], list[dict[str, Any]]] = {}
        for line in engine.records(sql_text("measures", "receipt_lines"), values):
            pools.setdefault((line.pop("bill_id"), line.pop("pool_id")), []).append(line)
        rows = engine.records(
            "SELECT bill_id, pool_id, rule, day, unit_key, currency, sum(billed_cost) AS billed_cost, "
            "sum(effective_cost) AS effective_cost FROM allocations WHERE kind = 'direct' AND unit_type = $unit "
            "AND list_contains($keys, unit_key) GROUP BY ALL ORDER BY day, rule, unit_key, bill_id, pool_id",
            values,
        )
        found += [_bill_line(unit, row, pools.get((row["bill_id"], row["pool_id"]), [])) for row in rows]
    return tuple(found)


def _bill_line(unit: str, row: dict[str, Any], lines: list[dict[str, Any]]) -> BillLine:
    return BillLine(
        rule=row["rule"],
        day=row["day"].replace(tzinfo=UTC),
        unit_type=unit,
        unit_key=row["unit_key"],
        billed_cost=row["billed_cost"],
        effective_cost=row["effective_cost"],
        currency=row["currency"],
        bill_id=row["bill_id"],
        line_count=len(lines),
        lines=tuple(lines[:_LINES_SHOWN]),
    )


def share_lines(
    engine: Engine, contract: Contract, unit: str, bit: int, opened_at: datetime, events: tuple[EventLine, ...]
) -> tuple[ShareLine, ...]:
    """The unit's shares, one a rule, day, segment, meter and resource."""
    values = {
        "unit": unit,
        "bit": bit,
        "currency": contract.currency,
        "cells": sorted({event.cell_id for event in events}),
        "days": sorted({naive(event.day) for event in events}),
    }
    rows = engine.records(sql_text("measures", "receipt_shares"), values)
    if not rows:
        return ()
    wholes = _Wholes(engine, contract, unit, opened_at, events, values)
    lines = [wholes.share(row) for row in rows]
    return tuple(line for line in lines if line.part)


def unit_sums(contract: Contract, events: tuple[EventLine, ...]) -> dict[str, Number | None]:
    """The sums that formulas read, of some events of a unit; other currencies are left out."""
    sums: dict[str, Number | None] = {
        "events": len(events),
        "attempts": sum(event.attempt for event in events),
        "successes": sum(event.success for event in events),
    }
    with exact():
        for event in events:
            if event.currency == contract.currency:
                for account, amount in event.amounts.items():
                    _add(sums, _RECORDED[account], amount)
            for line in event.usage:
                if line.amount is not None and line.kind and line.currency == contract.currency:
                    name = "superseded_cost" if line.pricing == "billed" else _LISTED[line.kind]
                    _add(sums, name, line.amount)
    return sums


_RECORDED = {
    "revenue": "recorded_revenue",
    "discount": "recorded_discounts",
    "refund": "recorded_refunds",
    "fee": "recorded_fees",
    "tax": "recorded_tax",
    "cost": "recorded_cost",
}
_LISTED = {"cost": "listed_cost", "revenue": "listed_revenue", "fee": "listed_fees"}


def _add(sums: dict[str, Number | None], name: str, amount: Decimal) -> None:
    sums[name] = (sums.get(name) or Decimal(0)) + amount


class _Wholes:
    """What a unit and its cells had of each driver, per day and cell."""

    def __init__(
        self,
        engine: Engine,
        contract: Contract,
        unit: str,
        opened_at: datetime,
        events: tuple[EventLine, ...],
        values: dict[str, Any],
    ) -> None:
        self._contract, self._unit, self._opened_at = contract, unit, opened_at
        self._weights = {rule.name: rule.to for rule in contract.allocation if rule.method == "proportional"}
        self._even = {rule.name for rule in contract.allocation if rule.method == "even"}
        self._events: dict[tuple[datetime, int], list[EventLine]] = {}
        for event in events:
            self._events.setdefault((naive(event.day), event.cell_id), []).append(event)
        days = engine.records(sql_text("measures", "receipt_days"), values)
        self._days = {(row["day"], row["cell_id"]): row for row in days}
        self._usage = engine.records(
            "SELECT CAST(date_trunc('day', window_start) AS TIMESTAMP) AS day, cell_id, meter, resource, "
            "sum(quantity) AS quantity FROM rollup_usage WHERE list_contains($cells, cell_id) "
            "AND list_contains($days, CAST(date_trunc('day', window_start) AS TIMESTAMP)) GROUP BY ALL",
            values,
        )

    def share(self, row: dict[str, Any]) -> ShareLine:
        """The unit's share of one allocation to a cell's day."""
        basis, part, whole = self._driver(row)
        with exact():
            cost = divide(row["effective_cost"] * part, whole)
        return ShareLine(
            rule=row["rule"],
            kind=row["kind"],
            day=row["day"].replace(tzinfo=UTC),
            meter=row["meter"],
            resource=row["resource"],
            basis=basis,
            part=part,
            whole=whole,
            whole_cost=row["effective_cost"],
            cost=cost,
            currency=row["currency"],
            bill_id=row["bill_id"],
        )

    def _driver(self, row: dict[str, Any]) -> tuple[str, Decimal, Decimal]:
        """(what is counted, the unit's, the cell's): the rule's own driver, or events where it had none that day."""
        key = (row["day"], row["cell_id"])
        if row["kind"] == "usage" and row["meter"] is not None:
            return self._used(row, key)
        weight = "units" if row["rule"] in self._even else self._weights.get(row["rule"])
        if weight is not None:
            formula: Formula = Part("units") if weight == "units" else MEASURES[weight].formula
            part, whole = (evaluate(formula, sums) for sums in (self._own(key), _before_bills(self._days[key])))
            if whole and part is not None:
                return weight, part, whole
        return "events", Decimal(len(self._events.get(key, ()))), Decimal(self._days[key]["events"])

    def _used(self, row: dict[str, Any], key: tuple[datetime, int]) -> tuple[str, Decimal, Decimal]:
        meter, resource = row["meter"], row["resource"]
        with exact():
            part = sum(
                (
                    line.quantity
                    for event in self._events.get(key, ())
                    for line in {(each.meter, each.resource): each for each in event.usage}.values()
                    if line.meter == meter and resource in {None, line.resource}
                ),
                Decimal(0),
            )
            whole = sum(
                (
                    used["quantity"]
                    for used in self._usage
                    if (used["day"], used["cell_id"]) == key
                    and used["meter"] == meter
                    and resource in {None, used["resource"]}
                ),
                Decimal(0),
            )
        return meter, part, whole

    def _own(self, key: tuple[datetime, int]) -> dict[str, Number | None]:
        events = tuple(self._events.get(key, ()))
        sums = unit_sums(self._contract, events)
        opened = any(event.event_time == self._opened_at for event in events)
        with exact():
            if sums.get("superseded_cost") is not None:
                _add(sums, "listed_cost", Decimal(sums["superseded_cost"] or 0))
        return sums | {"units": int(opened)}


def _before_bills(row: dict[str, Any]) -> dict[str, Number | None]:
    return {name: value for name, value in row.items() if name not in {"day", "cell_id"}}
