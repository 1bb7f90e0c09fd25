"""The Arrow form of rows that come through a door. Enters: a format. Leaves: the schema of an arrival's rows."""

from __future__ import annotations

import re

import pyarrow as pa

from perunit.contract.door_formats import DOOR_COLUMNS
from perunit.facts.rules import Rule

__all__ = ["DOOR_COLUMNS", "DOOR_RULES", "LINES", "schema_of"]

# Rows whose text is one JSON object each: CloudEvents, and sources of ndjson.
LINES = pa.schema([("position", pa.int64()), ("line", pa.large_string())])


def _id_rule(place: str, size: int) -> Rule:
    column = f'"c:{place}"'
    expected = f"must be {size} bytes; correct the producer"
    return Rule("id", place, f"length({column}) <> {2 * size}", column, expected)


# What rows of a format are held to beside what their mapping says. An id of zeros is null, and missed as such.
DOOR_RULES = {"otlp_spans": (_id_rule("trace_id", 16), _id_rule("span_id", 8))}

_PLAIN = {"VARCHAR": pa.string(), "BOOLEAN": pa.bool_(), "INTEGER": pa.int32(), "TIMESTAMP": pa.timestamp("us")}
_TEXTS = pa.map_(pa.string(), pa.string())


def schema_of(format_: str) -> pa.Schema:
    """`position` and the columns of a door's format, or those of `LINES` for any other.

    >>> schema_of("prometheus").names
    ['position', 'metric', 'labels', 'time', 'value', 'increase']
    """
    if format_ not in DOOR_COLUMNS:
        return LINES
    columns = [(name, _arrow_type(name, type_)) for name, type_ in DOOR_COLUMNS[format_].items()]
    return pa.schema([("position", pa.int64()), *columns])


def _arrow_type(name: str, type_: str) -> pa.DataType:
    if type_.startswith("MAP"):
        # One resource has very many rows: it is told once, and the engine reads it once.
        return pa.dictionary(pa.int32(), _TEXTS) if name == "resource" else _TEXTS
    if digits := re.fullmatch(r"DECIMAL\((\d+), (\d+)\)", type_):
        return pa.decimal128(int(digits[1]), int(digits[2]))
    return _PLAIN[type_]
