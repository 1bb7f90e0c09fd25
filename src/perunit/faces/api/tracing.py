"""OpenTelemetry traces of perunit itself, where the `otel` extra is installed and an endpoint is set."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["request_span", "shown_path", "start_tracing"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# What carries spans is not traced: where perunit sends its traces to itself, each would make another for ever.
_UNTRACED = ("/v1/traces", "/healthz", "/readyz", "/metrics")
_log = logging.getLogger("perunit.tracing")
_tracer: Any = None


def start_tracing() -> Callable[[], None]:
    """Starts to trace, where that is asked for by environment; gives what ends it and sends the rest."""
    global _tracer
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _log.warning("an OTLP endpoint is set, but OpenTelemetry is not there; pip install 'perunit[otel]'")
        return lambda: None
    provider = TracerProvider(
        resource=Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "perunit")})
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("perunit")

    def end() -> None:
        global _tracer
        _tracer = None
        provider.shutdown()

    return end


@contextmanager
def request_span(scope: Any) -> Iterator[Callable[[int], None]]:
    """A span around a request, a child of the caller's; what it gives is told the status at the end."""
    if _tracer is None or scope["path"] in _UNTRACED:
        yield lambda _status: None
        return
    from opentelemetry import propagate
    from opentelemetry.trace import SpanKind

    parent = propagate.extract({name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]})
    asked = {"http.request.method": scope["method"], "url.path": scope["path"][:200]}
    with _tracer.start_as_current_span(scope["method"], parent, SpanKind.SERVER, asked) as span:

        def told(status: int) -> None:
            if path := getattr(scope.get("route"), "path", None):
                span.update_name(f"{scope['method']} {path}")
                span.set_attribute("http.route", path)
                span.set_attribute("url.path", shown_path(scope))
            span.set_attribute("http.response.status_code", status)

        yield told


def shown_path(scope: Any) -> str:
    """The path as asked for; that of its route where it names a unit, whose id is no log's to keep."""
    route = str(getattr(scope.get("route"), "path", ""))
    return route if "{unit_id" in route else str(scope["path"])[:200]
