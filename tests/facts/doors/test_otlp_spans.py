"""Spans as rows: exact times and durations, text of every kind of value, weights of sampled spans."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.facts.doors.otlp_messages import NANOS, NOON, trace_request

from perunit.facts.doors.otlp import TRACES, read_message
from perunit.facts.doors.otlp_weights import weight
from perunit.otel import ConsistentSampler


def row_of(**fields: Any) -> dict[str, Any]:
    """The row of one span."""
    row: dict[str, Any] = read_message(TRACES, trace_request(fields)).to_pylist()[0]
    return row


def test_a_span_becomes_a_row_with_its_resource() -> None:
    """Ids are hexadecimal, times UTC, the duration exact to the nanosecond."""
    row = row_of(
        kind=2,
        parent_span_id=bytes([0xAB] * 8),
        status=(2, "card declined"),
        end_time_unix_nano=NOON + 1_234_567,
        attributes={"order.id": "o-1"},
    )
    expected = {
        "position": 0,
        "trace_id": "07" * 16,
        "span_id": "0000000000000001",
        "parent_span_id": "ab" * 8,
        "kind": "server",
        "status": "error",
        "status_message": "card declined",
        "start_time": datetime(2026, 9, 1, 12),  # noqa: DTZ001 - UTC without a zone
        "end_time": datetime(2026, 9, 1, 12, 0, 0, 1234),  # noqa: DTZ001
        "duration_ms": Decimal("1.234567"),
        "attributes": [("order.id", "o-1")],
        "resource": [("service.name", "checkout")],
        "service": "checkout",
        "scope": "shop",
    }
    assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        ("é", "é"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-(2**63), "-9223372036854775808"),
        (0.1, "0.1"),
        (1e22, "1e+22"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (b"\x00\x01", "AAE="),
        (None, None),
        ([1, "a", None, 0.5], '[1,"a",null,0.5]'),
        ({"a": {"b": [True, float("inf")]}}, '{"a":{"b":[true,"Infinity"]}}'),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_every_kind_of_attribute_is_text(value: Any, text: str | None) -> None:
    """An attribute's text says its value exactly; lists and maps are JSON."""
    assert dict(row_of(attributes={"a": value})["attributes"]) == {"a": text}


def test_a_key_that_stands_twice_counts_with_its_last_value() -> None:
    """Attributes are a map: the later value stands."""
    request = trace_request({"attributes": {"a": "1"}})
    again = request.resource_spans[0].scope_spans[0].spans[0].attributes.add()
    again.key, again.value.string_value = "a", "2"
    assert read_message(TRACES, request).to_pylist()[0]["attributes"] == [("a", "2")]


@given(st.integers(1, 2**64 - 1), st.integers(1, 2**64 - 1))
def test_durations_are_exact_or_unknown(start: int, end: int) -> None:
    """A duration is the difference in nanoseconds to the last digit, and unknown beyond 31 years."""
    found = row_of(start_time_unix_nano=start, end_time_unix_nano=end)["duration_ms"]
    if abs(end - start) < 10**18:
        assert found == Decimal(end - start).scaleb(-6)
    else:
        assert found is None


def test_what_is_not_said_is_null() -> None:
    """Zero ids, zero times and empty texts are how OTLP says nothing."""
    row = row_of(trace_id=bytes(16), span_id=b"", start_time_unix_nano=0, name="x")
    nothing = ("trace_id", "span_id", "parent_span_id", "start_time", "duration_ms", "status_message", "trace_state")
    assert [row[key] for key in nothing] == [None] * len(nothing)
    assert row["end_time"] is not None


def test_spans_of_several_resources_keep_their_own() -> None:
    """Each span has the resource and scope it came under, those of resources without spans being passed over."""
    request = trace_request({}, {}, resource={"service.name": "a", "host.name": "h1"})
    request.resource_spans.add()
    request.MergeFrom(trace_request({"span_id": b"12345678"}, resource={"host.name": "h2"}, scope=""))
    rows = read_message(TRACES, request).to_pylist()
    assert [dict(row["resource"])["host.name"] for row in rows] == ["h1", "h1", "h2"]
    assert [row["service"] for row in rows] == ["a", "a", None]
    assert [row["scope"] for row in rows] == ["shop", "shop", None]


@pytest.mark.parametrize(
    ("trace_state", "expected"),
    [
        ("ot=th:aaab", "3.0000458"),
        ("ot=th:e666;rv:ffffffffffffff", "9.9993897"),
        ("rojo=1, ot=rv:ffffffffffffff;th:8", "2.0000000"),
        ("ot=th:0", "1.0000000"),
        ("ot=th:ffffffffffffff", "72057594037927936.0000000"),
        ("", None),
        ("ot=rv:ffffffffffffff", None),
        ("ot=th:xyz", None),
        ("ot=th:", None),
        ("other=th:8", None),
        ("foot=th:8", None),
    ],
)
def test_a_sampled_span_stands_for_as_many_as_its_threshold_says(trace_state: str, expected: str | None) -> None:
    """The weight is 2^56 / (2^56 - T); without a threshold it is unknown, not 1."""
    found = row_of(trace_state=trace_state, flags=1)["weight"]
    assert (None if found is None else str(round(found, 7))) == expected


@given(st.from_regex(r"[0-9a-f]{1,14}", fullmatch=True))
def test_a_weight_is_the_published_formula_to_18_places(threshold: str) -> None:
    """Weight × (2^56 - T) differs from 2^56 by less than rounding at 18 places explains."""
    kept = 2**56 - int(threshold.ljust(14, "0"), 16)
    unscaled = int(weight(threshold).scaleb(18))
    assert abs(unscaled * kept - 2**56 * 10**18) * 2 <= kept


def test_a_second_is_a_thousand_milliseconds() -> None:
    """The unit of duration_ms is the millisecond."""
    assert row_of(end_time_unix_nano=NOON + 2 * NANOS)["duration_ms"] == 2000


def test_the_sampler_that_is_installed_in_services_states_the_weight() -> None:
    """What `perunit.otel` samples at one in ten stands for ten, to the precision of its threshold."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(sampler=ConsistentSampler(0.1), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    while not kept.get_finished_spans():
        provider.get_tracer("shop").start_span("order").end()
    rows = read_message(TRACES, encode_spans(kept.get_finished_spans()))
    assert str(round(rows["weight"][0].as_py(), 7)) == "9.9993897"
