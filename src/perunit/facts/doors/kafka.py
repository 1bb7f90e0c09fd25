"""Messages of Kafka as rows. Enters: messages, and the format they are in. Leaves: rows, where each came from, and the
messages that are none of their format.

A CloudEvent comes whole in the value (structured) or with its attributes in headers beside the data (binary), as the
CloudEvents binding for Kafka says. A source's message is one JSON object. An OTLP message is an export request.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.formats import DOOR_COLUMNS, LINES, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["MESSAGE_BYTES_MAX", "PLACES", "DeadLetter", "Message", "Read", "joined", "read_messages"]

MESSAGE_BYTES_MAX = 16 << 20
_RAW_CHARACTERS = 1_000
_ATTRIBUTE = re.compile(r"ce_[a-z0-9]+")
_STRUCTURED = "application/cloudevents"

# Which message a row is of, for quarantine: `place` is topic[partition].
PLACES = pa.schema([("position", pa.int64()), ("place", pa.string()), ("offset", pa.int64())])


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it was read. A `value` of None is a tombstone; headers keep their order."""

    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()

    @property
    def place(self) -> str:
        """Topic and partition, as a person reads them."""
        return f"{self.topic}[{self.partition}]"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that gives no row: where it stands, what it is and should be, and its text."""

    place: str
    offset: int
    got: str
    expected: str
    raw: str


@dataclass(frozen=True, slots=True)
class Read:
    """`rows` have the columns of the format, `places` say which message each is of; the rest are dead letters."""

    rows: pa.Table
    places: pa.Table
    dead: tuple[DeadLetter, ...]


class _NoRowError(Exception):
    """A message that gives no row: (got, expected, raw)."""


def read_messages(format_: str, messages: Iterable[Message]) -> Read:
    """The rows of messages, in their order. `format_` is ``cloudevents``, ``ndjson`` or one of OTLP's."""
    return _read_otlp(format_, messages) if format_ in DOOR_COLUMNS else _read_lines(format_, messages)


def joined(parts: Sequence[Read]) -> Read:
    """Several readings of one format as one, their positions counted on."""
    dead = tuple(letter for part in parts for letter in part.dead)
    parts = [part for part in parts if part.rows.num_rows] or list(parts[:1])
    rows, places, first = [], [], 0
    for part in parts:
        rows.append(_counted_on(part.rows, first))
        places.append(_counted_on(part.places, first))
        first += part.rows.num_rows
    return Read(pa.concat_tables(rows), pa.concat_tables(places), dead)


def _counted_on(table: pa.Table, first: int) -> pa.Table:
    if first == 0:
        return table
    return table.set_column(0, "position", pa.array(table["position"].to_numpy() + first, pa.int64()))


def _read_lines(format_: str, messages: Iterable[Message]) -> Read:
    taken, lines, dead = list[Message](), list[bytes](), list[DeadLetter]()
    for message in messages:
        try:
            value = _whole(message)
            lines.append(_event(message, value) if format_ == "cloudevents" else value)
            taken.append(message)
        except _NoRowError as refused:
            dead.append(DeadLetter(message.place, message.offset, *refused.args))
    rows = pa.table({"position": range(len(lines)), "line": _text(lines)}, schema=LINES)
    return Read(rows, _places(taken, [1] * len(taken)), tuple(dead))


def _places(messages: Sequence[Message], counts: Sequence[int]) -> pa.Table:
    """The place of every row, where a message has given as many rows as `counts` says."""
    places = [message.place for message, count in zip(messages, counts, strict=True) for _ in range(count)]
    offsets = [message.offset for message, count in zip(messages, counts, strict=True) for _ in range(count)]
    return pa.table({"position": range(len(places)), "place": places, "offset": offsets}, schema=PLACES)


def _whole(message: Message) -> bytes:
    """The value of a message that has one of a bearable size."""
    value = message.value
    if value is None:
        raise _NoRowError(
            "no value (a tombstone)", "must have a value; facts are not taken back by a tombstone", "null"
        )
    if len(value) > MESSAGE_BYTES_MAX:
        head = value[: 4 * _RAW_CHARACTERS].decode("utf-8", "backslashreplace")[:_RAW_CHARACTERS]
        expected = f"must have at most {MESSAGE_BYTES_MAX} bytes; send it in parts"
        raise _NoRowError(f"{len(value)} bytes", expected, head)
    return value


def _text(lines: list[bytes]) -> pa.Array:
    """Values as text: a byte that is not UTF-8 becomes its escape, which makes of the value no JSON."""
    raw = pa.array(lines, pa.large_binary())
    try:
        return raw.cast(pa.large_string())
    except pa.ArrowInvalid:
        return pa.array([line.decode("utf-8", "backslashreplace") for line in lines], pa.large_string())


def _event(message: Message, value: bytes) -> bytes:
    """The CloudEvent of a message as JSON text."""
    headers = _headers(message)
    media = _media(message)
    if media.startswith(_STRUCTURED) or "ce_specversion" not in headers:
        return value
    attributes = {
        name.removeprefix("ce_"): content
        for name, content in headers.items()
        if _ATTRIBUTE.fullmatch(name) and name != "ce_data"
    }
    if "content-type" in headers:
        attributes["datacontenttype"] = headers["content-type"]
    text = json.dumps(attributes, ensure_ascii=False).encode()
    return text[:-1] + b", " + _data_member(value, media) + b"}" if value else text


def _headers(message: Message) -> dict[str, str]:
    return {name.lower(): content.decode("utf-8", "backslashreplace") for name, content in message.headers if content}


def _media(message: Message) -> str:
    """The media type that the message states, or nothing."""
    return _headers(message).get("content-type", "").partition(";")[0].strip().lower()


def _data_member(value: bytes, media: str) -> bytes:
    """The data as a member of the event; what is no JSON stays apart from it and is refused with its text."""
    if media in ("", "application/json", "text/json") or media.endswith("+json"):
        if not _is_json(value):
            raw = value.decode("utf-8", "backslashreplace")
            raise _NoRowError("text that is no JSON", f"must be the JSON that {media or 'a CloudEvent'} is", raw)
        return b'"data": ' + value
    if media.startswith("text/"):
        return b'"data": ' + json.dumps(value.decode("utf-8", "backslashreplace")).encode()
    return b'"data_base64": "' + base64.b64encode(value) + b'"'


def _is_json(value: bytes) -> bool:
    """Whether a value is one JSON text and nothing more, so that it cannot reach beyond its place in the event."""
    try:
        json.loads(value.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _read_otlp(format_: str, messages: Iterable[Message]) -> Read:
    taken, tables, dead = list[Message](), list[pa.Table](), list[DeadLetter]()
    for message in messages:
        try:
            tables.append(_request(format_, message))
            taken.append(message)
        except _NoRowError as refused:
            dead.append(DeadLetter(message.place, message.offset, *refused.args))
    counted = [table.num_rows for table in tables]
    rows = pa.concat_tables(tables) if tables else schema_of(format_).empty_table()
    rows = rows.set_column(0, "position", pa.array(range(rows.num_rows), pa.int64()))
    return Read(rows, _places(taken, counted), tuple(dead))


def _request(format_: str, message: Message) -> pa.Table:
    """The rows of one export request, protobuf or JSON."""
    from perunit.facts.doors.otlp import SIGNALS, read_json, read_protobuf

    value = _whole(message)
    signal = next(each for each in SIGNALS if each.format == format_)
    media = _media(message)
    # No leading space is looked past: a protobuf message starts with a line end and may go on with a brace.
    is_json = media == "application/json" or (not media and value.startswith(b"{"))
    try:
        return read_json(signal, value) if is_json else read_protobuf(signal, value)
    except DoorError as error:
        raw = value.decode("utf-8", "backslashreplace") if is_json else base64.b64encode(value).decode()
        raise _NoRowError(str(error), f"must be an OTLP export request of {signal.name}", raw) from error
