"""What bills put on one unit. Enters: its events. Leaves: bill lines of its own, and its share of what is split.

Bills are allocated to cells (segments) and days, never to every unit: a unit's part of a cell's day is the cell's
part times what the unit had of that day's driver. The parts of all units of a cell's day add up to the cell's; bill
lines for hours of the day are shared like the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit.economics.fx.rates import unconverted
from perunit.engine.files import sql_text
from perunit.measures.catalogue import MEASURES
from perunit.measures.formula import Number, evaluate
from perunit.model.money import divide, exact
from perunit.model.window import naive

if TYPE_CHECKING:
    from perunit.contract.shape import Contract
    from perunit.economics.fx.rates import Worth, WorthOf
    from perunit.engine.duckdb import Engine
    from perunit.measures.receipt_events import EventLine

__all__ = ["BillLine", "ShareLine", "bill_lines", "billed_sums", "share_lines", "unit_sums"]

_LINES_SHOWN = 20

# A day and a cell.
_Place = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class BillLine:
    """A part of a bill that names the unit: `kind` direct by its line, shared or fixed by a rule's weights.

    `lines` are the bill lines of its pool, the first ones of many.
    """

    rule: str
    kind: str
    day: datetime
    unit_type: str
    unit_key: str
    billed_cost: Decimal
    effective_cost: Decimal
    currency: str
    bill_id: int
    cell_id: int | None
    line_count: int
    lines: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ShareLine:
    """The unit's share of what a rule put on its segments on one day: `cost` = `whole_cost` × `part` ÷ `whole`.

    `kind` is usage, shared or fixed; `basis` names what `part` and `whole` count.
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
    """The allocations that name any of these units (unit type → keys)."""
    found: list[BillLine] = []
    for unit, each in keys.items():
        values = {"unit": unit, "keys": each}
        pools: dict[tuple[int, int], list[dict[str, Any]]] = {}
        for line in engine.records(sql_text("measures", "receipt_lines"), values):
            pools.setdefault((line.pop("bill_id"), line.pop("pool_id")), []).append(line)
        rows = engine.records(
            "SELECT bill_id, pool_id, rule, kind, day, cell_id, unit_key, currency, sum(billed_cost) AS billed_cost, "
            "sum(effective_cost) AS effective_cost FROM allocations WHERE kind IN ('direct', 'shared', 'fixed') "
            "AND unit_type = $unit AND list_contains($keys, unit_key) GROUP BY ALL "
            "ORDER BY day, rule, unit_key, bill_id, pool_id",
            values,
        )
        found += [_bill_line(unit, row, pools.get((row["bill_id"], row["pool_id"]), [])) for row in rows]
    return tuple(found)


def _bill_line(unit: str, row: dict[str, Any], lines: list[dict[str, Any]]) -> BillLine:
    return BillLine(
        rule=row["rule"],
        kind=row["kind"],
        day=row["day"].replace(tzinfo=UTC),
        unit_type=unit,
        unit_key=row["unit_key"],
        billed_cost=row["billed_cost"],
        effective_cost=row["effective_cost"],
        currency=row["currency"],
        bill_id=row["bill_id"],
        cell_id=row["cell_id"],
        line_count=len(lines),
        lines=tuple(lines[:_LINES_SHOWN]),
    )


def share_lines(
    engine: Engine, contract: Contract, unit: str, bit: int, events: tuple[EventLine, ...], bills: tuple[BillLine, ...]
) -> tuple[ShareLine, ...]:
    """The unit's shares, one a rule, day, segment, meter and resource; `bills` are its own bill lines."""
    cells = {event.cell_id for event in events} | {bill.cell_id for bill in bills if bill.cell_id is not None}
    values = {
        "unit": unit,
        "bit": bit,
        "currency": contract.currency,
        "cells": sorted(cells),
        "days": sorted({naive(event.day) for event in events} | {naive(bill.day) for bill in bills}),
    }
    rows = engine.records(sql_text("measures", "receipt_shares"), values)
    if not rows:
        return ()
    shares = _Shares(engine, contract, unit, events, bills, values)
    # In the order of the rows a day's usage comes first: what follows variable cost needs it.
    lines = [shares.share(row) for row in rows]
    return tuple(line for line in lines if line.part)


def unit_sums(worth_of: WorthOf, events: tuple[EventLine, ...]) -> dict[str, Number | None]:
    """The sums that formulas read, of some events of a unit, converted by `worth_of`; what has no rate is left out."""
    sums: dict[str, Number | None] = {
        "events": len(events),
        "attempts": sum(event.attempt for event in events),
        "successes": sum(event.success for event in events),
    }
    with exact():
        for event in events:
            for account, amount in event.amounts.items():
                _add(sums, _RECORDED[account], amount, worth_of(event.currency, event.day.date()))
            for line in event.usage:
                if line.kind and line.pricing != "billed" and line.amount is not None and line.currency is not None:
                    _add(sums, _LISTED[line.kind], line.amount, worth_of(line.currency, event.day.date()))
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


def billed_sums(
    worth_of: WorthOf, bills: tuple[BillLine, ...], shares: tuple[ShareLine, ...]
) -> dict[str, Number | None]:
    """The sums that formulas read, of the parts of bills, converted by `worth_of`; what has no rate is left out."""
    sums: dict[str, Number | None] = {}
    with exact():
        for bill in bills:
            _add(sums, f"billed_{bill.kind}", bill.effective_cost, worth_of(bill.currency, bill.day.date()))
        for share in shares:
            if share.cost is not None:
                _add(sums, f"billed_{share.kind}", share.cost, worth_of(share.currency, share.day.date()))
    return sums


def _add(sums: dict[str, Number | None], name: str, amount: Decimal, worth: Worth | None) -> None:
    if worth is not None:
        sums[name] = (sums.get(name) or Decimal(0)) + amount * worth.rate


class _Shares:
    """Shares of a unit's cells and days, by what the unit and the cells had of each driver."""

    def __init__(
        self,
        engine: Engine,
        contract: Contract,
        unit: str,
        events: tuple[EventLine, ...],
        bills: tuple[BillLine, ...],
        values: dict[str, Any],
    ) -> None:
        self._engine, self._contract, self._unit, self._values = engine, contract, unit, values
        self._rules = {rule.name: rule for rule in contract.allocation}
        self._events: dict[_Place, list[EventLine]] = {}
        for event in events:
            self._events.setdefault((naive(event.day), event.cell_id), []).append(event)
        self._billed: dict[_Place, dict[str, Number | None]] = {}
        with exact():
            for bill in bills:
                if bill.kind == "direct" and bill.cell_id is not None and bill.currency == contract.currency:
                    self._bear((naive(bill.day), bill.cell_id), "billed_direct", bill.effective_cost)
        weights = engine.rows("SELECT cell_id, weight FROM cells WHERE weight <> 1")
        self._weights: dict[int, Decimal] = dict(weights)
        days = [self._whole(row) for row in engine.records(sql_text("measures", "receipt_days"), values)]
        self._days: dict[_Place, dict[str, Any]] = {(row["day"], row["cell_id"]): row for row in days}
        self._opened: dict[str, dict[_Place, tuple[Decimal, Decimal]]] = {}
        used = engine.records(
            "SELECT CAST(date_trunc('day', window_start) AS TIMESTAMP) AS day, cell_id, meter, resource, "
            "sum(quantity) AS quantity FROM rollup_usage WHERE list_contains($cells, cell_id) "
            "AND list_contains($days, CAST(date_trunc('day', window_start) AS TIMESTAMP)) GROUP BY ALL",
            values,
        )
        self._usage = [self._whole(row) for row in used]

    def _whole(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of a cell's sums with what the cell's sample stands for; parts of bills are the whole already."""
        weight = self._weights.get(row["cell_id"])
        if weight is None:
            return row
        kept = {"day", "cell_id", "meter", "resource", "billed_direct", "billed_usage"}
        with exact():
            return {n: v if n in kept or v is None else v * weight for n, v in row.items()}

    def share(self, row: dict[str, Any]) -> ShareLine:
        """The unit's share of one allocation to a cell's day."""
        place = (row["day"], row["cell_id"])
        used = row["kind"] == "usage" and row["meter"] is not None
        basis, part, whole = self._used(row, place) if used else self._weighed(row, place)
        with exact():
            cost = divide(row["effective_cost"] * part, whole)
            if used and cost is not None and row["currency"] == self._contract.currency:
                self._bear(place, "billed_usage", cost)
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

    def _bear(self, place: _Place, name: str, cost: Decimal) -> None:
        sums = self._billed.setdefault(place, {})
        sums[name] = (sums.get(name) or Decimal(0)) + cost

    def _weighed(self, row: dict[str, Any], place: _Place) -> tuple[str, Decimal, Decimal]:
        """(what is counted, the unit's, the cell's): the rule's own driver, or events where it had none that day."""
        rule = self._rules.get(row["rule"])
        day = self._days.get(place, {})
        found: tuple[Decimal | None, Decimal | None] = (None, None)
        basis = "events"
        if rule is not None and (rule.method == "even" or rule.to == "units"):
            first = next(iter(self._contract.units))
            counted = (rule.unit if rule.method == "even" else None) or first
            basis, found = f"{counted} units", self._opened_units(counted).get(place, (None, None))
        elif rule is not None and rule.to is not None and self._is_own_measure(rule.to):
            formula = MEASURES[rule.to].formula
            basis, found = rule.to, (evaluate(formula, self._own(place)), evaluate(formula, day))
        part, whole = found
        if part is not None and whole:
            return basis, part, whole
        return "events", Decimal(len(self._events.get(place, ()))), Decimal(day.get("events") or 0)

    def _is_own_measure(self, name: str) -> bool:
        """Attempts and successes are those of the contract's first unit type, which others do not have."""
        return name not in {"attempts", "successes"} or self._unit == next(iter(self._contract.units))

    def _opened_units(self, unit: str) -> dict[_Place, tuple[Decimal, Decimal]]:
        """Of a unit type: how many of the events' units, and of all units, opened in each place."""
        if unit not in self._opened:
            keys = {event.keys[unit] for events in self._events.values() for event in events if unit in event.keys}
            values = self._values | {"unit": unit, "keys": sorted(keys)}
            rows = self._engine.records(sql_text("measures", "receipt_opened"), values)
            self._opened[unit] = {
                (row["day"], row["cell_id"]): (Decimal(row["part"]), Decimal(row["whole"])) for row in rows
            }
        return self._opened[unit]

    def _used(self, row: dict[str, Any], place: _Place) -> tuple[str, Decimal, Decimal]:
        meter, resource = row["meter"], row["resource"]
        own = [
            line.quantity
            for event in self._events.get(place, ())
            # A meter with several kinds of rates has a line for each; its quantity counts once.
            for line in {each.meter: each for each in event.usage}.values()
            if line.meter == meter and resource in {None, line.resource}
        ]
        whole = [
            used["quantity"]
            for used in self._usage
            if (used["day"], used["cell_id"], used["meter"]) == (*place, meter) and resource in {None, used["resource"]}
        ]
        with exact():
            return meter, sum(own, Decimal(0)), sum(whole, Decimal(0))

    def _own(self, place: _Place) -> dict[str, Number | None]:
        return unit_sums(unconverted(self._contract.currency), tuple(self._events.get(place, ()))) | self._billed.get(
            place, {}
        )
