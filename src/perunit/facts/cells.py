"""Gives every combination of segments and the like its cell, and guards against segment values without bound.

Enters: staged rows. Leaves: rows in `cells` and `segment_values`. A dimension shows its first `limit` values, by
(first seen, value); all others are shown as ``__other__``. That order depends on the facts alone, so any order of
arrival ends with the same values shown; `encode` tells when an earlier arrival has changed which ones they are. A
value that a rate names is always shown, so that a cell has one price.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from perunit.engine.duckdb import identifier, literal
from perunit.facts.rules import Rule

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine
    from perunit.facts.staging import Names

__all__ = [
    "OTHER",
    "SURPLUS",
    "SURPLUS_RULE",
    "WEIGHTS_MAX",
    "encode",
    "guard_weights",
    "is_sampled",
    "met_cells",
    "pin_values",
    "rehash",
]

OTHER = "__other__"
# How many different weights a project may have; samplers have a handful.
WEIGHTS_MAX = 1_000
# The number of the rule, in no plan, that a row with one weight too many breaks.
SURPLUS = -1
SURPLUS_RULE = Rule(
    "weights",
    "weight",
    # Rows that came may have columns of these names too.
    f"staged.reject = {SURPLUS}",
    "CAST(staged.weight AS VARCHAR)",
    f"must be one of at most {WEIGHTS_MAX} weights of a project; round the thresholds of the sampler",
)
_PARTS = {"weight": "CASE WHEN weight IS DISTINCT FROM 1 THEN 'weight=' || coalesce(CAST(weight AS VARCHAR), '') END"}


def encode(engine: Engine, names: Names, limit: int) -> bool:
    """Adds the cells of the staged rows; then each of them is in `met_cells(names)` (cell_key, cell_id).

    Returns whether values that were shown before are shown no longer, so that rollups must be computed anew.
    """
    met = met_cells(names)
    columns = ", ".join(identifier(column) for column in names.cell_columns())
    engine.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS {met} AS SELECT cell_key, 0 AS cell_id, event_time AS safe_from, {columns} "
        "FROM staged LIMIT 0"
    )
    if not engine.value(_unmet_sql(names)):
        return False
    guard_weights(engine)
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE seen_cells AS SELECT *, {_hash_sql(names)} AS cell_hash FROM ("
        f"SELECT cell_key, {columns}, min(event_time) AS first_seen FROM staged WHERE reject IS NULL GROUP BY ALL)"
    )
    known = engine.value("SELECT coalesce(max(cell_id), 0) FROM cells")
    engine.execute(_new_cells_sql(names, columns))
    changed = _see_values(engine, names, limit, known)
    engine.execute(f"DELETE FROM {met} WHERE cell_key IN (SELECT cell_key FROM seen_cells)")
    engine.execute(_met_sql(names))
    _refuse_collision(engine, names)
    return changed


def met_cells(names: Names) -> str:
    """The temporary table of the cells that this connection has met: their number, and how early an event of them
    may be without being the first of a segment value.
    """
    return f"met_cells_{zlib.crc32(repr(names.cell_columns()).encode())}"


def _unmet_sql(names: Names) -> str:
    """SQL of how many staged rows are of a cell not met before, or may be the first of a segment value."""
    return (
        f"SELECT count(*) FROM staged s LEFT JOIN {met_cells(names)} m ON m.cell_key = s.cell_key "
        f"AND {_same_sql(names, 'm')} WHERE s.reject IS NULL AND (m.cell_id IS NULL OR s.event_time < m.safe_from)"
    )


def _same_sql(names: Names, alias: str) -> str:
    """A hash finds, the columns themselves decide."""
    return " AND ".join(
        f"{alias}.{identifier(column)} IS NOT DISTINCT FROM s.{identifier(column)}" for column in names.cell_columns()
    )


def _met_sql(names: Names) -> str:
    columns = ", ".join(f"s.{identifier(column)}" for column in names.cell_columns())
    values = "".join(
        f" LEFT JOIN segment_values v{number} ON v{number}.dimension = {literal(dimension)} "
        f"AND v{number}.value = s.{identifier(f'segment_{dimension}')}"
        for number, dimension in enumerate(names.dimensions)
    )
    seen = ", ".join(f"v{number}.first_seen" for number in range(len(names.dimensions)))
    safe = f"coalesce(greatest({seen}), TIMESTAMP '-infinity')" if seen else "TIMESTAMP '-infinity'"
    return (
        f"INSERT INTO {met_cells(names)} SELECT s.cell_key, c.cell_id, {safe}, {columns} FROM seen_cells s "
        f"JOIN cells c ON c.cell_hash = s.cell_hash AND {_same_sql(names, 'c')}{values}"
    )


def guard_weights(engine: Engine, limit: int = WEIGHTS_MAX) -> None:
    """Refuses staged rows, as `SURPLUS`, whose weight would be one too many: each weight multiplies the cells."""
    if not engine.value("SELECT count(*) FROM staged WHERE reject IS NULL AND weight > 1"):
        return
    engine.execute(
        "UPDATE staged SET reject = $surplus WHERE reject IS NULL AND weight IN ("
        "SELECT weight FROM staged WHERE reject IS NULL AND weight > 1 "
        "AND weight NOT IN (SELECT weight FROM cells WHERE weight IS NOT NULL) GROUP BY weight "
        "QUALIFY row_number() OVER (ORDER BY min(event_time), weight) > $limit - "
        "(SELECT count(DISTINCT weight) FROM cells WHERE weight > 1))",
        {"surplus": SURPLUS, "limit": limit},
    )


def is_sampled(engine: Engine) -> bool:
    """Whether any fact of the store stands for others that were left out, or may; a look at a small table."""
    return bool(engine.value("SELECT count(*) FROM cells WHERE weight IS DISTINCT FROM 1"))


def _hash_sql(names: Names) -> str:
    """SQL of a cell's content as a number. Only what is there counts, so that a dimension more changes no old cell.

    A weight of 1 says no more than none: cells of before there were weights keep their number.
    """
    parts = ", ".join(
        _PARTS.get(c, f"{literal(f'{c}=')} || CAST({identifier(c)} AS VARCHAR)") for c in names.cell_columns()
    )
    # As JSON, because there it shows where one value ends and the next begins.
    return f"md5_number_lower(CAST(to_json(list_filter([{parts}], lambda part: part IS NOT NULL)) AS VARCHAR))"


def rehash(engine: Engine, names: Names, limit: int, holding: str) -> bool:
    """Gives cells whose text was changed the hash of what they say now; whether any has another one.

    `holding` is a pattern that such text matches. The caller holds the transaction, and what `encode` has met is to be
    forgotten.
    """
    texts = ("event_type", *(f"segment_{dimension}" for dimension in names.dimensions))
    found = " OR ".join(f"regexp_matches({identifier(text)}, {literal(holding)})" for text in texts)
    changed = f"({found}) AND cell_hash <> {_hash_sql(names)}"
    if not engine.value(f"SELECT count(*) FROM cells WHERE {changed}"):
        return False
    engine.execute(f"UPDATE cells SET cell_hash = {_hash_sql(names)} WHERE {changed}")
    _merge(engine)
    # Among values seen at one time the first by name are shown, and of cells shown alike the one with the least hash.
    pin_values(engine, names, limit)
    return True


def _merge(engine: Engine) -> None:
    """Makes one of cells that say the same: what is looked for by hash must be there once."""
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE merged_cells AS "
        "SELECT cell_id AS own, min(cell_id) OVER (PARTITION BY cell_hash) AS kept FROM cells QUALIFY own <> kept"
    )
    if not engine.value("SELECT count(*) FROM merged_cells"):
        return
    columns = engine.rows(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main' "
        "AND database_name = current_database() AND column_name IN ('cell_id', 'shown_cell_id') ORDER BY ALL"
    )
    for table, column in columns:
        if (table, column) != ("cells", "cell_id"):
            engine.execute(f"UPDATE {identifier(table)} SET {column} = kept FROM merged_cells WHERE {column} = own")
    engine.execute("DELETE FROM cells WHERE cell_id IN (SELECT own FROM merged_cells)")


def _refuse_collision(engine: Engine, names: Names) -> None:
    """Two combinations with one 64-bit hash would become one cell; it has not been seen, and must not pass."""
    if engine.value(f"SELECT count(*) - count(DISTINCT cell_key) FROM {met_cells(names)}"):
        raise AssertionError("two cells have the same hash")


def _new_cells_sql(names: Names, columns: str) -> str:
    shown = ", ".join(f"{identifier(f'segment_{d}')} AS {identifier(f'shown_{d}')}" for d in names.dimensions)
    return (
        f"INSERT INTO cells BY NAME SELECT first + row_number() OVER (ORDER BY cell_hash) AS cell_id, "
        f"first + row_number() OVER (ORDER BY cell_hash) AS shown_cell_id, cell_hash, {columns}"
        f"{', ' + shown if shown else ''} "
        f"FROM (SELECT DISTINCT cell_hash, {columns} FROM seen_cells), "
        f"(SELECT coalesce(max(cell_id), 0) AS first FROM cells) "
        f"WHERE cell_hash NOT IN (SELECT cell_hash FROM cells)"
    )


def _see_values(engine: Engine, names: Names, limit: int, known: int) -> bool:
    """Records the segment values of `seen_cells`; applies the guard where one is new, seen earlier or not shown.

    Cells up to the id `known` may be in rollups.
    """
    if not names.dimensions:
        return False
    each = " UNION ALL ".join(
        f"SELECT {literal(d)} AS dimension, {identifier(f'segment_{d}')} AS value, first_seen FROM seen_cells "
        f"WHERE {identifier(f'segment_{d}')} IS NOT NULL"
        for d in names.dimensions
    )
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE fresh_values AS SELECT dimension, value, min(first_seen) AS first_seen "
        f"FROM ({each}) GROUP BY ALL"
    )
    moved = engine.value(
        "SELECT count(*) FROM fresh_values f LEFT JOIN segment_values v USING (dimension, value) "
        "WHERE v.value IS NULL OR NOT v.shown OR f.first_seen < v.first_seen"
    )
    if not moved:
        return False
    engine.execute(
        "INSERT INTO segment_values SELECT dimension, value, first_seen, true FROM fresh_values "
        "ON CONFLICT (dimension, value) DO UPDATE SET first_seen = least(first_seen, excluded.first_seen)"
    )
    return _apply_guard(engine, names, limit, known)


def pin_values(engine: Engine, names: Names, limit: int) -> bool:
    """Notes which values the rates in force name, and applies the guard; whether a shown cell changed."""
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE pinned_values AS SELECT DISTINCT entry.key AS dimension, entry.value AS value "
        "FROM (SELECT unnest(map_entries(conditions)) AS entry FROM rates JOIN price_books USING (book, version) "
        "WHERE withdrawn_at IS NULL)"
    )
    return _apply_guard(engine, names, limit, engine.value("SELECT coalesce(max(cell_id), 0) FROM cells"))


def _apply_guard(engine: Engine, names: Names, limit: int, known: int) -> bool:
    """Decides which values are shown, and maps every cell to the cell that shows it; whether a shown cell changed."""
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE shown_values AS SELECT dimension, value FROM segment_values "
        "QUALIFY row_number() OVER (PARTITION BY dimension ORDER BY first_seen, value) <= $limit "
        "OR (dimension, value) IN (SELECT (dimension, value) FROM pinned_values)",
        {"limit": limit},
    )
    hidden = engine.value("SELECT count(*) FROM segment_values v ANTI JOIN shown_values s USING (dimension, value)")
    before = engine.value("SELECT count(*) FROM segment_values WHERE NOT shown")
    engine.execute(
        "UPDATE segment_values SET shown = (dimension, value) IN (SELECT (dimension, value) FROM shown_values) "
        "WHERE shown IS DISTINCT FROM ((dimension, value) IN (SELECT (dimension, value) FROM shown_values))"
    )
    if not hidden and not before:
        return False
    return _map_cells(engine, names, known)


def _map_cells(engine: Engine, names: Names, known: int) -> bool:
    """Writes shown_<dimension> and shown_cell_id of every cell; whether a cell up to `known` now has another one."""
    shown = {
        dimension: f"CASE WHEN {identifier(f'segment_{dimension}')} IS NULL THEN NULL "
        f"WHEN ({literal(dimension)}, {identifier(f'segment_{dimension}')}) IN "
        f"(SELECT (dimension, value) FROM shown_values) THEN {identifier(f'segment_{dimension}')} ELSE '{OTHER}' END"
        for dimension in names.dimensions
    }
    kept = ", ".join(identifier(c) for c in names.cell_columns() if not c.startswith("segment_"))
    parts = ", ".join(f"{sql} AS {identifier(f'shown_{dimension}')}" for dimension, sql in shown.items())
    keys = ", ".join(identifier(f"shown_{dimension}") for dimension in names.dimensions)
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE mapped_cells AS SELECT *, "
        f"min(cell_hash) OVER (PARTITION BY {kept}, {keys}) AS shown_hash "
        f"FROM (SELECT cell_id, cell_hash, shown_cell_id, {kept}, {parts} FROM cells)"
    )
    changed = engine.value(
        "SELECT count(*) FROM mapped_cells m JOIN cells c ON c.cell_hash = m.shown_hash "
        "WHERE m.shown_cell_id <> c.cell_id AND m.cell_id <= $known",
        {"known": known},
    )
    sets = ", ".join(f"{identifier(f'shown_{d}')} = m.{identifier(f'shown_{d}')}" for d in names.dimensions)
    engine.execute(
        f"UPDATE cells SET shown_cell_id = m.target, {sets} FROM (SELECT m.*, c.cell_id AS target FROM mapped_cells m "
        f"JOIN cells c ON c.cell_hash = m.shown_hash) m WHERE cells.cell_id = m.cell_id"
    )
    return bool(changed)
