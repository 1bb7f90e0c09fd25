"""OTLP requests as rows. Enters: the body of an export request, protobuf or JSON. Leaves: an Arrow table of a door's
format, one row a span, metric point or log record.

The whole of every element is kept, whatever the contract names of it: what is refused waits in quarantine as it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.otlp_json import JsonError, fill
from perunit.facts.doors.otlp_logs import log_columns
from perunit.facts.doors.otlp_metrics import metric_columns
from perunit.facts.doors.otlp_spans import span_columns
from perunit.facts.privacy.pseudonyms import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

__all__ = ["LOGS", "METRICS", "SIGNALS", "TRACES", "Signal", "read_json", "read_message", "read_protobuf"]


@dataclass(frozen=True, slots=True)
class Signal:
    """One of OTLP's kinds: its messages, and the door format its elements are rows of.

    `rejected` is the field of a partial success that counts what was refused.
    """

    name: str
    format: str
    request: type[Message]
    response: type[Message]
    rejected: str
    columns: Callable[[Any], dict[str, pa.Array]]


_SPANS = (trace.ExportTraceServiceRequest, trace.ExportTraceServiceResponse, "rejected_spans")
_POINTS = (metrics.ExportMetricsServiceRequest, metrics.ExportMetricsServiceResponse, "rejected_data_points")
_RECORDS = (logs.ExportLogsServiceRequest, logs.ExportLogsServiceResponse, "rejected_log_records")
TRACES = Signal("traces", "otlp_spans", *_SPANS, span_columns)
METRICS = Signal("metrics", "otlp_metrics", *_POINTS, metric_columns)
LOGS = Signal("logs", "otlp_logs", *_RECORDS, log_columns)
SIGNALS = (TRACES, METRICS, LOGS)


def read_protobuf(signal: Signal, body: bytes) -> pa.Table:
    """The rows of a protobuf body. Raises DoorError (400) for bytes that are no such message."""
    try:
        request = signal.request.FromString(body)
    except DecodeError as error:
        detail = f"body of {len(body)} bytes: must be a {signal.request.__name__} ({error}); send OTLP protobuf"
        raise DoorError(400, "Not an OTLP message", detail) from error
    return read_message(signal, request)


def read_json(signal: Signal, body: bytes, *, hides: bool = False) -> pa.Table:
    """The rows of a JSON body. Raises DoorError (400) that names the first value that does not belong there; where it
    `hides` ids, only its place.
    """
    request = signal.request()
    try:
        fill(request, body)
    except JsonError as fault:
        detail = f"{fault.place}: got {HIDDEN if hides else fault.got}, {fault.expected}"
        raise DoorError(400, "Not an OTLP message", detail) from fault
    return read_message(signal, request)


def read_message(signal: Signal, request: Message) -> pa.Table:
    """The rows of a request, `position` first, in the order of the message."""
    columns = signal.columns(request)
    count = len(next(iter(columns.values())))
    return pa.table({"position": pa.array(range(count), pa.int64()), **columns})
