"""What a store says, in a form that two stores can be compared in whatever way their rows came to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.invariants.company import ACCOUNTS, DIMENSIONS

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine

Rows = list[tuple[Any, ...]]

SHOWN = ", ".join(f"c.shown_{dimension}" for dimension in DIMENSIONS)
_SUMS = ", ".join(f"sum(f.{account})" for account in ACCOUNTS)
_MASKS = "c.unit_mask, c.orphan_mask, c.attempt_mask, c.success_mask"
_CELL = f"c.source, c.event_type, c.outcome, c.currency, c.weight, {_MASKS}, {SHOWN}"

_TABLES = {
    "events": (
        "SELECT c.source, e.id, e.event_time, e.late, c.event_type, c.outcome, c.currency, c.weight, e.* EXCLUDE "
        "(event_key, id, event_time, late, batch_id, cell_id) FROM events e JOIN cells c USING (cell_id) ORDER BY ALL"
    ),
    "shown": "SELECT dimension, value, first_seen, shown FROM segment_values ORDER BY ALL",
    "rollup": (
        f"SELECT f.window_start, {_CELL}, sum(f.events), sum(f.duplicates), sum(f.late), {_SUMS} "
        "FROM rollup f JOIN cells c USING (cell_id) GROUP BY ALL ORDER BY ALL"
    ),
    "rollup_usage": (
        f"SELECT f.window_start, {_CELL}, f.meter, f.resource, sum(f.usage_events), sum(f.quantity) "
        "FROM rollup_usage f JOIN cells c USING (cell_id) GROUP BY ALL ORDER BY ALL"
    ),
    "rollup_priced": (
        f"SELECT f.window_start, {_CELL}, f.kind, f.meter, f.resource, f.rate_id, f.currency AS priced_in, "
        "sum(f.usage_events), sum(f.quantity), sum(f.amount) "
        "FROM rollup_priced f JOIN cells c USING (cell_id) GROUP BY ALL ORDER BY ALL"
    ),
    "rollup_latency": (
        f"SELECT f.day, {_CELL}, f.bucket, sum(f.observations), sum(f.latency_sum), min(f.latency_min), "
        "max(f.latency_max) FROM rollup_latency f JOIN cells c USING (cell_id) GROUP BY ALL ORDER BY ALL"
    ),
    "rollup_units": (
        f"SELECT f.window_start, f.unit_type, {_CELL}, f.weight AS unit_weight, sum(f.opened) AS opened "
        "FROM rollup_units f JOIN cells c USING (cell_id) GROUP BY ALL HAVING sum(f.opened) <> 0 ORDER BY ALL"
    ),
    "unit_days": (
        f"SELECT day, unit_type, unit_key, currency, sum(events), sum(attempts), sum(successes), {_SUMS}, "
        "sum(priced_cost), sum(priced_revenue), sum(priced_fee), sum(unpriced), min(first_time), max(last_time), "
        "min(weight) "
        "FROM unit_days f GROUP BY ALL ORDER BY ALL"
    ),
}


def told(engine: Engine) -> dict[str, Rows]:
    """Every fact and every sum of a store, by table, in an order of their own."""
    return {table: engine.rows(sql) for table, sql in _TABLES.items()}


def differences(one: dict[str, Rows], other: dict[str, Rows]) -> dict[str, tuple[Rows, Rows]]:
    """Per table the rows that only one of two stores has; empty where they say the same, digit for digit."""
    return {
        table: (
            [row for row in one[table] if row not in other[table]],
            [r for r in other[table] if r not in one[table]],
        )
        for table in one
        if one[table] != other[table]
    }
