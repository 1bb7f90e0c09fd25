"""Which fields producers send, from samples. Enters: some rows of a group. Leaves: counts in `fields_seen`.

Only names and kinds are kept, never a value. A line of JSON has the fields of its object, a row with columns those
that have a value, and a map in it what is between its brackets.
"""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from perunit.facts.deliveries import OTHER
from perunit.model.window import naive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from perunit.engine.duckdb import Engine

__all__ = ["ROW", "SAMPLE_ROWS", "keep_fields", "sample_of"]

SAMPLE_ROWS = 100
# Fields of a source that are told apart; names made of data, such as ids, must not grow without bound.
FIELDS_MAX = 1_000
# Stands for the row itself: how many of a type were looked at.
ROW = "$"

_LINE_LENGTH_MAX = 64 << 10
_NAME_LENGTH_MAX = 200
_DEPTH_MAX = 8
_MEMBERS_MAX = 20
# By what a row of a door says who sent it, and what it is.
_WHO = ("service", "account")
_WHAT = ("metric", "event_name", "type")

_Seen = Counter[tuple[str, str, str, str]]


def sample_of(rows: pa.Table) -> pa.Table:
    """At most `SAMPLE_ROWS` of the rows, evenly chosen."""
    step = max(1, rows.num_rows // SAMPLE_ROWS)
    return rows.take(pa.array(range(0, rows.num_rows, step)[:SAMPLE_ROWS], pa.int64()))


def keep_fields(
    engine: Engine,
    source: str,
    sample: pa.Table,
    producer: str | None,
    at: datetime,
    types: Mapping[str, str] | None = None,
) -> None:
    """Counts the fields of sampled rows that came at `at`; the caller holds the transaction.

    `producer` sent them, unless a row says itself who did. `types` are those of columns that are still text.
    """
    seen: _Seen = Counter()
    for row in sample.to_pylist():
        line = row.get("line")
        if line is None:
            who, what, fields = _of_columns(row, types or {})
        else:
            who, what, fields = _of_line(line, source)
        for field, kind in fields:
            seen[who or producer or "", what or "", field, kind] += 1
    if seen:
        _add(engine, source, seen, at)


def _add(engine: Engine, source: str, seen: _Seen, at: datetime) -> None:
    known = {field for (field,) in engine.rows(_KNOWN, {"source": source})}
    kept: _Seen = Counter()
    for (who, what, field, kind), count in sorted(seen.items()):
        told = field in known or (len(known) < FIELDS_MAX and len(field) <= _NAME_LENGTH_MAX)
        known |= {field} if told else set()
        kept[who, what, field if told else OTHER, kind if told else ""] += count
    columns = zip(*kept, strict=True)
    names = ("producer", "event_type", "field", "kind")
    table = {name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}
    engine.register("fields_told", pa.table(table | {"seen": pa.array(kept.values(), pa.int64())}))
    engine.execute(
        "INSERT INTO fields_seen BY NAME SELECT $source AS source, *, $at AS first_seen, $at AS last_seen "
        "FROM fields_told ON CONFLICT DO UPDATE SET seen = seen + excluded.seen, "
        "last_seen = greatest(last_seen, excluded.last_seen), first_seen = least(first_seen, excluded.first_seen)",
        {"source": source, "at": naive(at)},
    )
    engine.unregister("fields_told")


_KNOWN = "SELECT DISTINCT field FROM fields_seen WHERE source = $source"

_Told = tuple[str | None, str | None, "Iterator[tuple[str, str]]"]


def _of_line(line: str, source: str) -> _Told:
    try:
        found = json.loads(line) if len(line) <= _LINE_LENGTH_MAX else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return None, None, iter(())
    # A fact of a source says of itself what its mapping makes of it.
    who, what = (found.get("source"), found.get("type")) if source == "cloudevents" else (None, None)
    return _name(who), _name(what), iter(set(_fields("", found, _DEPTH_MAX)))


def _name(value: object) -> str | None:
    return _plain(value)[:_NAME_LENGTH_MAX] if isinstance(value, str) else None


def _plain(text: str) -> str:
    """JSON may name half of a character, which no column can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _fields(path: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """(path, kind) of a value and all in it; members of an array share one name, such as items[].price."""
    yield path or ROW, _kind(value)
    if not depth:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            # Names that would read as no name at all, or as the row.
            step = f'"{name}"' if name in {"", ROW} else _plain(name)
            yield from _fields(f"{path}.{step}" if path else step, inner, depth - 1)
    elif isinstance(value, list):
        for inner in value[:_MEMBERS_MAX]:
            yield from _fields(f"{path}[]", inner, depth - 1)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    kinds = {str: "string", dict: "object", list: "array"}
    return next((kind for type_, kind in kinds.items() if isinstance(value, type_)), "null")


def _of_columns(row: dict[str, Any], types: Mapping[str, str]) -> _Told:
    who = next((row[name] for name in _WHO if name in row), None)
    what = next((row[name] for name in _WHAT if name in row), None)
    return _name(who), _name(what), _column_fields(row, types)


def _column_fields(row: dict[str, Any], types: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield ROW, "object"
    for name, value in row.items():
        if value is None or name == "position" or name.startswith("_"):
            continue
        if isinstance(value, list) and all(isinstance(each, tuple) for each in value):
            for key, _ in value:
                yield f"{name}[{_plain(str(key))}]", "string"
        elif isinstance(value, str):
            yield name, "number" if types.get(name, "").startswith(_NUMBERS) else "string"
        elif isinstance(value, Decimal):
            yield name, "number"
        else:
            yield name, "time" if hasattr(value, "year") else _kind(value)


_NUMBERS = ("DECIMAL", "BIGINT", "INTEGER", "DOUBLE", "HUGEINT")
