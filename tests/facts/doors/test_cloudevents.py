"""The four ways to send CloudEvents over HTTP, as rows."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.invariants.company import Company

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.cloudevents import MEDIA_TYPES, read_events

if TYPE_CHECKING:
    from pathlib import Path

EVENT = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "time": "2026-01-01T00:00:00Z"}
LINE = json.dumps({**EVENT, "data": {"total": "1.10"}})
CE = [(f"ce-{name}", value) for name, value in EVENT.items()]
JSON = [("content-type", "application/json")]


def lines(body: bytes | str, media: str) -> list[str]:
    """The rows of a body of a media type."""
    sent = body.encode() if isinstance(body, str) else body
    rows: list[str] = read_events(sent, [("Content-Type", media)])["line"].to_pylist()
    return rows


def binary(body: bytes, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """The event of a binary message."""
    rows = read_events(body, headers)
    assert rows["position"].to_pylist() == [0]
    event: dict[str, Any] = json.loads(rows["line"][0].as_py())
    return event


def refused(body: bytes, headers: list[tuple[str, str]]) -> DoorError:
    """How a message is refused."""
    with pytest.raises(DoorError) as error:
        read_events(body, headers)
    return error.value


@pytest.mark.parametrize("parameters", ["", "; charset=utf-8", ';charset="UTF-8"'])
def test_one_event_is_its_own_text(parameters: str) -> None:
    """Structured mode: the body is the row, digits and all."""
    assert lines(LINE, f"application/cloudevents+json{parameters}") == [LINE]


def test_an_array_is_an_event_an_element() -> None:
    """Batch mode; an empty batch is fine and holds nothing."""
    assert lines(f"[{LINE},\n{LINE}]", "application/cloudevents-batch+json") == [LINE, f"\n{LINE}"]
    assert lines(" [ ] ", "application/cloudevents-batch+json") == []


def test_a_line_is_an_event_and_blank_ones_are_none() -> None:
    """NDJSON: positions are those of the lines, so that a reader finds them."""
    rows = read_events(f"{LINE}\r\n\n  \n{LINE}".encode(), [("content-type", "application/x-ndjson")])
    assert [line.strip() for line in rows["line"].to_pylist()] == [LINE, LINE]
    assert rows["position"].to_pylist() == [0, 3]


def test_plain_json_is_one_or_several_by_its_first_character() -> None:
    """application/json, which many producers set: an object is an event, an array a batch."""
    assert lines(f"  {LINE}", "application/json") == [f"  {LINE}"]
    assert lines(f"\ufeff[{LINE}]", "application/json") == [LINE]


def test_headers_are_attributes() -> None:
    """Binary mode: attributes are percent-decoded and unquoted, extensions are kept, data is the body's own text."""
    headers = [
        *CE, ("Ce-Subject", "caf%C3%A9 %22x%22"), ("ce-plan", '"a \\"b\\""'),
        ("content-type", "application/json; charset=utf-8"),
    ]  # fmt: skip
    event = binary(b'{"total": 1.10}', headers)
    assert event == {
        **EVENT,
        "subject": 'café "x"',
        "plan": 'a "b"',
        "datacontenttype": "application/json; charset=utf-8",
        "data": {"total": 1.1},
    }
    assert '"total": 1.10}' in read_events(b'{"total": 1.10}', headers)["line"][0].as_py()


def test_a_binary_message_may_have_no_data() -> None:
    """And no content type then."""
    assert binary(b"", CE) == EVENT


def test_text_is_data_and_other_bytes_wait_as_base64() -> None:
    """What is not JSON stays whole; the contract's rules decide about it."""
    assert binary("é".encode(), [*CE, ("content-type", "text/plain")])["data"] == "é"
    sent = binary(b"\x00\xff", [*CE, ("content-type", "image/png")])
    assert base64.b64decode(sent["data_base64"]) == b"\x00\xff"


@pytest.mark.parametrize("body", [b'1, "id": "2"', b'{"a": 1}, "source": "other"', b"{", b"NaN", b"\xff"])
def test_a_binary_body_cannot_pass_itself_off_as_attributes(body: bytes) -> None:
    """It goes between braces unread, so it must be JSON by itself."""
    for headers in ([*CE, *JSON], CE):
        error = refused(body, headers)
        assert (error.status, error.title) == (400, "Not JSON")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (("ce-id", "2"), "twice with different values"),
        (("ce-data", "{}"), "no attribute's name"),
        (("ce-my-own", "x"), "no attribute's name"),
        (("ce-x", "%ff"), "percent-encoded UTF-8"),
    ],
)
def test_headers_that_are_no_attributes_are_named(header: tuple[str, str], reason: str) -> None:
    """The header, and what is wrong with it."""
    error = refused(b"{}", [*CE, header, *JSON])
    assert error.status == 400
    assert reason in error.detail
    assert header[0] in error.detail


def test_data_in_base64_becomes_data_where_it_is_json() -> None:
    """In any of the modes; what stays encoded is refused by the contract's rule."""
    encoded = {**EVENT, "data_base64": base64.b64encode(b'{"total": 1.10}').decode()}
    picture = {**EVENT, "data_base64": "iVBORw0KGgo="}
    (first, second, third) = lines(
        "\n".join([json.dumps(encoded), json.dumps(picture), '{"data_base64": 5}']), "application/x-ndjson"
    )
    assert first.endswith('"data": {"total": 1.10}}')
    assert json.loads(first) == {**encoded, "data": {"total": 1.1}}
    assert json.loads(second) == picture
    assert third.strip() == '{"data_base64": 5}'


@pytest.mark.parametrize(
    ("media", "status", "said"),
    [
        ("text/csv", 415, "got 'text/csv'"),
        ("application/cloudevents+avro", 415, "must be one of"),
        ("", 415, "is not there"),
        ("application/cloudevents+json; charset=utf-16", 415, "got charset 'utf-16'"),
    ],
)
def test_another_media_type_is_refused_with_those_there_are(media: str, status: int, said: str) -> None:
    """415, the value and the mend."""
    error = refused(LINE.encode(), [("content-type", media)] if media else [])
    assert error.status == status
    assert said in error.detail


@pytest.mark.parametrize("media", MEDIA_TYPES)
def test_an_empty_body_is_no_message(media: str) -> None:
    """A producer that sends nothing has a fault it should hear of."""
    assert refused(b" \n", [("content-type", media)]).status == 400


@given(st.binary(max_size=300), st.sampled_from([*MEDIA_TYPES, "", "text/plain"]), st.booleans())
def test_any_body_is_rows_or_a_refusal(body: bytes, media: str, in_headers: bool) -> None:
    """Nothing but DoorError comes of any bytes, and rows are text with rising positions."""
    try:
        rows = read_events(body, [("content-type", media), *(CE if in_headers else [])])
    except DoorError:
        return
    rows.validate(full=True)
    positions = rows["position"].to_pylist()
    assert positions == sorted(set(positions))


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=5))
def test_any_headers_are_an_event_or_a_refusal(headers: list[tuple[str, str]]) -> None:
    """Names and values may be anything a client can put there."""
    named = [(f"ce-{name}", value) for name, value in headers]
    try:
        rows = read_events(b"", [("ce-specversion", "1.0"), *named])
    except DoorError:
        return
    assert isinstance(json.loads(rows["line"][0].as_py()), dict)


def test_data_that_stays_encoded_is_refused_with_a_reason(tmp_path: Path) -> None:
    """It is kept in quarantine like anything else that breaks a rule."""
    company = Company(tmp_path)
    sent = {**EVENT, "type": "order.completed", "data_base64": "iVBORw0KGgo="}
    report = company.deliver([json.dumps(sent)])[0]
    assert (report.received, report.rejected) == (1, 1)
    assert company.engine.rows("SELECT rule, place, got, expected FROM quarantine") == [
        ("cloudevents", "data_base64", "iVBORw0KGgo=", "must be JSON, the contract reads its fields; send it as data")
    ]
