"""The Arrow form of rows that come through a door. Enters: a format. Leaves: the schema of an arrival's rows."""

from __future__ import annotations

import re

import pyarrow as pa

from perunit.contract.door_formats import COUNTED_FORMATS, DOOR_COLUMNS
from perunit.facts.rules import Rule

__all__ = ["COUNTED_FORMATS", "DOOR_COLUMNS", "DOOR_PRODUCERS", "DOOR_RULES", "LINES", "schema_of"]

# Rows whose text is one JSON object each: CloudEvents, and sources of ndjson.
LINES = pa.schema([("position", pa.int64()), ("line", pa.large_string())])


def _id_rule(place: str, size: int) -> Rule:
    column = f'"c:{place}"'
    expected = f"must be {size} bytes; correct the producer"
    return Rule("id", place, f"length({column}) <> {2 * size}", column, expected)


# What rows of a format are held to beside what their mapping says. An id of zeros is null, and missed as such.
DOOR_RULES = {
    "otlp_spans": (_id_rule("trace_id", 16), _id_rule("span_id", 8)),
    "stripe": (
        Rule(
            "stripe",
            "line",
            '"c:fault" IS NOT NULL',
            '"c:fault"',
            "must be one whole object of Stripe's; mend what sends it, and send it again",
        ),
    ),
}

# Who sent a row, by what it says itself: SQL over the row ``i`` as it came.
DOOR_PRODUCERS = {
    **dict.fromkeys(("otlp_spans", "otlp_metrics", "otlp_logs"), "i.service"),
    "prometheus": "i.labels['job']",
    "stripe": "i.account",
}

# What rows of a counted format bring for that beside their columns: whose they are, when its counting began, and an
# increase where they say it themselves. Values are text until they are judged: NaN and infinity are no decimals.
_COUNTED = {"series": "VARCHAR", "start_time": "TIMESTAMP", "value": "VARCHAR", "increase": "VARCHAR"}

_PLAIN = {"VARCHAR": pa.string(), "BOOLEAN": pa.bool_(), "INTEGER": pa.int32(), "TIMESTAMP": pa.timestamp("us")}
_TEXTS = pa.map_(pa.string(), pa.string())


def schema_of(format_: str) -> pa.Schema:
    """`position` and what an arrival's rows have of a door's format, or the columns of `LINES` for any other.

    >>> schema_of("prometheus").names
    ['position', 'id', 'metric', 'labels', 'time', 'value', 'increase', 'series', 'start_time']
    """
    if format_ not in DOOR_COLUMNS:
        return LINES
    columns = DOOR_COLUMNS[format_]
    if format_ in COUNTED_FORMATS:
        columns = {name: type_ for name, type_ in columns.items() if name != "held"} | _COUNTED
    arrow = [(name, _arrow_type(name, type_)) for name, type_ in columns.items()]
    return pa.schema([("position", pa.int64()), *arrow])


def _arrow_type(name: str, type_: str) -> pa.DataType:
    if type_.startswith("MAP"):
        # One resource has very many rows: it is told once, and the engine reads it once.
        return pa.dictionary(pa.int32(), _TEXTS) if name == "resource" else _TEXTS
    if digits := re.fullmatch(r"DECIMAL\((\d+), (\d+)\)", type_):
        return pa.decimal128(int(digits[1]), int(digits[2]))
    return _PLAIN[type_]
