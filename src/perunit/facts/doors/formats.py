"""The Arrow form of rows that come through a door. Enters: a format. Leaves: the schema of an arrival's rows."""

from __future__ import annotations

import re

import pyarrow as pa

from perunit.contract.door_formats import DOOR_COLUMNS

__all__ = ["DOOR_COLUMNS", "LINES", "schema_of"]

# Rows whose text is one JSON object each: CloudEvents, and sources of ndjson.
LINES = pa.schema([("position", pa.int64()), ("line", pa.large_string())])

_PLAIN = {"VARCHAR": pa.string(), "INTEGER": pa.int32(), "TIMESTAMP": pa.timestamp("us")}


def schema_of(format_: str) -> pa.Schema:
    """`position` and the columns of a door's format, or those of `LINES` for any other.

    >>> schema_of("prometheus").names
    ['position', 'metric', 'labels', 'time', 'value', 'increase']
    """
    if format_ not in DOOR_COLUMNS:
        return LINES
    columns = [(name, _arrow_type(type_)) for name, type_ in DOOR_COLUMNS[format_].items()]
    return pa.schema([("position", pa.int64()), *columns])


def _arrow_type(type_: str) -> pa.DataType:
    if type_.startswith("MAP"):
        return pa.map_(pa.string(), pa.string())
    if digits := re.fullmatch(r"DECIMAL\((\d+), (\d+)\)", type_):
        return pa.decimal128(int(digits[1]), int(digits[2]))
    return _PLAIN[type_]
