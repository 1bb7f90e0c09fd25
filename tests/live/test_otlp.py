"""The OpenTelemetry SDK's own exporters, over HTTP and gRPC, against a perunit that listens."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from tests.facts.doors.otlp_messages import NANOS
from tests.invariants.company import CONTRACT, START, Company
from tests.live.otlp_sent import Listening, listening

from perunit.contract.shape import Contract

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOON = int(START.timestamp() + 43_200) * NANOS
SOURCES: dict[str, Any] = {
    "spans": {
        "format": "otlp_spans",
        "match": "kind = 'server'",
        "event": {
            "units": {"order": "trace['order.id']"},
            "segments": {"plan": "attributes['plan']"},
            "usage": {"cpu_seconds": "attributes['cpu.seconds']"},
            "resource": "resource['host.name']",
        },
    },
    "points": {
        "format": "otlp_metrics",
        "match": "metric = 'egress'",
        "event": {"units": {"order": "attributes['order.id']"}, "usage": {"egress_bytes": "increase"}},
    },
    "records": {
        "format": "otlp_logs",
        "match": "event_name is not null",
        "event": {"units": {"order": "attributes['order.id']"}, "amounts": {"revenue": "attributes['total']"}},
    },
}
RESOURCE = Resource({"service.name": "checkout", "host.name": "node-1"})
TRANSPORTS = pytest.mark.parametrize("over", ["http", "grpc"])


def company_of(folder: Path, *kinds: str) -> Company:
    """A company that takes these kinds; the SDK's metrics and logs carry the time of today."""
    sources = {name: SOURCES[name] for name in kinds or SOURCES}
    more = {"sources": sources, "limits": {"future_hours": 200_000}}
    return Company(folder, Contract.model_validate(deepcopy(CONTRACT) | more))


def span_exporter(where: Listening, over: str) -> Any:
    """The SDK's exporter of spans, compressing."""
    if over == "http":
        return HttpSpans(f"{where.url}/v1/traces", compression=Compression.Gzip)
    return GrpcSpans(where.grpc, insecure=True, compression=grpc.Compression.Gzip)


def traced(where: Listening, over: str, work: Callable[[Any], None]) -> None:
    """Runs work with a tracer whose spans are sent when it ends."""
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(BatchSpanProcessor(span_exporter(where, over)))
    work(provider.get_tracer("shop"))
    provider.shutdown()


@TRANSPORTS
def test_spans_of_the_sdk_become_attempts(tmp_path: Path, over: str) -> None:
    """Outcome, latency, usage and host of a span, and the unit of its trace's root."""

    def work(tracer: Any) -> None:
        with tracer.start_as_current_span("order", start_time=NOON, end_on_exit=False) as root:
            root.set_attribute("order.id", "o-1")
            for number, code in enumerate((StatusCode.UNSET, StatusCode.ERROR), 1):
                attributes = {"plan": "pro", "cpu.seconds": 0.25 * number}
                child = tracer.start_span("pay", kind=SpanKind.SERVER, start_time=NOON, attributes=attributes)
                child.set_status(code)
                child.end(NOON + number * 1_500_001)
            root.end(NOON + NANOS)

    company = company_of(tmp_path, "spans")
    with listening(company) as where:
        traced(where, over, work)
    assert company.engine.rows(
        "SELECT event_type, outcome, unit_order, segment_plan, latency_ms, usage_cpu_seconds, resource, batch_id > 0, "
        "attempt_mask = 1 FROM events JOIN cells USING (cell_id) ORDER BY latency_ms"
    ) == [
        ("pay", "success", "o-1", "pro", Decimal("1.500001"), Decimal("0.25"), "node-1", True, True),
        ("pay", "failure", "o-1", "pro", Decimal("3.000002"), Decimal("0.5"), "node-1", True, True),
    ]
    assert company.engine.value("SELECT ignored FROM batches") == 1


@TRANSPORTS
@pytest.mark.parametrize("temporality", [AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE])
def test_counters_of_the_sdk_become_usage(tmp_path: Path, over: str, temporality: AggregationTemporality) -> None:
    """What a counter has grown by is counted once, however it is told."""
    preferred = {Counter: temporality}
    company = company_of(tmp_path, "points")
    with listening(company) as where:
        if over == "http":
            exporter: Any = HttpMetrics(f"{where.url}/v1/metrics", preferred_temporality=preferred)
        else:
            exporter = GrpcMetrics(where.grpc, insecure=True, preferred_temporality=preferred)
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
        provider = MeterProvider([reader], RESOURCE, shutdown_on_exit=False)
        counter = provider.get_meter("shop").create_counter("egress", "By")
        for amount in (100, 20, 3):
            counter.add(amount, {"order.id": "o-1"})
            provider.force_flush()
        provider.shutdown()
    rows = company.engine.rows("SELECT unit_order, sum(usage_egress_bytes) FROM events GROUP BY ALL")
    assert rows == [("o-1", Decimal(123))]


@TRANSPORTS
def test_log_records_of_the_sdk_become_events(tmp_path: Path, over: str) -> None:
    """A record with an event name is an event of that type; its attributes are exact."""
    company = company_of(tmp_path, "records")
    with listening(company) as where:
        exporter: Any = HttpLogs(f"{where.url}/v1/logs") if over == "http" else GrpcLogs(where.grpc, insecure=True)
        provider = LoggerProvider(RESOURCE, shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        logger = provider.get_logger("shop")
        logger.emit(event_name="order.paid", attributes={"order.id": "o-1", "total": "19.99"}, timestamp=NOON)
        logger.emit(body="nothing of note", timestamp=NOON)
        provider.shutdown()
    rows = company.engine.rows("SELECT event_type, unit_order, revenue FROM events JOIN cells USING (cell_id)")
    assert rows == [("order.paid", "o-1", Decimal("19.99"))]
