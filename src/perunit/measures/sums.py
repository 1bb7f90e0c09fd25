"""The sums every measure is made of: the table each is read from and the aggregate that gives it.

A fragment names the flags and partial sums that `scan` groups the table's rows into (see `GROUPED`). Amounts
of other currencies than the one asked for are not `own` and never enter a sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["GROUPED", "QUANTILES", "SUMS", "Fact", "Grouped", "Sum", "usage_sum"]


class Fact(StrEnum):
    """A table of additive facts; the value is the table's name."""

    ROLLUP = "rollup"
    UNITS = "rollup_units"
    PRICED = "rollup_priced"
    USAGE = "rollup_usage"
    LATENCY = "rollup_latency"
    ALLOCATIONS = "allocations"
    ACTIVE = "unit_days"
    RECONCILED = "reconciled_costs"


@dataclass(frozen=True, slots=True)
class Grouped:
    """How a fact table's rows `f`, with their cells `c`, are first summed: by which flags, and what.

    Summing plainly by flags and filtering the few rows that are left is faster than filtering every sum.
    """

    flags: tuple[str, ...]
    sums: tuple[str, ...]


_BORNE = "coalesce(c.in_lens, coalesce(f.unit_type, $unit) = $unit)"
_ROLLUP_SUMS = (*("events", "duplicates", "late", "revenue", "discount", "refund", "fee", "tax", "cost"),)
GROUPED: dict[Fact, Grouped] = {
    Fact.ROLLUP: Grouped(
        ("c.in_lens", "c.orphan", "c.attempt", "c.success", "c.own"),
        tuple(f"sum(f.{name}) AS {name}" for name in _ROLLUP_SUMS),
    ),
    Fact.UNITS: Grouped((), ("sum(f.opened) AS opened",)),
    Fact.ACTIVE: Grouped(("f.unit_key",), ()),
    Fact.PRICED: Grouped(
        ("f.kind", "f.currency = $currency AS own", "f.superseded", "f.rate_id IS NULL AS rateless"),
        ("sum(f.usage_events) AS usage_events", "sum(f.amount) AS amount", "count(f.amount) AS amounts"),
    ),
    Fact.USAGE: Grouped(("f.meter",), ("sum(f.quantity) AS quantity",)),
    Fact.ALLOCATIONS: Grouped(
        ("f.kind", "f.currency = $currency AS own", f"{_BORNE} AS borne"),
        ("sum(f.billed_cost) AS billed_cost", "sum(f.effective_cost) AS effective_cost", "count(*) AS parts"),
    ),
    # Services and accounts stay apart here, so that what one lacks cannot make up for what another has too much.
    Fact.RECONCILED: Grouped(
        ("f.service_name", "f.cloud_account", "f.currency = $currency AS own"),
        ("sum(f.source_cost) AS source_cost", "sum(f.allocated_cost) AS allocated_cost"),
    ),
}


@dataclass(frozen=True, slots=True)
class Sum:
    """One aggregate over one fact table. `text` says in words what is summed.

    A count (`counts`) of nothing is a known 0. An amount of nothing is unknown, unless the contract maps
    `account`: then events were seen that would have carried it. `kind` is the only kind of row that is read.
    A sum `per_currency` is of one currency, and what is in others is converted and added; `unconverted` counts
    what cannot be.
    """

    fact: Fact
    sql: str
    text: str
    counts: bool = False
    account: str | None = None
    kind: str | None = None
    per_currency: bool = False
    unconverted: bool = False


QUANTILES = {"p50": 50, "p95": 95, "p99": 99}


def _recorded(account: str) -> Sum:
    text = f"the {account} amounts recorded on events"
    return Sum(Fact.ROLLUP, f"sum({account}) FILTER (WHERE own)", text, account=account, per_currency=True)


def _events(column: str, flags: str, text: str) -> Sum:
    return Sum(Fact.ROLLUP, f"sum({column}) FILTER (WHERE {flags})", text, counts=True)


def _listed(kind: str, text: str) -> Sum:
    # A bill takes over costs only: what a customer pays by a price list stands whatever the cloud charges.
    rule = " AND NOT superseded" if kind == "cost" else ""
    sql = f"sum(amount) FILTER (WHERE kind = '{kind}' AND own{rule})"
    return Sum(Fact.PRICED, sql, text, kind=kind, per_currency=True)


def _usage_facts(sql: str, text: str, *, per_currency: bool = False) -> Sum:
    return Sum(Fact.PRICED, sql, text, counts=True, kind="cost", per_currency=per_currency)


def _borne(kind: str, text: str) -> Sum:
    sql = f"sum(effective_cost) FILTER (WHERE kind = '{kind}' AND own AND borne)"
    return Sum(Fact.ALLOCATIONS, sql, text, per_currency=True)


def _of_bills(sql: str, text: str, *, counts: bool = False) -> Sum:
    return Sum(Fact.ALLOCATIONS, sql, text, counts=counts, per_currency=True)


def _unconverted(fact: Fact, sql: str, text: str) -> Sum:
    return Sum(fact, sql, text, counts=True, unconverted=True)


SUMS: dict[str, Sum] = {
    "events": _events("events", "in_lens", "accepted events that carry the unit's key"),
    "duplicates": _events("duplicates", "in_lens", "repeats of accepted events"),
    "late": _events("late", "in_lens", "accepted events recorded late"),
    "orphans": _events("events", "orphan", "accepted events that should carry the unit's key and do not"),
    "attempts": _events("events", "in_lens AND attempt", "events that are attempts of the unit"),
    "successes": _events("events", "in_lens AND success", "events that are successes of the unit"),
    "unweighted": _events("events", "in_lens AND unweighted", "accepted events whose weight nobody stated"),
    "recorded_revenue": _recorded("revenue"),
    "recorded_discounts": _recorded("discount"),
    "recorded_refunds": _recorded("refund"),
    "recorded_fees": _recorded("fee"),
    "recorded_tax": _recorded("tax"),
    "recorded_cost": _recorded("cost"),
    "listed_revenue": _listed("revenue", "usage times the revenue price in force"),
    "listed_fees": _listed("fee", "amounts and events times the fee rate in force"),
    "listed_cost": _listed("cost", "usage times the cost rate in force, where no bill has taken over"),
    "list_priced_rows": _usage_facts(
        "sum(amounts) FILTER (WHERE kind = 'cost' AND own AND NOT superseded)",
        "rollup rows whose cost is estimated from a list rate",
        per_currency=True,
    ),
    "unpriced": _usage_facts(
        "sum(usage_events) FILTER (WHERE kind = 'cost' AND rateless AND NOT superseded)",
        "usage facts for which no rate is in force and no bill has come",
    ),
    "priceable": _usage_facts(
        "sum(usage_events) FILTER (WHERE kind = 'cost')",
        "usage facts that a price book or a bill has to price",
    ),
    "billed_direct": _borne("direct", "bill lines that carry the unit's key"),
    "billed_usage": _borne("usage", "bill lines shared out by measured usage"),
    "billed_shared": _borne("shared", "bill lines shared out in proportion or evenly"),
    "billed_fixed": _borne("fixed", "bill lines spread over the months they are of use"),
    "billed_idle": _borne("idle", "what was bought and not used"),
    "billed_unallocated": _borne("unallocated", "what no allocation rule takes"),
    "billed_all": _of_bills(
        "sum(billed_cost) FILTER (WHERE own)",
        "BilledCost of every bill in force, whoever bears it",
    ),
    "effective_all": _of_bills(
        "sum(effective_cost) FILTER (WHERE own)",
        "EffectiveCost of every bill in force, whoever bears it",
    ),
    "billed_elsewhere": _of_bills(
        "sum(effective_cost) FILTER (WHERE own AND NOT borne)",
        "EffectiveCost borne by units seen only through another lens",
    ),
    "billed_rows": _of_bills(
        "sum(parts) FILTER (WHERE own AND borne)",
        "parts of bills in force that the lens bears",
        counts=True,
    ),
    "unconverted_events": _unconverted(
        Fact.ROLLUP, "sum(events) FILTER (WHERE own)", "events with amounts in a currency without an exchange rate"
    ),
    "unconverted_usage": _unconverted(
        Fact.PRICED,
        "sum(usage_events) FILTER (WHERE own AND kind <> 'fee' AND NOT superseded)",
        "usage facts priced in a currency without an exchange rate",
    ),
    "unconverted_parts": _unconverted(
        Fact.ALLOCATIONS,
        "sum(parts) FILTER (WHERE own AND borne)",
        "parts of bills in a currency without an exchange rate",
    ),
    "reconciled_source": Sum(
        Fact.RECONCILED,
        "sum(abs(source_cost)) FILTER (WHERE own)",
        "the size of EffectiveCost by service and account",
    ),
    "reconciled_gap": Sum(
        Fact.RECONCILED,
        "sum(abs(allocated_cost - source_cost)) FILTER (WHERE own)",
        "the size of what no one bears, by service and account",
    ),
    "opened": Sum(Fact.UNITS, "sum(opened)", "units counted once, in the hour of their first event", counts=True),
    "active": Sum(Fact.ACTIVE, "count(*)", "distinct units with an event in the bucket", counts=True),
} | {
    f"latency_{name}": Sum(Fact.LATENCY, "", f"the {share}th percentile of the latency histogram")
    for name, share in QUANTILES.items()
}


def usage_sum(meter: str) -> Sum:
    """The measured quantity of one meter; the meter's name comes from the contract, never from the caller."""
    name = meter.replace("'", "''")
    return Sum(Fact.USAGE, f"sum(quantity) FILTER (WHERE meter = '{name}')", f"measured {meter}")
