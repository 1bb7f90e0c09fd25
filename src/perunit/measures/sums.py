"""The sums every measure is made of: the table each is read from and the aggregate that gives it.

A fragment may name ``f`` (the fact table's row) and ``c`` (the row's cell, seen through one unit type's
lens), and bind ``$currency`` and ``$unit``. Amounts of other currencies never enter a sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["OWN_CURRENCY", "QUANTILES", "SUMS", "Fact", "Sum", "usage_sum"]


class Fact(StrEnum):
    """A table of additive facts; the value is the table's name."""

    ROLLUP = "rollup"
    UNITS = "rollup_units"
    PRICED = "rollup_priced"
    USAGE = "rollup_usage"
    LATENCY = "rollup_latency"
    ALLOCATIONS = "allocations"
    ACTIVE = "unit_days"


@dataclass(frozen=True, slots=True)
class Sum:
    """One aggregate over one fact table. `text` says in words what is summed.

    A count (`counts`) of nothing is a known 0. An amount of nothing is unknown, unless the contract maps
    `account`: then events were seen that would have carried it.
    """

    fact: Fact
    sql: str
    text: str
    counts: bool = False
    account: str | None = None


QUANTILES = {"p50": 50, "p95": 95, "p99": 99}

OWN_CURRENCY = "c.in_lens AND c.currency = $currency"
_LISTED = "NOT f.superseded AND f.currency = $currency"
_BORNE = (
    "f.currency = $currency AND (c.in_lens OR (f.cell_id IS NULL AND coalesce(f.unit_type, $unit) = $unit))"
)


def _recorded(account: str) -> Sum:
    text = f"the {account} amounts recorded on events"
    return Sum(Fact.ROLLUP, f"sum(f.{account}) FILTER (WHERE {OWN_CURRENCY})", text, account=account)


def _count(fact: Fact, sql: str, text: str) -> Sum:
    return Sum(fact, sql, text, counts=True)


def _listed(kind: str, text: str) -> Sum:
    # A bill takes over costs only: what a customer pays by a price list stands whatever the cloud charges.
    rule = _LISTED if kind == "cost" else "f.currency = $currency"
    return Sum(Fact.PRICED, f"sum(f.amount) FILTER (WHERE f.kind = '{kind}' AND {rule})", text)


def _borne(kind: str, text: str) -> Sum:
    sql = f"sum(f.effective_cost) FILTER (WHERE f.kind = '{kind}' AND {_BORNE})"
    return Sum(Fact.ALLOCATIONS, sql, text)


SUMS: dict[str, Sum] = {
    "events": _count(
        Fact.ROLLUP, "sum(f.events) FILTER (WHERE c.in_lens)", "accepted events that carry the unit's key"
    ),
    "duplicates": _count(
        Fact.ROLLUP, "sum(f.duplicates) FILTER (WHERE c.in_lens)", "repeats of accepted events"
    ),
    "late": _count(Fact.ROLLUP, "sum(f.late) FILTER (WHERE c.in_lens)", "accepted events recorded late"),
    "orphans": _count(
        Fact.ROLLUP,
        "sum(f.events) FILTER (WHERE c.orphan)",
        "accepted events that should carry the unit's key and do not",
    ),
    "attempts": _count(
        Fact.ROLLUP,
        "sum(f.events) FILTER (WHERE c.in_lens AND c.attempt)",
        "events that are attempts of the unit",
    ),
    "successes": _count(
        Fact.ROLLUP,
        "sum(f.events) FILTER (WHERE c.in_lens AND c.success)",
        "events that are successes of the unit",
    ),
    "recorded_revenue": _recorded("revenue"),
    "recorded_discounts": _recorded("discount"),
    "recorded_refunds": _recorded("refund"),
    "recorded_fees": _recorded("fee"),
    "recorded_tax": _recorded("tax"),
    "recorded_cost": _recorded("cost"),
    "listed_revenue": _listed("revenue", "usage times the revenue price in force"),
    "listed_fees": _listed("fee", "amounts and events times the fee rate in force"),
    "listed_cost": _listed("cost", "usage times the cost rate in force, where no bill has taken over"),
    "list_priced_rows": _count(
        Fact.PRICED,
        f"count(*) FILTER (WHERE f.kind = 'cost' AND f.amount IS NOT NULL AND {_LISTED})",
        "rollup rows whose cost is estimated from a list rate",
    ),
    "unpriced": _count(
        Fact.PRICED,
        "sum(f.usage_events) FILTER (WHERE f.rate_id IS NULL AND NOT f.superseded)",
        "usage facts for which no rate is in force and no bill has come",
    ),
    "priceable": _count(
        Fact.PRICED,
        "sum(f.usage_events) FILTER (WHERE f.kind = 'cost' OR f.rate_id IS NULL)",
        "usage facts that a price book or a bill has to price",
    ),
    "billed_direct": _borne("direct", "bill lines that carry the unit's key"),
    "billed_usage": _borne("usage", "bill lines shared out by measured usage"),
    "billed_shared": _borne("shared", "bill lines shared out in proportion or evenly"),
    "billed_idle": _borne("idle", "what was bought and not used"),
    "billed_unallocated": _borne("unallocated", "what no allocation rule takes"),
    "billed_all": Sum(
        Fact.ALLOCATIONS,
        "sum(f.billed_cost) FILTER (WHERE f.currency = $currency)",
        "BilledCost of every bill in force, whoever bears it",
    ),
    "effective_all": Sum(
        Fact.ALLOCATIONS,
        "sum(f.effective_cost) FILTER (WHERE f.currency = $currency)",
        "EffectiveCost of every bill in force, whoever bears it",
    ),
    "billed_elsewhere": Sum(
        Fact.ALLOCATIONS,
        f"sum(f.effective_cost) FILTER (WHERE f.currency = $currency AND NOT coalesce({_BORNE}, false))",
        "EffectiveCost borne by units seen only through another lens",
    ),
    "billed_rows": _count(
        Fact.ALLOCATIONS, f"count(*) FILTER (WHERE {_BORNE})", "parts of bills in force that the lens bears"
    ),
    "opened": _count(Fact.UNITS, "sum(f.opened)", "units counted once, in the hour of their first event"),
    "active": _count(Fact.ACTIVE, "count(DISTINCT f.unit_key)", "distinct units with an event in the bucket"),
} | {
    f"latency_{name}": Sum(Fact.LATENCY, "", f"the {share}th percentile of the latency histogram")
    for name, share in QUANTILES.items()
}


def usage_sum(meter: str) -> Sum:
    """The measured quantity of one meter; the meter's name comes from the contract, never from the caller."""
    name = meter.replace("'", "''")
    return Sum(
        Fact.USAGE, f"sum(f.quantity) FILTER (WHERE c.in_lens AND f.meter = '{name}')", f"measured {meter}"
    )
