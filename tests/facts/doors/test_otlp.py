"""The OTLP parsers: any bytes are rows or a DoorError, and JSON says what protobuf says."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.facts.doors import otlp_messages as messages

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.otlp import LOGS, METRICS, SIGNALS, TRACES, Signal, read_json, read_message, read_protobuf

if TYPE_CHECKING:
    from pathlib import Path

# The first message drawn pays for all that Hypothesis prepares.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def same_rows(signal: Signal, request: Any) -> None:
    """Both encodings of a request give whole, equal rows."""
    rows = read_protobuf(signal, request.SerializeToString())
    rows.validate(full=True)
    text = json.dumps(messages.as_otlp_json(request)).encode()
    assert read_json(signal, text).to_pylist() == rows.to_pylist()


@patient
@given(messages.trace_requests())
def test_spans_in_json_are_the_rows_they_are_in_protobuf(request: Any) -> None:
    """Whatever a trace request holds, both encodings say the same."""
    same_rows(TRACES, request)


@patient
@given(messages.metric_requests())
def test_points_in_json_are_the_rows_they_are_in_protobuf(request: Any) -> None:
    """Whatever a metrics request holds, both encodings say the same."""
    same_rows(METRICS, request)


@patient
@given(messages.log_requests())
def test_records_in_json_are_the_rows_they_are_in_protobuf(request: Any) -> None:
    """Whatever a logs request holds, both encodings say the same."""
    same_rows(LOGS, request)


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
@patient
@given(body=st.binary(max_size=200))
def test_any_bytes_are_rows_or_refused(signal: Signal, body: bytes) -> None:
    """No bytes make the protobuf reader raise anything but a DoorError."""
    with suppress(DoorError):
        read_protobuf(signal, body).validate(full=True)


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
@patient
@given(data=st.data(), place=st.floats(0, 1), byte=st.integers(0, 255))
def test_a_message_with_one_wrong_byte_is_rows_or_refused(
    signal: Signal, data: st.DataObject, place: float, byte: int
) -> None:
    """A damaged message is never anything but rows or a DoorError."""
    made = {"traces": messages.trace_requests, "metrics": messages.metric_requests, "logs": messages.log_requests}
    body = bytearray(data.draw(made[signal.name]()).SerializeToString() or b"\0")
    body[int(place * (len(body) - 1))] = byte
    with suppress(DoorError):
        read_protobuf(signal, bytes(body)).validate(full=True)


_KEYS = ("resourceSpans", "scopeSpans", "spans", "resource", "attributes", "key", "value", "values", "traceId", "kind")
_MORE = ("arrayValue", "intValue", "doubleValue", "bytesValue", "stringValue", "startTimeUnixNano", "status", "code")
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS + _MORE), inner, max_size=4),
    max_leaves=30,
)


@patient
@given(_JSON)
def test_any_json_is_rows_or_refused(document: object) -> None:
    """No JSON document makes the reader raise anything but a DoorError."""
    spans = {"resourceSpans": [{"scopeSpans": [{"spans": [document]}]}]}
    for each in (document, spans):
        with suppress(DoorError):
            read_json(TRACES, json.dumps(each).encode()).validate(full=True)


@pytest.mark.parametrize(
    ("span", "place", "rule"),
    [
        ({"traceId": "xyz"}, "spans[0].traceId", "hexadecimal"),
        ({"startTimeUnixNano": "-1"}, "spans[0].startTimeUnixNano", "at least 0"),
        ({"startTimeUnixNano": 1.5}, "spans[0].startTimeUnixNano", "whole number"),
        ({"startTimeUnixNano": True}, "spans[0].startTimeUnixNano", "whole number"),
        ({"name": 5}, "spans[0].name", "text"),
        ({"name": "\ud800"}, "spans[0].name", "surrogate"),
        ({"attributes": {"a": 1}}, "spans[0].attributes", "array"),
        ({"attributes": [{"key": "a", "value": {"bytesValue": "?"}}]}, "attributes[0].value.bytesValue", "base64"),
        ({"attributes": [{"key": "a", "value": {"doubleValue": "x"}}]}, "attributes[0].value.doubleValue", "number"),
        ({"attributes": [{"key": "a", "value": {"boolValue": 1}}]}, "attributes[0].value.boolValue", "true or false"),
        ({"status": []}, "spans[0].status", "object"),
    ],
)
def test_a_wrong_value_in_json_is_named_with_its_place(span: dict[str, Any], place: str, rule: str) -> None:
    """A refused JSON body says where, what was there and what must hold."""
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    with pytest.raises(DoorError) as refused:
        read_json(TRACES, body)
    assert place in refused.value.detail
    assert rule in refused.value.detail


def test_numbers_in_json_keep_every_digit() -> None:
    """A number that no double holds is kept as it was written; whole numbers may be quoted or not."""
    attributes = (
        '[{"key":"total","value":{"doubleValue":1234567890123456.125}},{"key":"n","value":{"intValue":9007199254740993}},'
        '{"key":"m","value":{"intValue":"9007199254740993"}},{"key":"d","value":{"doubleValue":0.1}}]'
    )
    body = f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"attributes":{attributes}}}]}}]}}]}}'.encode()
    (row,) = read_json(TRACES, body).to_pylist()
    expected = {"total": "1234567890123456.125", "n": "9007199254740993", "m": "9007199254740993", "d": "0.1"}
    assert dict(row["attributes"]) == expected


def test_nesting_without_end_is_refused() -> None:
    """A body nested too deeply is refused, not a crash."""
    deep = '{"arrayValue":{"values":[' * 3000 + "{}" + "]}}" * 3000
    head = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"a","value":'
    for body in (head + deep + "}]}]}]}]}", "[" * 100_000):
        with pytest.raises(DoorError):
            read_json(TRACES, body.encode())


def test_unknown_fields_are_passed_over() -> None:
    """OTLP/JSON from a later version, with fields not known here, is read."""
    body = b'{"resourceSpans":[{"later":[1],"scopeSpans":[{"spans":[{"name":"a","new":{}}]}]}],"more":null}'
    assert [row["name"] for row in read_json(TRACES, body).to_pylist()] == ["a"]


@pytest.mark.parametrize(
    ("name", "signal", "rows"), [("trace", TRACES, 1), ("metrics", METRICS, 6), ("logs", LOGS, 1), ("events", LOGS, 1)]
)
def test_the_protocols_own_examples_are_read(shared_data: Path, name: str, signal: Signal, rows: int) -> None:
    """The examples of opentelemetry-proto give the rows they hold."""
    found = read_json(signal, (shared_data / "otlp-examples" / f"{name}.json").read_bytes()).to_pylist()
    assert len(found) == rows
    assert {row["service"] for row in found} == {"my.service"}
    if name == "trace":
        assert found[0]["trace_id"] == "5b8efff798038103d269b633813fc60c"
        assert str(found[0]["duration_ms"]) == "1000.000000"


def test_a_span_in_jaegers_fixture_is_read(shared_data: Path) -> None:
    """Jaeger's own OTLP fixture, with names of enumerations or numbers, is read."""
    fixture = "jaeger-fixtures/cmd/jaeger/internal/extension/jaegerquery/internal/fixture/otlp2jaeger-in.json"
    rows = read_json(TRACES, (shared_data / fixture).read_bytes()).to_pylist()
    assert rows
    assert all(len(row["trace_id"]) == 32 and row["end_time"] >= row["start_time"] for row in rows)


def test_an_empty_request_has_no_rows() -> None:
    """An export of nothing is fine."""
    for signal in SIGNALS:
        assert read_protobuf(signal, b"").num_rows == 0
        assert read_json(signal, b"{}").num_rows == 0
        assert read_message(signal, signal.request()).num_rows == 0
