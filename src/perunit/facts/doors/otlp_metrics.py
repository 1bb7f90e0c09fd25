"""Points of a metrics request as rows. Enters: an ExportMetricsServiceRequest. Leaves: columns of ``otlp_metrics``.

A histogram or summary is two rows a point, as in Prometheus: ``<name>_count`` and ``<name>_sum``. What a cumulative
counter has grown by is not in the message: it is found where its last point is known, by the row's `series`.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perunit.facts.doors.otlp_values import Maps, Shared, ids, number_text, texts, times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint

__all__ = ["metric_columns"]

_TEMPORALITIES = (None, "delta", "cumulative")
_NO_RECORDED_VALUE = 1


class _Points:
    """Rows of points, column by column."""

    def __init__(self) -> None:
        self.metrics: list[str] = []
        self.units: list[str] = []
        self.kinds: list[str] = []
        self.temporalities: list[str | None] = []
        self.monotonic: list[bool | None] = []
        self.series: list[str] = []
        self.starts: list[int] = []
        self.times: list[int] = []
        self.values: list[str | None] = []
        self.exemplars: list[bytes] = []
        self.attributes = Maps()

    def add(self, metric: Metric, stream: bytes) -> int:
        """Appends the rows of a metric, and tells how many; `stream` says whose it is."""
        kind = metric.WhichOneof("data")
        if kind is None:
            return 0
        data = getattr(metric, kind)
        temporality = _temporality(data)
        before = len(self.metrics)
        for point in data.data_points:
            for suffix, value in _values(kind, point):
                found = self.attributes.add(point.attributes)
                name = metric.name + suffix
                self.metrics.append(name)
                self.values.append(value)
                self.series.append(_series(stream, name, metric.unit, kind, temporality, found))
                self.starts.append(point.start_time_unix_nano)
                self.times.append(point.time_unix_nano)
                self.exemplars.append(_exemplar(point))
        added = len(self.metrics) - before
        self.units += [metric.unit] * added
        self.kinds += [kind] * added
        self.temporalities += [temporality] * added
        self.monotonic += [getattr(data, "is_monotonic", None if kind == "gauge" else True)] * added
        return added


def metric_columns(request: ExportMetricsServiceRequest) -> dict[str, pa.Array]:
    """The points in the order of the message."""
    points, shared = _Points(), Shared()
    for of_resource in request.resource_metrics:
        attributes = of_resource.resource.attributes
        shared.resource(attributes)
        whose = _joined(sorted((each.key, each.value.SerializeToString(deterministic=True)) for each in attributes))
        for of_scope in of_resource.scope_metrics:
            stream = whose + _joined([(of_scope.scope.name, of_scope.scope.version.encode())])
            shared.scope(of_scope.scope.name, sum(points.add(metric, stream) for metric in of_scope.metrics))
    start, time = np.array(points.starts, np.uint64), np.array(points.times, np.uint64)
    values = pa.array(points.values, pa.string())
    delta = pa.array([each == "delta" for each in points.temporalities], pa.bool_())
    return {
        "series": pc.if_else(delta, None, pa.array(points.series, pa.string())),
        "id": pa.array(map(_id, points.series, points.starts, points.times), pa.string()),
        "metric": pa.array(points.metrics, pa.string()),
        "unit": texts(points.units),
        "kind": pa.array(points.kinds, pa.string()),
        "temporality": pa.array(points.temporalities, pa.string()),
        "monotonic": pa.array(points.monotonic, pa.bool_()),
        "start_time": times(start),
        "time": times(time),
        "value": values,
        # What a sender says itself it has grown by; else it is worked out from the series.
        "increase": pc.if_else(delta, values, None),
        "attributes": points.attributes.column(),
        "exemplar_trace_id": ids(points.exemplars),
        **shared.columns(),
    }


def _temporality(data: Any) -> str | None:
    # A summary has no field for it and is cumulative by definition.
    if not hasattr(data, "aggregation_temporality"):
        return "cumulative" if type(data).__name__ == "Summary" else None
    code = data.aggregation_temporality
    return _TEMPORALITIES[code] if 0 <= code < len(_TEMPORALITIES) else None


def _values(kind: str, point: Any) -> Iterator[tuple[str, str | None]]:
    """What a point says, as (suffix of the name, value); no value where nothing was recorded."""
    if kind in {"gauge", "sum"}:
        yield "", _number(point)
        return
    recorded = not point.flags & _NO_RECORDED_VALUE
    yield "_count", str(point.count) if recorded else None
    # A histogram of values below 0 has no sum.
    if kind == "summary" or point.HasField("sum"):
        yield "_sum", number_text(point.sum) if recorded else None


def _number(point: NumberDataPoint) -> str | None:
    kind = point.WhichOneof("value")
    if kind is None or point.flags & _NO_RECORDED_VALUE:
        return None
    return str(point.as_int) if kind == "as_int" else number_text(point.as_double)


def _series(
    stream: bytes, name: str, unit: str, kind: str, temporality: str | None, found: dict[str, str | None]
) -> str:
    """A digest of what makes a time series: resource, scope, metric and attributes, whatever their order."""
    of = [(name, unit.encode()), (kind, (temporality or "").encode())]
    of += sorted((key, (value or "").encode()) for key, value in found.items())
    return blake2b(stream + _joined(of), digest_size=16).hexdigest()


def _joined(pairs: list[tuple[str, bytes]]) -> bytes:
    """Bytes that no other pairs give: each part after its length."""
    parts = [part for key, value in pairs for part in (key.encode(), value)]
    return b"%d;" % len(parts) + b"".join(b"%d:%b" % (len(part), part) for part in parts)


def _exemplar(point: Any) -> bytes:
    """The trace of the point's first exemplar that has one."""
    return next((each.trace_id for each in getattr(point, "exemplars", ()) if each.trace_id), b"")


def _id(series: str, start: int, time: int) -> str:
    return f"{series}:{start}:{time}"
