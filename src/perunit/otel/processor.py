"""A span processor that gives every span the unit ids of its baggage."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor

from perunit.otel.roots import note, renamed
from perunit.otel.units import unit_attributes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

__all__ = ["UnitSpanProcessor"]

_log = logging.getLogger("perunit.otel")


class UnitSpanProcessor(SpanProcessor):
    """Copies baggage entries ``unit.*`` and ``segment.*`` to the attributes of every span as it starts.

    Add it before the exporting processors: ``provider.add_span_processor(UnitSpanProcessor())``. `names` renames
    entries on their way, ``{"unit.order": "order.id"}``; an empty name leaves an entry out. An attribute that the
    span was started with stands.
    """

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._names = dict(names or {})

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Sets the attributes, and remembers the first span of this service."""
        try:
            self._inject(span, parent_context)
        except Exception:  # noqa: BLE001 - whatever a span implementation may raise
            # A trace without unit ids is better than a request that fails.
            _log.warning("a span was left without unit ids", exc_info=True)

    def _inject(self, span: Span, context: Context | None) -> None:
        present = span.attributes or {}
        for name, value in renamed(unit_attributes(context), self._names).items():
            if name not in present:
                span.set_attribute(name, value)
        parent = trace.get_current_span(context)
        note(span, parent if parent.is_recording() else None, self._names)
