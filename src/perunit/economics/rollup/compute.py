"""Sums events into rollups. Enters: a scope (some batches, a range of time, or everything). Leaves: rows appended to
the rollup tables.

The same files compute the partial rows of a fresh batch and a full recomputation; only the scope differs, so the
two give the same digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perunit.economics.price.card import Card, build_card, scope_meters
from perunit.engine.duckdb import identifier, literal
from perunit.engine.files import sql_text
from perunit.facts.cells import is_sampled

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["Scope", "append", "define_windows", "prepare", "remove", "usage_sql"]

# The time each row of a table is of; when and where a unit opened depends on all of its events.
_TIMES = {
    "rollup": "window_start",
    "rollup_usage": "window_start",
    "rollup_priced": "window_start",
    "rollup_latency": "day",
    "unit_days": "day",
}
_OPENINGS = ("units", "rollup_units")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which facts are summed: those of the batches after one up to another, of the whole days `[start, end)` (UTC,
    naive), or all.
    """

    start: datetime | None = None
    end: datetime | None = None
    batches: tuple[int, int] | None = None

    def condition(self, time: str) -> str:
        """SQL that holds for the rows of the scope, whose time is the column `time`."""
        parts = [] if self.batches is None else ["batch_id > {} AND batch_id <= {}".format(*self.batches)]
        parts += [] if self.start is None else [f"{time} >= TIMESTAMP '{self.start}'"]
        parts += [] if self.end is None else [f"{time} < TIMESTAMP '{self.end}'"]
        return " AND ".join(parts) or "true"


def prepare(engine: Engine) -> None:
    """Defines the two functions the SQL files use: the window of an instant and the bucket of a latency.

    A window is an hour, cut where a price changes within it, so that every window has one price.
    """
    splits = engine.rows(
        "WITH in_force AS (SELECT r.* FROM rates r JOIN price_books b USING (book, version) "
        "WHERE b.withdrawn_at IS NULL), "
        "instants AS (SELECT effective_from AS instant FROM in_force UNION SELECT effective_to FROM in_force) "
        "SELECT instant FROM instants WHERE instant <> date_trunc('hour', instant) ORDER BY instant DESC"
    )
    define_windows(engine, [at for (at,) in splits])
    engine.execute(f"CREATE OR REPLACE TEMP MACRO latency_bucket(v) AS {_BUCKET}")


def define_windows(engine: Engine, splits: list[datetime]) -> None:
    """Defines `window_of`: the hour of an instant, cut at each of `splits`, the latest first."""
    hour = "CAST(date_trunc('hour', t) AS TIMESTAMP)"
    cases = "".join(
        f"WHEN t >= TIMESTAMP '{at}' AND {hour} = TIMESTAMP '{at.replace(minute=0, second=0, microsecond=0)}' "
        f"THEN TIMESTAMP '{at}' "
        for at in splits
    )
    window = f"CASE {cases}ELSE {hour} END" if cases else hour
    engine.execute(f"CREATE OR REPLACE TEMP MACRO window_of(t) AS {window}")


# The logarithm of a double is off by an ulp near a boundary; comparing with the boundary itself puts a value on the
# right side of it. Upper bounds are inclusive, and the bound of bucket i is 2^((i + 1) / 32).
_GUESS = "CAST(ceil(log2(CAST(v AS DOUBLE)) * 32) - 1 AS INTEGER)"
_BUCKET = (
    f"CASE WHEN v > 0 THEN {_GUESS} "
    f"+ CASE WHEN CAST(v AS DOUBLE) > pow(2, ({_GUESS} + 1) / 32.0) THEN 1 "
    f"WHEN CAST(v AS DOUBLE) <= pow(2, {_GUESS} / 32.0) THEN -1 ELSE 0 END END"
)


def remove(engine: Engine, scope: Scope) -> None:
    """Takes the sums of a range of days, or all of them, out of the rollup tables."""
    for table, time in _TIMES.items():
        engine.execute(f"DELETE FROM {table} WHERE {scope.condition(time)}")
    if scope == Scope():
        for table in _OPENINGS:
            engine.execute(f"DELETE FROM {table}")


def append(engine: Engine, contract: Contract, unit_bits: dict[str, int], scope: Scope) -> None:
    """Adds the sums of `scope` to every rollup table."""
    for facts in ("events", "duplicates"):
        engine.execute(
            f"CREATE OR REPLACE TEMP VIEW scope_{facts} AS SELECT * FROM {facts} WHERE {scope.condition('event_time')}"
        )
    engine.execute(f"CREATE OR REPLACE TEMP TABLE fresh_rollup AS {sql_text('economics.rollup', 'rollup')}")
    engine.execute(f"CREATE OR REPLACE TEMP TABLE fresh_usage AS {usage_sql(contract.meter_names())}")
    scope_meters(engine)
    card = build_card(engine, contract)
    engine.execute("INSERT INTO rollup BY NAME FROM fresh_rollup")
    engine.execute("INSERT INTO rollup_usage BY NAME FROM fresh_usage")
    engine.insert("rollup_priced", "economics.price", "rollup_priced")
    engine.insert("rollup_latency", "economics.rollup", "rollup_latency")
    for unit, bit in unit_bits.items():
        _append_lens(engine, card, unit, bit)


def usage_sql(meters: tuple[str, ...]) -> str:
    """rollup_usage of `scope_events`. Grain: window × cell × meter × resource. All meters are summed in one pass,
    then set below each other.
    """
    empty = (
        "SELECT NULL::TIMESTAMP AS window_start, NULL::INTEGER AS cell_id, NULL::VARCHAR AS meter, "
        "NULL::VARCHAR AS resource, NULL::BIGINT AS usage_events, NULL::DECIMAL(38, 9) AS quantity WHERE false"
    )
    if not meters:
        return empty
    sums = ", ".join(
        f"sum({identifier(f'usage_{m}')}) AS {identifier(f'q:{m}')}, "
        f"count({identifier(f'usage_{m}')}) AS {identifier(f'n:{m}')}"
        for m in meters
    )
    any_usage = " OR ".join(f"{identifier(f'usage_{m}')} IS NOT NULL" for m in meters)
    parts = " UNION ALL ".join(
        f"SELECT window_start, cell_id, {literal(m)} AS meter, resource, {identifier(f'n:{m}')} AS usage_events, "
        f"{identifier(f'q:{m}')} AS quantity FROM sums WHERE {identifier(f'n:{m}')} > 0"
        for m in meters
    )
    return (
        f"WITH sums AS MATERIALIZED (SELECT window_of(e.event_time) AS window_start, c.shown_cell_id AS cell_id, "
        f"e.resource, {sums} FROM scope_events e JOIN cells c ON c.cell_id = e.cell_id WHERE {any_usage} GROUP BY ALL) "
        f"{parts}"
    )


def _append_lens(engine: Engine, card: Card, unit: str, bit: int) -> None:
    """Adds the sums per unit and day of one unit type, and the openings of units not seen before."""
    key = identifier(f"unit_{unit}")
    engine.execute(
        f"CREATE OR REPLACE TEMP VIEW lens_events AS "
        f"SELECT e.{key} AS unit_key, e.event_time, c.currency, c.cell_hash, c.weight, "
        f"(c.attempt_mask >> {bit}) & 1 = 1 AS attempted, (c.success_mask >> {bit}) & 1 = 1 AS succeeded, "
        f"e.revenue, e.discount, e.refund, e.fee, e.tax, e.cost, {card.amount_sql('cost')} AS priced_cost, "
        f"{card.amount_sql('revenue')} AS priced_revenue, {card.amount_sql('fee')} AS priced_fee, "
        f"{card.unpriced_sql()} AS unpriced "
        f"FROM scope_events e JOIN cells c ON c.cell_id = e.cell_id {card.join_sql()} WHERE e.{key} IS NOT NULL"
    )
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE fresh_unit_days AS {sql_text('economics.rollup', 'unit_days')}",
        {"unit_type": unit},
    )
    if is_sampled(engine):
        engine.execute(_WEIGH_DAYS)
    engine.execute("INSERT INTO unit_days BY NAME SELECT * EXCLUDE (opening) FROM fresh_unit_days")
    _append_openings(engine)


_WEIGH_DAYS = (
    "UPDATE fresh_unit_days AS f SET weight = w.weight FROM ("
    "SELECT CAST(date_trunc('day', event_time) AS TIMESTAMP) AS day, unit_key, currency, min(weight) AS weight "
    "FROM lens_events GROUP BY ALL) AS w WHERE w.day = f.day AND w.unit_key = f.unit_key AND w.currency = f.currency"
)
# The earliest opening and the least weight may come with different batches.
_JOIN_OPENINGS = (
    "UPDATE openings AS o SET opened_at = CASE WHEN s.earlier THEN o.opened_at ELSE s.opened_at END, "
    "cell_id = CASE WHEN s.earlier THEN o.cell_id ELSE s.cell_id END, weight = least(o.weight, s.weight) "
    "FROM stood AS s WHERE s.unit_key = o.unit_key AND s.unit_type = o.unit_type"
)


def _append_openings(engine: Engine) -> None:
    """Counts units in the hour they open, and counts them anew where an earlier or a less sampled event has come."""
    engine.execute(f"CREATE OR REPLACE TEMP TABLE openings AS {sql_text('economics.rollup', 'openings')}")
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE stood AS SELECT u.unit_type, u.unit_key, u.opened_at, u.cell_id, "
        "c.shown_cell_id, u.weight, (o.opened_at, n.cell_hash) < (u.opened_at, c.cell_hash) AS earlier, "
        "earlier OR coalesce(o.weight < u.weight, u.weight IS NULL AND o.weight IS NOT NULL) AS replaced "
        "FROM units u JOIN openings o ON o.unit_key = u.unit_key AND o.unit_type = u.unit_type "
        "JOIN cells c ON c.cell_id = u.cell_id JOIN cells n ON n.cell_id = o.cell_id"
    )
    engine.execute("DELETE FROM openings WHERE unit_key IN (SELECT unit_key FROM stood WHERE NOT replaced)")
    if is_sampled(engine):
        engine.execute(_JOIN_OPENINGS)
    engine.execute(
        "INSERT INTO rollup_units "
        "SELECT window_of(o.opened_at), o.unit_type, c.shown_cell_id, count(*), o.weight FROM openings o "
        "JOIN cells c ON c.cell_id = o.cell_id GROUP BY ALL "
        "UNION ALL SELECT window_of(opened_at), unit_type, shown_cell_id, -count(*), weight FROM stood "
        "WHERE replaced GROUP BY ALL"
    )
    if engine.value("SELECT count(*) FROM stood WHERE replaced"):
        engine.execute(
            "DELETE FROM units WHERE (unit_type, unit_key) IN (SELECT (unit_type, unit_key) FROM stood WHERE replaced)"
        )
    engine.execute("INSERT INTO units SELECT unit_type, unit_key, opened_at, cell_id, weight FROM openings")
