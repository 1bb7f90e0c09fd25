"""Messages of Kafka as rows: both content modes, whatever is no message apart with its reason, nothing passed over."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from cloudevents.core.bindings.kafka import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st
from tests.facts.doors.otlp_messages import as_otlp_json, trace_request

from perunit.facts.doors import kafka
from perunit.facts.doors.formats import schema_of
from perunit.facts.doors.kafka import Message, Read, joined, read_messages


def message(value: bytes | None, offset: int = 7, **headers: bytes) -> Message:
    """A message of one topic."""
    return Message(
        "orders", 2, offset, value, [(name.replace("__", "-"), content) for name, content in headers.items()]
    )


def lines(read: Read) -> list[Any]:
    """The rows as the JSON they are."""
    return [json.loads(line) for line in read.rows["line"].to_pylist()]


def sent(**attributes: Any) -> CloudEvent:
    """An event made by the CloudEvents SDK."""
    own = {"id": "é1", "source": "shop", "type": "order.completed", "time": datetime(2026, 9, 1, tzinfo=UTC)}
    return CloudEvent({"specversion": "1.0", **own, **attributes}, {"order_id": "o1", "total": "1.10"})


@pytest.mark.parametrize("mode", [to_binary_event, to_structured_event])
def test_both_content_modes_of_the_sdk_give_the_same_event(mode: Any) -> None:
    """What the CloudEvents SDK sends, in headers or whole, is one line with all attributes and the data."""
    made = mode(sent(datacontenttype="application/json", partitionkey="p1"))
    read = read_messages("cloudevents", [Message("t", 0, 1, made.value, list(made.headers.items()))])
    (line,) = lines(read)
    assert line == {
        "specversion": "1.0",
        "id": "é1",
        "source": "shop",
        "type": "order.completed",
        "time": "2026-09-01T00:00:00Z",
        "datacontenttype": "application/json",
        "partitionkey": "p1",
        "data": {"order_id": "o1", "total": "1.10"},
    }
    assert read.dead == ()


def test_numbers_of_binary_data_stay_as_they_were_written() -> None:
    """The data is taken over as text, so that no decimal passes through a float."""
    read = read_messages(
        "cloudevents", [message(b'{"total": 1.10000000000000000001}', ce_specversion=b"1.0", ce_id=b"1")]
    )
    assert read.rows["line"].to_pylist() == [
        '{"specversion": "1.0", "id": "1", "data": {"total": 1.10000000000000000001}}'
    ]


@pytest.mark.parametrize(
    ("media", "value", "member"),
    [
        (b"text/plain", b'say "hi"', {"data": 'say "hi"'}),
        (b"application/avro", b"\x00\x01", {"data_base64": base64.b64encode(b"\x00\x01").decode()}),
        (b"application/vnd.order+json; charset=utf-8", b'{"a": 1}', {"data": {"a": 1}}),
        (b"application/json", b"", {}),
    ],
)
def test_data_of_other_media_types_is_kept(media: bytes, value: bytes, member: dict[str, Any]) -> None:
    """Text is text, bytes are base64, and data that is not there is left out."""
    headers = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("Content-Type", media)]
    (line,) = lines(read_messages("cloudevents", [Message("t", 0, 1, value, headers)]))
    assert line == {"specversion": "1.0", "id": "1", "datacontenttype": media.decode(), **member}


def test_data_cannot_reach_beyond_its_place() -> None:
    """A value that would close the data and go on with attributes of its own is a dead letter."""
    read = read_messages("cloudevents", [message(b'{}, "id": "another"', ce_specversion=b"1.0", ce_id=b"1")])
    assert read.rows.num_rows == 0
    assert [(letter.place, letter.offset, letter.got) for letter in read.dead] == [
        ("orders[2]", 7, "text that is no JSON")
    ]
    assert read.dead[0].raw == '{}, "id": "another"'


def test_what_is_no_message_is_a_dead_letter_and_touches_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tombstone and a value too large give no row; bytes that are no text stay a row, to be refused with its rule."""
    monkeypatch.setattr(kafka, "MESSAGE_BYTES_MAX", 20)
    read = read_messages(
        "ndjson", [message(b'{"a": 1}', 1), message(None, 2), message(b"x" * 21, 3), message(b"\xff\xfe", 4)]
    )
    assert read.rows["line"].to_pylist() == ['{"a": 1}', "\\xff\\xfe"]
    assert read.places.to_pylist() == [
        {"position": 0, "place": "orders[2]", "offset": 1},
        {"position": 1, "place": "orders[2]", "offset": 4},
    ]
    assert [(letter.offset, letter.got, letter.raw) for letter in read.dead] == [
        (2, "no value (a tombstone)", "null"),
        (3, "21 bytes", "x" * 21),
    ]


def test_otlp_requests_are_rows_whether_protobuf_or_json() -> None:
    """Each span is a row with the offset of its request; the encoding is stated or told by the first byte."""
    request = trace_request({"name": "a"}, {"name": "b"})
    as_json = json.dumps(as_otlp_json(request)).encode()
    read = read_messages(
        "otlp_spans",
        [
            message(request.SerializeToString(), 1),
            message(as_json, 2),
            message(as_json, 3, content__type=b"application/json"),
            message(request.SerializeToString(), 4, content__type=b"application/x-protobuf"),
        ],
    )
    assert set(read.rows.schema.names) == set(schema_of("otlp_spans").names)
    assert read.rows["name"].to_pylist() == ["a", "b"] * 4
    assert read.rows["position"].to_pylist() == list(range(8))
    assert read.places["offset"].to_pylist() == [1, 1, 2, 2, 3, 3, 4, 4]


def test_a_protobuf_message_that_looks_like_json_is_none() -> None:
    """A request whose first bytes are a line end and a brace (a length of 123) is read as the protobuf it is."""
    sizes = {}
    for length in range(200):
        body = trace_request({"name": "n" * length}).SerializeToString()
        sizes[body[:2]] = body
    read = read_messages("otlp_spans", [message(sizes[b"\n{"])])
    assert (read.rows.num_rows, read.dead) == (1, ())


def test_bytes_that_are_no_otlp_request_are_kept_whole() -> None:
    """A dead letter of OTLP keeps its bytes in base64, its text where it was JSON."""
    read = read_messages("otlp_spans", [message(b"\xff\xff", 1), message(b'{"resourceSpans": 5}', 2)])
    assert [letter.raw for letter in read.dead] == ["//8=", '{"resourceSpans": 5}']
    assert all("ExportTraceServiceRequest" in letter.got or "resourceSpans" in letter.got for letter in read.dead)


ANY = st.builds(
    Message,
    topic=st.sampled_from(["a", "b"]),
    partition=st.integers(0, 3),
    offset=st.integers(0, 2**40),
    value=st.none() | st.binary(max_size=60) | st.sampled_from([b"{}", b'{"a": 1}', b"[1]", b" "]),
    headers=st.lists(
        st.tuples(
            st.sampled_from(["ce_specversion", "ce_id", "ce_data", "content-type", "x", "CE_Type"]),
            st.none() | st.binary(max_size=12) | st.sampled_from([b"1.0", b"application/json", b"text/plain"]),
        ),
        max_size=4,
    ),
)


@given(
    st.sampled_from(["cloudevents", "ndjson", "otlp_spans", "otlp_metrics", "otlp_logs"]),
    st.lists(ANY, max_size=12),
    st.data(),
)
def test_no_message_is_passed_over_and_any_cutting_gives_the_same(
    format_: str, messages: list[Message], data: st.DataObject
) -> None:
    """Every message is rows or a dead letter; read in parts and joined it comes to the same as read at once."""
    whole = read_messages(format_, messages)
    if format_ in {"cloudevents", "ndjson"}:
        assert whole.rows.num_rows + len(whole.dead) == len(messages)
    assert whole.rows.num_rows == whole.places.num_rows
    cut = data.draw(st.integers(0, len(messages)))
    parts = joined([read_messages(format_, messages[:cut]), read_messages(format_, messages[cut:])])
    assert (parts.rows.to_pylist(), parts.places.to_pylist()) == (whole.rows.to_pylist(), whole.places.to_pylist())
    assert parts.dead == whole.dead
    assert isinstance(whole.rows, pa.Table)
