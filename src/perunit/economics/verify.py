"""Checks the invariants on live data. Enters: a store, and beside it the same facts summed anew.
Leaves: one finding a check, with the first broken row where there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perunit.engine.duckdb import identifier

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine

__all__ = ["Finding", "check_derived", "check_facts"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `broken` is the first row that breaks the invariant, None where all hold."""

    invariant: str
    checked: str
    broken: dict[str, Any] | None

    @property
    def holds(self) -> bool:
        """Whether nothing is broken."""
        return self.broken is None


# Each query gives the rows that break the invariant.
_FACTS = (
    (
        "no silent drop",
        "received = accepted + duplicate + conflict + rejected in every batch",
        "SELECT batch_id, file_name, received, accepted, duplicate, conflict, rejected FROM batches "
        "WHERE received <> accepted + duplicate + conflict + rejected",
    ),
    (
        "no silent drop",
        "every accepted row of a batch is an event",
        "SELECT b.batch_id, b.file_name, b.accepted, count(e.batch_id) AS events FROM batches b "
        "LEFT JOIN events e USING (batch_id) GROUP BY ALL HAVING b.accepted <> events",
    ),
    (
        "no silent drop",
        "every duplicate of a batch is kept as one",
        "SELECT b.batch_id, b.file_name, b.duplicate, count(d.batch_id) AS duplicates FROM batches b "
        "LEFT JOIN duplicates d USING (batch_id) GROUP BY ALL HAVING b.duplicate <> duplicates",
    ),
    (
        "no silent drop",
        "every refused row of a batch is in quarantine",
        "SELECT b.batch_id, b.file_name, b.rejected + b.conflict AS refused, count(q.batch_id) AS quarantined "
        "FROM batches b LEFT JOIN quarantine q USING (batch_id) GROUP BY ALL HAVING refused <> quarantined",
    ),
    (
        "exactly once",
        "no two events have one source and id",
        "SELECT c.source, e.id, count(*) AS events FROM events e JOIN cells c USING (cell_id) "
        "WHERE e.event_key IN (SELECT event_key FROM events GROUP BY event_key HAVING count(*) > 1) "
        "GROUP BY ALL HAVING count(*) > 1",
    ),
    (
        "conservation",
        "the parts of every bill sum to its charges, to the last digit",
        "SELECT b.bill_id, b.bill_source, b.billed_cost, coalesce(a.billed, 0) AS allocated, b.effective_cost, "
        "coalesce(a.effective, 0) AS allocated_effective FROM bills b LEFT JOIN (SELECT bill_id, "
        "sum(billed_cost) AS billed, sum(effective_cost) AS effective FROM allocations GROUP BY bill_id) a "
        "USING (bill_id) WHERE b.superseded_at IS NULL AND (coalesce(a.billed, 0) <> b.billed_cost "
        "OR coalesce(a.effective, 0) <> b.effective_cost)",
    ),
    (
        "conservation",
        "every bill's total is the sum of its lines",
        "SELECT b.bill_id, b.bill_source, b.billed_cost, sum(c.billed_cost) AS lines_cost FROM bills b "
        "JOIN charges c USING (bill_id) GROUP BY ALL HAVING b.billed_cost <> lines_cost",
    ),
    (
        "conservation",
        "the cost of services and accounts sums to every bill",
        "SELECT b.bill_id, b.bill_source, b.effective_cost, coalesce(r.source, 0) AS by_service FROM bills b "
        "LEFT JOIN (SELECT bill_id, sum(source_cost) AS source FROM reconciled_costs GROUP BY bill_id) r "
        "USING (bill_id) WHERE b.superseded_at IS NULL AND coalesce(r.source, 0) <> b.effective_cost",
    ),
    (
        "conservation",
        "what services and accounts have no one for is what is unallocated",
        "SELECT r.bill_id, r.gap, coalesce(a.unallocated, 0) AS unallocated FROM (SELECT bill_id, "
        "sum(source_cost) - sum(allocated_cost) AS gap FROM reconciled_costs GROUP BY bill_id) r "
        "LEFT JOIN (SELECT bill_id, sum(effective_cost) AS unallocated FROM allocations WHERE kind = 'unallocated' "
        "GROUP BY bill_id) a USING (bill_id) WHERE r.gap <> coalesce(a.unallocated, 0)",
    ),
    (
        "append only",
        "an entry that reverses another has its invoice and its amount, negated",
        "SELECT r.entry_id, r.amount, e.entry_id AS reverses, e.amount AS reversed FROM reconciliation_entries r "
        "LEFT JOIN reconciliation_entries e ON e.entry_id = r.reverses WHERE r.reverses IS NOT NULL AND "
        "(e.entry_id IS NULL OR r.amount <> -e.amount OR r.invoice_id <> e.invoice_id "
        "OR r.billing_currency <> e.billing_currency)",
    ),
    (
        "no silent zero",
        "usage without a rate has no amount",
        "SELECT window_start, cell_id, meter, amount FROM rollup_priced WHERE rate_id IS NULL AND amount IS NOT NULL",
    ),
    (
        "additive",
        "the windows sum to the facts",
        "SELECT r.events, f.events AS facts FROM (SELECT coalesce(sum(events), 0) AS events FROM rollup) r, "
        "(SELECT count(*) AS events FROM events) f WHERE r.events <> f.events",
    ),
    (
        "additive",
        "units opened sum to units",
        "SELECT u.unit_type, u.units, coalesce(r.opened, 0) AS opened FROM (SELECT unit_type, count(*) AS units "
        "FROM units GROUP BY unit_type) u LEFT JOIN (SELECT unit_type, sum(opened) AS opened FROM rollup_units "
        "GROUP BY unit_type) r USING (unit_type) WHERE u.units <> coalesce(r.opened, 0)",
    ),
)

# What makes a row of each derived table, and what is summed (least or greatest, for extremes) over its partial rows.
_DERIVED = {
    "rollup": ("window_start, cell_id", "events duplicates late revenue discount refund fee tax cost"),
    "rollup_usage": ("window_start, cell_id, meter, resource", "usage_events quantity"),
    "rollup_priced": ("window_start, cell_id, kind, meter, resource, rate_id, superseded", "usage_events amount"),
    "rollup_latency": ("day, cell_id, bucket", "observations latency_sum"),
    "rollup_units": ("window_start, unit_type, cell_id, weight", "opened"),
    "unit_days": (
        "day, unit_type, unit_key, currency",
        "events attempts successes revenue discount refund fee tax cost priced_cost priced_revenue priced_fee unpriced "
        "weight",
    ),
    "reconciled_costs": ("bill_id, day, service_name, cloud_account, currency", "source_cost allocated_cost"),
    "allocations": ("bill_id, rule, kind, currency, day, cell_id, unit_type, unit_key", "billed_cost effective_cost"),
}

_LEAST = {"weight": "min"}


def check_facts(engine: Engine) -> list[Finding]:
    """The invariants that the stored tables show by themselves."""
    return [Finding(name, checked, _first(engine, sql)) for name, checked, sql in _FACTS]


def check_derived(engine: Engine, own: str, again: str) -> list[Finding]:
    """Whether every derived table of database `own` equals, digit for digit, the one summed anew in `again`."""
    findings = []
    for table, (keys, sums) in _DERIVED.items():
        total = ", ".join(f"{_LEAST.get(column, 'sum')}({column}) AS {column}" for column in sums.split())
        nothing = " AND ".join(f"coalesce({column}, 0) = 0" for column in sums.split())
        sides = [
            f"SELECT * FROM (SELECT {keys}, {total} FROM {identifier(database)}.main.{table} GROUP BY {keys}) "
            f"WHERE NOT ({nothing})"
            for database in (own, again)
        ]
        stored, anew = sides
        broken = _first(engine, f"SELECT 'stored' AS found_in, * FROM ({stored} EXCEPT {anew})") or _first(
            engine, f"SELECT 'summed anew' AS found_in, * FROM ({anew} EXCEPT {stored})"
        )
        findings.append(Finding("incremental = recomputed", f"{table} equals the facts summed anew", broken))
    return findings


def _first(engine: Engine, sql: str) -> dict[str, Any] | None:
    rows = engine.records(f"SELECT * FROM ({sql}) LIMIT 1")
    return rows[0] if rows else None
