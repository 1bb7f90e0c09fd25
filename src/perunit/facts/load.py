"""Loads one group of raw rows into the store. Enters: a group and its plan. Leaves: rows in `events`, `duplicates`,
`quarantine` and one in `batches`, with received = accepted + duplicate + conflict + rejected.

Staging comes first, outside of any transaction, because a row on which an expression raises would end it. All the
rest happens in the caller's transaction: a group is in the store whole, or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from perunit.engine.duckdb import identifier, literal
from perunit.facts.cells import SURPLUS_RULE, encode, met_cells
from perunit.facts.deliveries import count_deliveries
from perunit.facts.privacy.pseudonyms import NOBODY, keep_identities
from perunit.facts.privacy.refusals import keep_secret
from perunit.model.window import naive

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.engine.duckdb import Engine
    from perunit.facts.files import Group
    from perunit.facts.staging import Names, Plan

__all__ = ["Batch", "Counts", "late_sql", "late_values", "load_group", "seen_before", "stage_group"]

Planner = Callable[[bool], "Plan"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Where a group comes from and when it is loaded; `watermark` is its source's newest event before its file.

    `producers` sent its arrivals, in their order; empty for a file.
    """

    run_id: str
    source: str
    file_name: str
    ingested_at: datetime
    watermark: datetime | None
    late_after_hours: int
    segment_limit: int
    producers: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows; `orphan` counts accepted events without a key they should carry, `ignored` rows that
    the source's match leaves out, which are not among those received. `watermark` is the newest event, as stored.
    """

    batch_id: int
    received: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    orphan: int
    late: int
    blank: int
    ignored: int
    watermark: datetime | None
    guard_changed: bool


def seen_before(engine: Engine, source: str, group: Group) -> dict[str, Any] | None:
    """The batch that already holds this very group, or None."""
    found = engine.records(
        "SELECT * FROM batches WHERE source = $source AND chunk = $chunk AND digest = $digest",
        {"source": source, "chunk": group.number, "digest": group.digest},
    )
    return found[0] if found else None


def load_group(engine: Engine, names: Names, group: Group, batch: Batch, plan: Plan) -> Counts:
    """Deduplicates and stores the group that was staged last, with the plan it was staged by."""
    secret = tuple(unit for unit in plan.secrecy.units if unit in names.unit_bits) if plan.secrecy else ()
    _find_suspects(engine)
    if secret:
        _keep_cells_of_erased(engine, names, secret)
    changed = encode(engine, names, batch.segment_limit)
    batch_id = engine.value("SELECT coalesce(max(batch_id), 0) + 1 FROM batches")
    has_repeats = _find_repeats(engine, names, secret)
    _store_events(engine, names, batch, batch_id)
    if plan.secrecy:
        keep_identities(engine, names, plan.secrecy)
    if has_repeats:
        _store_duplicates(engine, names, batch_id)
    _store_rejects(engine, plan, batch, batch_id)
    counts = _count(engine, batch_id, group.blank, guard_changed=changed)
    _store_batch(engine, plan, group, batch, counts)
    count_deliveries(engine, batch, plan.producer, (late_sql(batch), late_values(batch)), counts.ignored)
    return counts


def stage_group(engine: Engine, group: Group, planner: Planner) -> Plan:
    """Fills `incoming` and `staged`, and tells by which plan; `planner(careful)` makes one. What attaches the group
    may list in `counted_already` rows that it knows to be duplicates.

    Where a row makes an expression raise, the group is staged again with every expression guarded.
    """
    # What the file before left: a table or a view, whichever its kind of group makes of it.
    engine.unregister("incoming")
    engine.execute("DROP TABLE IF EXISTS temp.incoming")
    engine.execute("CREATE OR REPLACE TEMP TABLE counted_already (position BIGINT)")
    group.attach(engine)
    for careful in (False, True):
        plan = planner(careful)
        try:
            engine.execute(f"CREATE OR REPLACE TEMP TABLE staged AS {plan.staged_sql}", plan.values)
        except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException):
            if careful:
                raise
        else:
            return plan
    raise AssertionError("unreachable")


def _find_suspects(engine: Engine) -> None:
    """Fills `stored_suspects`: events of the store that may have come again."""
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE stored_suspects AS SELECT rowid AS place, event_key FROM events "
        "WHERE event_key IN (SELECT event_key FROM staged WHERE reject IS NULL)"
    )


def _keep_cells_of_erased(engine: Engine, names: Names, secret: tuple[str, ...]) -> None:
    """Puts what is delivered again of an erased unit into the cell of its fact: its own would hold the pseudonym."""
    if not engine.value("SELECT count(*) FROM stored_suspects"):
        return
    columns = [identifier(column) for column in names.cell_columns()]
    own, put = ", ".join(f"c.{column}" for column in columns), ", ".join(f"{column} = f.{column}" for column in columns)
    erased = " OR ".join(f"starts_with(e.{identifier(f'unit_{unit}')}, '{NOBODY}')" for unit in secret)
    engine.execute(
        f"UPDATE staged SET {put}, cell_key = f.cell_key FROM ("
        f"SELECT e.id, {own}, hash({own}) AS cell_key FROM events e JOIN cells c USING (cell_id) "
        f"WHERE e.rowid IN (SELECT place FROM stored_suspects) AND ({erased})) AS f "
        "WHERE staged.reject IS NULL AND staged.source = f.source AND staged.id = f.id"
    )


def _find_repeats(engine: Engine, names: Names, secret: tuple[str, ...]) -> bool:
    """Fills `repeats` (position, kind): rows whose (source, id) is taken by the store or an earlier row.

    Returns whether there may be any.

    Hashes find the suspects, those of the store are in `stored_suspects`; the sources and ids themselves decide. What
    is delivered again of a unit of a `secret` type that was erased is a duplicate, whatever it says: nothing more of
    it is kept.
    """
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE suspect_keys AS "
        "SELECT event_key FROM staged WHERE reject IS NULL GROUP BY event_key HAVING count(*) > 1 "
        "UNION SELECT event_key FROM stored_suspects"
    )
    if not engine.value("SELECT (SELECT count(*) FROM suspect_keys) + (SELECT count(*) FROM counted_already)"):
        engine.execute("CREATE OR REPLACE TEMP TABLE repeats (position BIGINT, kind VARCHAR)")
        return False
    facts = ", ".join(identifier(column) for column in names.fact_columns())
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE suspects AS SELECT s.position, s.event_key, s.source, s.id, c.cell_id, "
        f"{_qualified('s', names)} FROM staged s JOIN {met_cells(names)} c USING (cell_key) "
        "ANTI JOIN counted_already USING (position) WHERE s.reject IS NULL AND s.event_key IN (FROM suspect_keys)"
    )
    same = " AND ".join(
        f"s.{identifier(column)} IS NOT DISTINCT FROM f.{identifier(column)}"
        for column in ("cell_id", *names.fact_columns())
        if column != "payload_hash"
    )
    # A hash that is not known any more says nothing.
    same += " AND coalesce(s.payload_hash = f.payload_hash, true)"
    erased = [f"starts_with(f.{identifier(f'unit_{unit}')}, '{NOBODY}')" for unit in secret]
    same = " OR ".join([f"({same})", *(f"coalesce({each}, false)" for each in erased)])
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE repeats AS WITH standing AS ("
        f"SELECT -1 AS position, c.source, e.id, e.cell_id, {_qualified('e', names)} "
        f"FROM events e JOIN cells c USING (cell_id) WHERE e.rowid IN (SELECT place FROM stored_suspects) "
        f"UNION ALL SELECT position, source, id, cell_id, {facts} FROM suspects), "
        f"firsts AS (SELECT * FROM standing QUALIFY row_number() OVER (PARTITION BY source, id ORDER BY position) = 1) "
        f"SELECT s.position, CASE WHEN {same} THEN 'duplicate' ELSE 'conflict' END AS kind "
        f"FROM suspects s JOIN firsts f ON f.source = s.source AND f.id = s.id AND f.position < s.position "
        "UNION ALL SELECT position, 'duplicate' FROM staged SEMI JOIN counted_already USING (position) "
        "WHERE reject IS NULL"
    )
    return True


def _qualified(alias: str, names: Names) -> str:
    return ", ".join(f"{alias}.{identifier(column)}" for column in names.fact_columns())


def _store_events(engine: Engine, names: Names, batch: Batch, batch_id: int) -> None:
    engine.execute(
        f"INSERT INTO events BY NAME SELECT s.event_key, s.id, $batch_id AS batch_id, c.cell_id, "
        f"{late_sql(batch)} AS late, {_qualified('s', names)} "
        f"FROM staged s JOIN {met_cells(names)} c USING (cell_key) ANTI JOIN repeats r ON r.position = s.position "
        f"WHERE s.reject IS NULL",
        {"batch_id": batch_id} | late_values(batch),
    )


def late_sql(batch: Batch) -> str:
    """Whether a staged row `s` is late: recorded long after it happened; where that is unknown, older than the
    watermark by as much.
    """
    hours = f"INTERVAL {batch.late_after_hours} HOUR"
    unknown = f"coalesce(s.event_time < CAST($watermark AS TIMESTAMP) - {hours}, false)"
    return f"CASE WHEN s.recorded_at IS NULL THEN {unknown} ELSE s.recorded_at > s.event_time + {hours} END"


def late_values(batch: Batch) -> dict[str, Any]:
    """What `late_sql` binds."""
    return {"watermark": naive(batch.watermark) if batch.watermark else None}


def _store_duplicates(engine: Engine, names: Names, batch_id: int) -> None:
    engine.execute(
        "INSERT INTO duplicates SELECT s.id, s.event_time, $batch_id, c.cell_id "
        f"FROM repeats r JOIN staged s USING (position) JOIN {met_cells(names)} c USING (cell_key) "
        "WHERE r.kind = 'duplicate'",
        {"batch_id": batch_id},
    )


def _store_rejects(engine: Engine, plan: Plan, batch: Batch, batch_id: int) -> None:
    """Writes refused rows with the rule they broke, and conflicting ones with the fact that stands."""
    rows = engine.rows(
        "SELECT (SELECT count(*) FROM staged WHERE reject IS NOT NULL), "
        "(SELECT count(*) FROM repeats WHERE kind = 'conflict')"
    )
    refused, conflicts = rows[0]
    fixed: dict[str, Any] = {
        "source": batch.source,
        "file_name": batch.file_name,
        "at": naive(batch.ingested_at),
    }
    if not refused and not conflicts:
        return
    engine.execute("CREATE OR REPLACE TEMP TABLE refusals AS SELECT * FROM quarantine LIMIT 0")
    columns = "batch_id, source, file_name, position, kind, rule, place, got, expected, raw, quarantined_at"
    fixed["batch_id"] = batch_id
    into = f"INSERT INTO refusals ({columns}) SELECT $batch_id, $source, $file_name,"
    if refused:
        engine.register("plan_rules", _rules_table(plan))
        engine.execute(
            "CREATE OR REPLACE TEMP TABLE refused_rows AS FROM incoming WHERE position IN "
            "(SELECT position FROM staged WHERE reject IS NOT NULL)"
        )
        engine.execute(
            f"{into} g.position, 'rejected', u.rule, u.place, g.got, u.expected, {plan.raw_sql}, $at "
            f"FROM refused_rows incoming JOIN ({plan.refusals_sql('refused_rows')}) g USING (position) "
            "JOIN plan_rules u ON u.number = g.reject ORDER BY g.position",
            fixed,
        )
        engine.unregister("plan_rules")
        surplus = SURPLUS_RULE
        engine.execute(
            f"{into} position, 'rejected', '{surplus.name}', '{surplus.place}', {surplus.got}, "
            f"{literal(surplus.expected)}, {plan.raw_sql}, $at FROM incoming JOIN staged USING (position) "
            f"WHERE {surplus.broken} ORDER BY position",
            fixed,
        )
    if conflicts:
        engine.execute(
            f"{into} r.position, 'conflict', 'conflict', 'id', s.id, "
            "'must be the event accepted first under this source and id; send a correction under its own id', "
            f"{plan.raw_sql}, $at FROM incoming JOIN repeats r USING (position) JOIN staged s USING (position) "
            "WHERE r.kind = 'conflict' ORDER BY r.position",
            fixed,
        )
    keep_secret(engine, plan.secrecy.sealer if plan.secrecy else None, scans=plan.scans)
    # The upper half of a position tells arrivals of one group apart (see arrivals.py); a person counts the lower.
    engine.execute(
        f"INSERT INTO quarantine ({columns}) SELECT * EXCLUDE (quarantine_id, replayed_in) "
        "REPLACE (position & 4294967295 AS position) FROM refusals"
    )


def _rules_table(plan: Plan) -> pa.Table:
    return pa.table(
        {
            "number": pa.array(range(len(plan.rules)), pa.int64()),
            "rule": pa.array([rule.name for rule in plan.rules], pa.string()),
            "place": pa.array([rule.place for rule in plan.rules], pa.string()),
            "expected": pa.array([rule.expected for rule in plan.rules], pa.string()),
        }
    )


def _count(engine: Engine, batch_id: int, blank: int, *, guard_changed: bool) -> Counts:
    """The counts of the group, each taken from what was stored, not from what was meant to be."""
    received, rejected, came, duplicate, conflict = engine.rows(
        "SELECT count(*), count(reject), (SELECT count(*) FROM incoming), "
        "(SELECT count(*) FROM repeats WHERE kind = 'duplicate'), "
        "(SELECT count(*) FROM repeats WHERE kind = 'conflict') FROM staged"
    )[0]
    accepted, late, orphan, watermark = engine.rows(
        "SELECT count(*), count(*) FILTER (late), count(*) FILTER (orphan_mask <> 0), max(event_time) "
        "FROM events JOIN cells USING (cell_id) WHERE batch_id = $batch_id",
        {"batch_id": batch_id},
    )[0]
    if received != accepted + duplicate + conflict + rejected:
        raise AssertionError(f"{received} rows received, {accepted} + {duplicate} + {conflict} + {rejected} kept")
    kept = (received, accepted, duplicate, conflict, rejected)
    return Counts(batch_id, *kept, orphan, late, blank, came - received, watermark, guard_changed)


def _store_batch(engine: Engine, plan: Plan, group: Group, batch: Batch, counts: Counts) -> None:
    engine.execute(
        "INSERT INTO batches VALUES ($batch_id, $run_id, $source, $file_name, $chunk, $digest, $ingested_at, $columns, "
        "$received, $accepted, $duplicate, $conflict, $rejected, $orphan, $late, $blank, "
        "$watermark, $ignored)",
        {
            "batch_id": counts.batch_id,
            "run_id": batch.run_id,
            "source": batch.source,
            "file_name": batch.file_name,
            "chunk": group.number,
            "digest": group.digest,
            "ingested_at": naive(batch.ingested_at),
            "columns": json.dumps(plan.columns) if plan.columns else None,
            "received": counts.received,
            "accepted": counts.accepted,
            "duplicate": counts.duplicate,
            "conflict": counts.conflict,
            "rejected": counts.rejected,
            "orphan": counts.orphan,
            "late": counts.late,
            "blank": counts.blank,
            "watermark": counts.watermark,
            "ignored": counts.ignored,
        },
    )
