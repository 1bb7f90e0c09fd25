"""Metric points as rows: numbers as text, histograms as count and sum, one series whatever the order of attributes."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from tests.facts.doors.otlp_messages import NOON, pairs

from perunit.facts.doors.otlp import METRICS, read_message


def metric_request(
    kind: str, *points: dict[str, Any], temporality: int = 0, **more: Any
) -> ExportMetricsServiceRequest:
    """A request with one metric; `points` give fields of its points, attributes as a dict."""
    request = ExportMetricsServiceRequest()
    of_resource = request.resource_metrics.add()
    of_resource.resource.attributes.extend(pairs(more.pop("resource", {"service.name": "node"})))
    metric = of_resource.scope_metrics.add().metrics.add(name="cpu.time", unit="s")
    data = getattr(metric, kind)
    if temporality:
        data.aggregation_temporality = temporality
    for name, value in more.items():
        setattr(data, name, value)
    for fields in points:
        attributes = fields.pop("attributes", {})
        point = data.data_points.add(**{"time_unix_nano": NOON, **fields})
        point.attributes.extend(pairs(attributes))
    return request


def rows_of(kind: str, *points: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """The rows of a request with one metric."""
    rows: list[dict[str, Any]] = read_message(METRICS, metric_request(kind, *points, **more)).to_pylist()
    return rows


def test_a_counter_says_its_temporality_and_value() -> None:
    """A sum's row has its value as exact text, and says how to read it."""
    (row,) = rows_of("sum", {"as_int": 2**62}, temporality=2, is_monotonic=True)
    assert (row["metric"], row["unit"], row["kind"], row["value"]) == ("cpu.time", "s", "sum", str(2**62))
    assert (row["temporality"], row["monotonic"]) == ("cumulative", True)


@pytest.mark.parametrize("kind", ["histogram", "exponential_histogram", "summary"])
def test_a_distribution_is_its_count_and_its_sum(kind: str) -> None:
    """Two rows a point, named as Prometheus names them, each a series of its own."""
    count, total = rows_of(kind, {"count": 3, "sum": 0.75})
    assert (count["metric"], count["value"]) == ("cpu.time_count", "3")
    assert (total["metric"], total["value"]) == ("cpu.time_sum", "0.75")
    assert count["series"] != total["series"]
    assert count["id"] != total["id"]


def test_a_histogram_without_a_sum_has_only_its_count() -> None:
    """Where values may be negative there is no sum, and none is made up."""
    assert [row["metric"] for row in rows_of("histogram", {"count": 3})] == ["cpu.time_count"]


def test_a_point_without_a_recorded_value_has_none() -> None:
    """The flag for no recorded value stands above what the fields hold."""
    assert rows_of("gauge", {"as_double": 1.5, "flags": 1})[0]["value"] is None
    assert [row["value"] for row in rows_of("histogram", {"count": 3, "sum": 1.0, "flags": 1})] == [None, None]


def test_a_series_is_the_same_whatever_the_order_of_attributes() -> None:
    """Only what the attributes say makes a series, and any of it makes another."""
    one, same, other, elsewhere = (
        rows_of("gauge", {"as_int": 1, "attributes": attributes}, resource=resource)[0]["series"]
        for attributes, resource in (
            ({"a": "1", "b": "2"}, {"x": "1", "y": "2"}),
            ({"b": "2", "a": "1"}, {"y": "2", "x": "1"}),
            ({"a": "1b", "b": "2"}, {"x": "1", "y": "2"}),
            ({"a": "1", "b": "2"}, {"x": "1"}),
        )
    )
    assert one == same
    assert len({one, other, elsewhere}) == 3


def test_a_points_id_is_its_series_and_times() -> None:
    """A point sent again has its id again; the next point of the series has another."""
    first, second = rows_of("sum", {"as_int": 1}, {"as_int": 1, "time_unix_nano": NOON + 1}, temporality=1)
    assert first["id"] == rows_of("sum", {"as_int": 1}, temporality=1)[0]["id"]
    assert first["id"] != second["id"]
    assert first["id"].partition(":")[0] == second["id"].partition(":")[0]


def test_a_difference_is_its_own_increase() -> None:
    """A delta needs no memory of its series; a cumulative value says nothing of growth by itself."""
    (delta,), (cumulative,) = (rows_of("sum", {"as_int": 5}, temporality=code) for code in (1, 2))
    assert (delta["increase"], delta["series"]) == ("5", None)
    assert cumulative["increase"] is None
    assert cumulative["series"] == cumulative["id"].partition(":")[0]


def test_an_exemplar_links_a_point_to_its_trace() -> None:
    """The first exemplar with a trace gives its id."""
    request = metric_request("histogram", {"count": 1, "sum": 1.0})
    data = request.resource_metrics[0].scope_metrics[0].metrics[0].histogram
    data.data_points[0].exemplars.add(as_double=1.0)
    data.data_points[0].exemplars.add(as_double=1.0, trace_id=bytes([9] * 16))
    assert {row["exemplar_trace_id"] for row in read_message(METRICS, request).to_pylist()} == {"09" * 16}
