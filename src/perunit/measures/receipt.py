"""The receipt of one unit. Enters: a unit type and a key. Leaves: everything that makes up its margin, to the event.

What an event was priced at is read from the rollup row it was summed into, so that receipts add up to the figures
of their segment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from perunit.access.permit import OWNER, Permission
from perunit.economics.fx.rates import FxRates
from perunit.measures.catalogue import MEASURES
from perunit.measures.filters import bound
from perunit.measures.formula import Part, Total, evaluate
from perunit.measures.guard import lens_bit, unit_of
from perunit.measures.permitted import rows_seen, seen_cells, seen_keys, shown
from perunit.measures.receipt_bills import BillLine, ShareLine, bill_lines, billed_sums, share_lines, unit_sums
from perunit.measures.receipt_events import EventLine, Pricing, event_lines
from perunit.model.errors import UsageError
from perunit.model.plain import plain_value

if TYPE_CHECKING:
    from decimal import Decimal

    from perunit.access.permit import Permit
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.measures.filters import Filter

__all__ = ["Exchanged", "Receipt", "Related", "receipt"]

_TOTALS = {
    name: MEASURES[name].formula
    for name in ("gross_revenue", "discounts", "refunds", "revenue", "fees", "usage_cost", "variable_cost")
} | {
    "contribution_margin": MEASURES["contribution_margin"].formula,
    "shared_cost": MEASURES["shared_cost"].formula,
    "fixed_cost": MEASURES["fixed_cost"].formula,
    "margin_after_shared_cost": Total(
        (MEASURES["contribution_margin"].formula,), (Part("billed_shared"), Part("billed_fixed"))
    ),
    "tax": MEASURES["tax"].formula,
}


@dataclass(frozen=True, slots=True)
class Related:
    """Another unit whose key stands on the same events: a parent, or a child such as a user's order."""

    unit_type: str
    unit_key: str
    events: int


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What one unit of a currency was taken to be worth on a day; `origin` said so on the day `published`."""

    currency: str
    day: date
    rate: Decimal
    origin: str
    published: date


@dataclass(frozen=True, slots=True)
class Receipt:
    """One unit, explained. `totals` in `currency` by name, None where nothing is known.

    `status`: estimated while usage is priced from list rates, billed once bills have taken over, mixed between;
    None where no usage was priced. `unpriced` counts usage that has no price.
    """

    unit_type: str
    unit_key: str
    currency: str
    opened_at: datetime
    segments: dict[str, str | None]
    parents: tuple[Related, ...]
    children: tuple[Related, ...]
    events: tuple[EventLine, ...]
    bill_lines: tuple[BillLine, ...]
    shares: tuple[ShareLine, ...]
    totals: dict[str, Decimal | None]
    unpriced: int
    status: str | None
    exchanged: tuple[Exchanged, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values: decimals as exact text, times as RFC 3339."""
        answer = plain_value(self)
        assert isinstance(answer, dict)  # noqa: S101 - a dataclass becomes an object
        return answer


def receipt(engine: Engine, contract: Contract, unit_type: str, unit_key: str, permit: Permit = OWNER) -> Receipt:
    """Everything known of one unit, as far as the permit's rows go.

    Raises UsageError with near matches where it does not exist, and the same where it opened outside the rows.
    """
    permit.require(Permission.UNITS)
    permit.require(Permission.FINANCIAL)
    rows = rows_seen(contract, permit)
    unit = unit_of(contract, unit_type)
    opened_at, segments = _opening(engine, contract, unit, unit_key, rows)
    bit = lens_bit(engine, contract, unit)
    events = _seen_events(engine, rows, event_lines(engine, contract, unit, unit_key, opened_at, bit))
    parents = _related(events, contract.lineage(unit)[1:])
    below = tuple(name for name in contract.units if unit in contract.lineage(name)[1:])
    children = _related(events, below)
    keys = {unit: [unit_key]} | {
        name: [child.unit_key for child in children if child.unit_type == name] for name in below
    }
    bills = bill_lines(engine, keys)
    shares = share_lines(engine, contract, unit, bit, events, bills)
    fx = FxRates(engine, contract.currency, contract.fx.max_age_days)
    sums = unit_sums(fx.of, events) | billed_sums(fx.of, bills, shares)
    return Receipt(
        unit_type=unit,
        unit_key=unit_key,
        currency=contract.currency,
        opened_at=opened_at,
        segments=segments,
        parents=parents,
        children=children,
        events=events,
        bill_lines=bills,
        shares=shares,
        totals={name: evaluate(formula, sums) for name, formula in _TOTALS.items()},
        unpriced=_count(events, Pricing.UNPRICED),
        status=_status(events, bills, shares),
        exchanged=tuple(
            Exchanged(currency, day, worth.rate, worth.origin, worth.day)
            for (currency, day), worth in sorted(fx.quoted.items())
        ),
        notes=(*_sampling(engine, events), *_notes(fx, events, bills, shares)),
    )


def _seen_events(engine: Engine, rows: tuple[Filter, ...], events: tuple[EventLine, ...]) -> tuple[EventLine, ...]:
    """The events within the rows, and of their keys those of units that opened there."""
    cells = seen_cells(engine, rows)
    if cells is None:
        return events
    inside = [event for event in events if event.cell_id in cells]
    known = seen_keys(engine, rows, [event.keys for event in inside])
    return tuple(replace(event, keys=keys) for event, keys in zip(inside, known, strict=True))


def _opening(
    engine: Engine, contract: Contract, unit: str, key: str, seen: tuple[Filter, ...]
) -> tuple[datetime, dict[str, str | None]]:
    """When the unit opened and its segment values then."""
    rows = engine.records(
        "SELECT u.opened_at, k.* FROM units u JOIN cells k ON k.cell_id = u.cell_id "
        f"WHERE u.unit_type = $unit AND u.unit_key = $key AND {shown(seen, 'k')}",
        {"unit": unit, "key": key} | bound(seen),
    )
    if not rows:
        raise UsageError(_unknown(engine, unit, key, seen))
    dimensions = contract.units[unit].segments or contract.dimensions()
    return rows[0]["opened_at"].replace(tzinfo=UTC), {name: rows[0][f"segment_{name}"] for name in dimensions}


def _unknown(engine: Engine, unit: str, key: str, seen: tuple[Filter, ...]) -> str:
    # Only units that are seen are told of: no answer tells one outside from one that never was.
    units = f"units u JOIN cells k ON k.cell_id = u.cell_id AND {shown(seen, 'k')}"
    of_key = f"SELECT u.unit_type FROM {units} WHERE u.unit_key = $key"
    there = [type_ for (type_,) in engine.rows(of_key, {"key": key} | bound(seen))]
    message = f"{unit}: got {key!r}, must be the key of a known {unit}; "
    if there:
        return message + f"it is the key of a {there[0]}: perunit receipt {there[0]} {key}"
    near = engine.rows(
        f"SELECT u.unit_key FROM {units} WHERE u.unit_type = $unit "
        "AND jaro_winkler_similarity(u.unit_key, $key) > 0.6 "
        "ORDER BY jaro_winkler_similarity(u.unit_key, $key) DESC, u.unit_key LIMIT 3",
        {"unit": unit, "key": key} | bound(seen),
    )
    if near:
        return message + f"did you mean {', '.join(name for (name,) in near)}?"
    counted = f"SELECT count(*) FROM {units} WHERE u.unit_type = $unit"
    known = engine.value(counted, {"unit": unit} | bound(seen))
    return message + (f"none of the {known:,} known keys is like it" if known else "ingest its events first")


def _related(events: tuple[EventLine, ...], types: tuple[str, ...]) -> tuple[Related, ...]:
    counts: dict[tuple[str, str], int] = {}
    for event in events:
        for name in types:
            if name in event.keys:
                counts[name, event.keys[name]] = counts.get((name, event.keys[name]), 0) + 1
    return tuple(Related(name, key, count) for (name, key), count in sorted(counts.items()))


def _status(events: tuple[EventLine, ...], bills: tuple[BillLine, ...], shares: tuple[ShareLine, ...]) -> str | None:
    listed = any(line.pricing is Pricing.LIST and line.kind == "cost" for event in events for line in event.usage)
    billed = bool(bills) or any(share.cost is not None for share in shares)
    if listed and billed:
        return "mixed"
    if listed:
        return "estimated"
    return "billed" if billed else None


def _count(events: tuple[EventLine, ...], pricing: Pricing) -> int:
    return sum(line.pricing is pricing for event in events for line in event.usage)


def _sampling(engine: Engine, events: tuple[EventLine, ...]) -> list[str]:
    """How often events like the unit's were kept; its own are shown as they are."""
    weights: dict[Decimal | None, int] = {}
    cells = dict(engine.rows("SELECT cell_id, weight FROM cells WHERE weight IS DISTINCT FROM 1"))
    for event in events:
        if event.cell_id in cells:
            weights[cells[event.cell_id]] = weights.get(cells[event.cell_id], 0) + 1
    return [
        f"{count} of {len(events)} events {_kept(weight)}: their figures are shown as they are, not as an estimate"
        for weight, count in sorted(weights.items(), key=lambda item: item[0] or 0)
    ]


def _kept(weight: Decimal | None) -> str:
    return "sampled with a probability nobody stated" if weight is None else f"sampled 1 in {weight:,.1f}"


def _notes(
    fx: FxRates, events: tuple[EventLine, ...], bills: tuple[BillLine, ...], shares: tuple[ShareLine, ...]
) -> list[str]:
    notes = []
    unpriced, measured = _count(events, Pricing.UNPRICED), _count(events, Pricing.BILLED)
    if unpriced:
        notes.append(f"{unpriced} usage lines have no price: the cost is a lower bound")
    if measured and not any(share.kind == "usage" for share in shares):
        notes.append("a bill has taken over usage of this unit, and no part of it was allocated to the unit's segments")
    dated = {(event.currency, event.day.date()) for event in events if event.amounts}
    dated |= {(line.currency, event.day.date()) for event in events for line in event.usage if line.currency}
    dated |= {(bill.currency, bill.day.date()) for bill in bills}
    dated |= {(share.currency, share.day.date()) for share in shares}
    others = sorted({currency for currency, day in dated if fx.of(currency, day) is None})
    why = "no exchange rate of their days is known"
    notes += [f"amounts in {other} are not converted to {fx.currency} and not included: {why}" for other in others]
    return notes
