"""The columns that rows have which come through a door: fixed by the door's protocol, not found in a file.

Enters: a format. Leaves: column → DuckDB type. A mapping's expressions read these; what is between brackets of a map,
such as ``attributes['order.id']``, is the sender's own name. Times are UTC without a zone.
"""

from __future__ import annotations

__all__ = ["COUNTED_FORMATS", "DOOR_COLUMNS", "DOOR_DEFAULTS", "FILE_FORMATS", "GROWN_COLUMNS"]

FILE_FORMATS = ("csv", "ndjson", "json", "parquet")
# Rows of these only say where a series stands. What it has grown by or held is found where its last sample is known.
COUNTED_FORMATS = ("otlp_metrics", "prometheus")
GROWN_COLUMNS = ("increase", "held")

_TEXTS = "MAP(VARCHAR, VARCHAR)"
_QUANTITY = "DECIMAL(38, 9)"
# The largest values differ by no more than a quantity can hold.
_VALUE = "DECIMAL(30, 9)"

# trace: attributes seen anywhere in the span's trace. weight: how many spans the sampled one stands for.
_SPANS = {
    "trace_id": "VARCHAR",
    "span_id": "VARCHAR",
    "parent_span_id": "VARCHAR",
    "name": "VARCHAR",
    "kind": "VARCHAR",
    "service": "VARCHAR",
    "status": "VARCHAR",
    "status_message": "VARCHAR",
    "start_time": "TIMESTAMP",
    "end_time": "TIMESTAMP",
    "duration_ms": "DECIMAL(18, 6)",
    "trace_state": "VARCHAR",
    "attributes": _TEXTS,
    "resource": _TEXTS,
    "scope": "VARCHAR",
    "trace": _TEXTS,
    "weight": "DECIMAL(38, 18)",
}

# increase: what a counter has grown by since its last point; held: what a gauge showed until this one, times the
# seconds it did. Both are null where that cannot be known.
_METRICS = {
    "id": "VARCHAR",
    "metric": "VARCHAR",
    "unit": "VARCHAR",
    "kind": "VARCHAR",
    "temporality": "VARCHAR",
    "monotonic": "BOOLEAN",
    "time": "TIMESTAMP",
    "start_time": "TIMESTAMP",
    "value": _VALUE,
    "increase": _QUANTITY,
    "held": _QUANTITY,
    "attributes": _TEXTS,
    "resource": _TEXTS,
    "scope": "VARCHAR",
    "service": "VARCHAR",
    "exemplar_trace_id": "VARCHAR",
}

# id: a digest of all a record says, because OTLP gives it none.
_LOGS = {
    "id": "VARCHAR",
    "time": "TIMESTAMP",
    "observed_time": "TIMESTAMP",
    "severity": "VARCHAR",
    "severity_number": "INTEGER",
    "body": "VARCHAR",
    "event_name": "VARCHAR",
    "trace_id": "VARCHAR",
    "span_id": "VARCHAR",
    "attributes": _TEXTS,
    "resource": _TEXTS,
    "scope": "VARCHAR",
    "service": "VARCHAR",
}

_SAMPLES = {
    "id": "VARCHAR",
    "metric": "VARCHAR",
    "labels": _TEXTS,
    "time": "TIMESTAMP",
    "value": _VALUE,
    "increase": _QUANTITY,
    "held": _QUANTITY,
}

# follows: the object whose charge tells to whom the row belongs. charged_at: when that charge was made. object: what
# came, where it could not be read and fault says why.
_STRIPE = {
    "id": "VARCHAR",
    "time": "TIMESTAMP",
    "type": "VARCHAR",
    "outcome": "VARCHAR",
    "currency": "VARCHAR",
    **dict.fromkeys(("amount", "revenue", "discount", "refund", "fee", "tax"), "DECIMAL(38, 12)"),
    "charge": "VARCHAR",
    "charged_at": "TIMESTAMP",
    "payment_intent": "VARCHAR",
    "invoice": "VARCHAR",
    "subscription": "VARCHAR",
    "customer": "VARCHAR",
    "account": "VARCHAR",
    "reason": "VARCHAR",
    "livemode": "BOOLEAN",
    "metadata": _TEXTS,
    "follows": "VARCHAR",
    "fault": "VARCHAR",
    "object": "VARCHAR",
}

DOOR_COLUMNS: dict[str, dict[str, str]] = {
    "otlp_spans": _SPANS,
    "otlp_metrics": _METRICS,
    "otlp_logs": _LOGS,
    "prometheus": _SAMPLES,
    "stripe": _STRIPE,
}

# What a mapping says where it says nothing itself. A span counts when it ends, because only then its outcome is known.
DOOR_DEFAULTS: dict[str, dict[str, str]] = {
    "otlp_spans": {
        "id": "trace_id || ':' || span_id",
        "time": "end_time",
        "type": "name",
        "outcome": "case when status = 'error' then 'failure' else 'success' end",
        "latency_ms": "duration_ms",
    },
    "otlp_metrics": {"id": "id", "time": "time", "type": "metric"},
    "otlp_logs": {"id": "id", "time": "time", "type": "coalesce(event_name, 'log')"},
    "prometheus": {"id": "id", "time": "time", "type": "metric"},
}
