"""Requests for the tests of the OTLP door: hand-made spans, and whatever Hypothesis comes up with."""

from __future__ import annotations

import base64
import math
from typing import Any

from google.protobuf.json_format import MessageToDict
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

NANOS = 1_000_000_000
NOON = 1_788_264_000 * NANOS  # 2026-09-01T12:00:00Z


def any_value(value: Any) -> AnyValue:
    """A value as OTLP holds it."""
    made = AnyValue()
    if isinstance(value, bool):
        made.bool_value = value
    elif isinstance(value, int):
        made.int_value = value
    elif isinstance(value, float):
        # There are many NaN; JSON has one.
        made.double_value = math.nan if math.isnan(value) else value
    elif isinstance(value, bytes):
        made.bytes_value = value
    elif isinstance(value, list):
        made.array_value.values.extend(any_value(item) for item in value)
        made.array_value.SetInParent()
    elif isinstance(value, dict):
        made.kvlist_value.values.extend(pairs(value))
        made.kvlist_value.SetInParent()
    elif value is not None:
        made.string_value = value
    return made


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    """Attributes as OTLP holds them."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def trace_request(
    *spans: dict[str, Any], resource: dict[str, Any] | None = None, scope: str = "shop"
) -> ExportTraceServiceRequest:
    """A request with one resource and scope; `spans` give fields of Span, attributes as a dict."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    of_resource.resource.attributes.extend(pairs(resource or {"service.name": "checkout"}))
    of_scope = of_resource.scope_spans.add()
    of_scope.scope.name = scope
    for number, fields in enumerate(spans, 1):
        rest = {key: value for key, value in fields.items() if key not in {"attributes", "status"}}
        span = of_scope.spans.add(
            **{
                "trace_id": bytes([7] * 16),
                "span_id": number.to_bytes(8, "big"),
                "name": "POST /orders",
                "start_time_unix_nano": NOON,
                "end_time_unix_nano": NOON + NANOS,
                **rest,
            }
        )
        span.attributes.extend(pairs(fields.get("attributes", {})))
        if "status" in fields:
            span.status.code, span.status.message = fields["status"]
    return request


def as_otlp_json(message: Any) -> dict[str, Any]:
    """A message as OTLP/JSON: protobuf's JSON but for ids in hexadecimal and enumerations as numbers."""
    document: dict[str, Any] = MessageToDict(message, use_integers_for_enums=True)
    _hexadecimal(document)
    return document


def _hexadecimal(value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            _hexadecimal(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in {"traceId", "spanId", "parentSpanId"}:
                value[key] = base64.b64decode(item).hex()
            else:
                _hexadecimal(item)


_INT64 = st.integers(-(2**63), 2**63 - 1)
_NANOS = st.integers(0, 2**64 - 1) | st.integers(NOON, NOON + 10**12)
_TEXT = st.text(alphabet='ab.:"é\U0001f600\0 ', max_size=6)
_VALUES = st.recursive(
    st.none() | st.booleans() | _INT64 | st.floats() | _TEXT | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_ATTRIBUTES = st.lists(st.tuples(_TEXT, _VALUES), max_size=4)
_IDS = st.binary(max_size=17) | st.binary(min_size=16, max_size=16) | st.just(bytes(16))


def _filled(attributes: list[tuple[str, Any]]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes]


@st.composite
def trace_requests(draw: st.DrawFn) -> ExportTraceServiceRequest:
    """Any trace request."""
    request = ExportTraceServiceRequest()
    for _ in range(draw(st.integers(0, 2))):
        of_resource = request.resource_spans.add()
        of_resource.resource.attributes.extend(_filled(draw(_ATTRIBUTES)))
        of_scope = of_resource.scope_spans.add()
        of_scope.scope.name = draw(_TEXT)
        for _ in range(draw(st.integers(0, 3))):
            span = of_scope.spans.add(
                trace_id=draw(_IDS),
                span_id=draw(_IDS),
                parent_span_id=draw(_IDS),
                name=draw(_TEXT),
                kind=draw(st.integers(-1, 9)),
                start_time_unix_nano=draw(_NANOS),
                end_time_unix_nano=draw(_NANOS),
                trace_state=draw(_TEXT | st.integers(0, 2**56 - 1).map("ot=th:{:x}".format)),
            )
            span.attributes.extend(_filled(draw(_ATTRIBUTES)))
            span.status.code = draw(st.integers(0, 3))
            span.status.message = draw(_TEXT)
    return request


@st.composite
def metric_requests(draw: st.DrawFn) -> ExportMetricsServiceRequest:
    """Any metrics request."""
    request = ExportMetricsServiceRequest()
    of_resource = request.resource_metrics.add()
    of_resource.resource.attributes.extend(_filled(draw(_ATTRIBUTES)))
    of_scope = of_resource.scope_metrics.add()
    for _ in range(draw(st.integers(0, 3))):
        metric = of_scope.metrics.add(name=draw(_TEXT), unit=draw(_TEXT))
        kind = draw(st.sampled_from(["gauge", "sum", "histogram", "exponential_histogram", "summary"]))
        data = getattr(metric, kind)
        data.SetInParent()
        if hasattr(data, "aggregation_temporality"):
            data.aggregation_temporality = draw(st.integers(0, 3))
        for _ in range(draw(st.integers(0, 2))):
            point = data.data_points.add(start_time_unix_nano=draw(_NANOS), time_unix_nano=draw(_NANOS))
            point.attributes.extend(_filled(draw(_ATTRIBUTES)))
            point.flags = draw(st.integers(0, 1))
            if kind not in {"gauge", "sum"}:
                point.count, point.sum = draw(st.integers(0, 2**64 - 1)), draw(st.floats())
            elif draw(st.booleans()):
                point.as_int = draw(_INT64)
            else:
                point.as_double = draw(st.floats())
    return request


@st.composite
def log_requests(draw: st.DrawFn) -> ExportLogsServiceRequest:
    """Any logs request."""
    request = ExportLogsServiceRequest()
    of_resource = request.resource_logs.add()
    of_resource.resource.attributes.extend(_filled(draw(_ATTRIBUTES)))
    of_scope = of_resource.scope_logs.add()
    for _ in range(draw(st.integers(0, 3))):
        record = of_scope.log_records.add(
            time_unix_nano=draw(_NANOS),
            observed_time_unix_nano=draw(_NANOS),
            severity_number=draw(st.integers(-1, 30)),
            severity_text=draw(_TEXT),
            event_name=draw(_TEXT),
            trace_id=draw(_IDS),
            span_id=draw(_IDS),
        )
        record.body.CopyFrom(any_value(draw(_VALUES)))
        record.attributes.extend(_filled(draw(_ATTRIBUTES)))
    return request
