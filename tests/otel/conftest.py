"""A service of the tests: a tracer provider of its own, whose finished spans can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from perunit.otel import UnitSpanProcessor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.trace import Tracer


@dataclass
class Service:
    """A tracer, and what it has exported."""

    tracer: Tracer
    exporter: InMemorySpanExporter

    def spans(self) -> dict[str, ReadableSpan]:
        """Finished spans by name."""
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def attributes(self, name: str) -> dict[str, object]:
        """The attributes of one span."""
        return dict(self.spans()[name].attributes or {})


@pytest.fixture
def service() -> Callable[..., Service]:
    """Makes a service with its own provider, sampler and exporter."""

    def make(sampler: Sampler | None = None, names: Mapping[str, str] | None = None) -> Service:
        provider, exporter = TracerProvider(sampler=sampler), InMemorySpanExporter()
        provider.add_span_processor(UnitSpanProcessor(names))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        return Service(provider.get_tracer("test"), exporter)

    return make
