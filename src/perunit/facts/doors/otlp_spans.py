"""Spans of a trace request as rows. Enters: an ExportTraceServiceRequest. Leaves: columns of ``otlp_spans``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from perunit.facts.doors.otlp_values import TEXTS, Maps, Shared, ids, milliseconds, named, texts, times
from perunit.facts.doors.otlp_weights import weights

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

__all__ = ["span_columns"]

_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")


def span_columns(request: ExportTraceServiceRequest) -> dict[str, pa.Array]:
    """The spans in the order of the message, column by column: a loop an attribute is the fastest way through them."""
    spans: list[Span] = []
    shared = Shared()
    for of_resource in request.resource_spans:
        shared.resource(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            shared.scope(of_scope.scope.name, len(of_scope.spans))
            spans += of_scope.spans
    attributes = Maps()
    for span in spans:
        attributes.add(span.attributes)
    statuses = [span.status for span in spans]
    trace_states = [span.trace_state for span in spans]
    start = np.array([span.start_time_unix_nano for span in spans], np.uint64)
    end = np.array([span.end_time_unix_nano for span in spans], np.uint64)
    return {
        "trace_id": ids([span.trace_id for span in spans]),
        "span_id": ids([span.span_id for span in spans]),
        "parent_span_id": ids([span.parent_span_id for span in spans]),
        "name": pa.array([span.name for span in spans], pa.string()),
        "kind": named([span.kind for span in spans], _KINDS),
        "status": named([status.code for status in statuses], _STATUSES),
        "status_message": texts([status.message for status in statuses]),
        "start_time": times(start),
        "end_time": times(end),
        "duration_ms": milliseconds(start, end),
        "trace_state": texts(trace_states),
        "attributes": attributes.column(),
        # Filled from other spans of the trace, once the store knows them.
        "trace": pa.nulls(len(spans), TEXTS),
        "weight": weights(trace_states),
        **shared.columns(),
    }
