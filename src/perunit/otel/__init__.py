"""Unit ids in OpenTelemetry: which order, user or request a span is about, across services, threads and tasks.

Enters: what the application says with ``unit(order="o-1")``, and the baggage header of the service before. Leaves:
span attributes ``unit.order``, ``unit.user``, … and, for what the work is about, ``unit.type`` and ``unit.id``.

Only the OpenTelemetry API and SDK are needed (``pip install perunit[otel]``). Nothing here raises into the
application: an id that cannot be carried is left out and logged.
"""

from perunit.otel.processor import UnitSpanProcessor
from perunit.otel.sampling import ConsistentSampler, CriticalSampler
from perunit.otel.units import carried, unit, unit_attributes

__all__ = ["ConsistentSampler", "CriticalSampler", "UnitSpanProcessor", "carried", "unit", "unit_attributes"]
