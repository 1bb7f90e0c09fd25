"""CloudEvents 1.0 over HTTP. Enters: a request's body and headers. Leaves: one row an event, as JSON text.

The four ways a producer may send them become the same rows: one event (structured), an array (batch), one a line
(NDJSON), and attributes in headers beside the data (binary). An element that is no event is a row like any other: it is
refused later, with its rule and its text, and does not touch its neighbours.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.elements import array_elements
from perunit.facts.lines import line_rows, valid_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MEDIA_TYPES", "read_events"]

Headers = Sequence[tuple[str, str]]

_STRUCTURED, _BATCH, _LINES = (
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/x-ndjson",
)
MEDIA_TYPES = (_STRUCTURED, _BATCH, _LINES, "application/json")
_BOM = b"\xef\xbb\xbf"
_ENCODED = b'"data_base64"'
_ATTRIBUTE = re.compile(r"[a-z0-9]+")


def read_events(body: bytes, headers: Headers) -> pa.Table:
    """The events of a request, already decompressed, as rows of (position from 0, line).

    Raises DoorError: 415 for a media type that is none of these, 400 for a body or headers that are no such message.
    """
    media, charset = _content_type(headers)
    if media.startswith("application/cloudevents") or media in _READERS:
        _refuse_charset(charset)
    reader = _READERS.get(media)
    if any(name.lower() == "ce-specversion" for name, _ in headers) and not media.startswith("application/cloudevents"):
        event = _binary_event(body, headers, media)
        return _decoded(_one_row(event)) if _ENCODED in event else _one_row(event)
    if reader is None:
        got = f"Content-Type: got {media[:100]!r}" if media else "Content-Type: is not there"
        mend = f"must be one of {', '.join(MEDIA_TYPES)}, or come with ce-* headers; set it to how the events are sent"
        raise DoorError(415, "Unsupported media type", f"{got}, {mend}")
    body = body.removeprefix(_BOM)
    if not body.strip():
        raise DoorError(400, "Nothing was sent", "body: is empty, must hold an event; send one, or an empty array")
    rows = reader(body)
    return _decoded(rows) if _ENCODED in body else rows


def _content_type(headers: Headers) -> tuple[str, str]:
    """Media type and charset, both lower-case, each empty where not stated."""
    stated = next((value for name, value in headers if name.lower() == "content-type"), "")
    media, *parameters = (part.strip() for part in stated.lower().split(";"))
    charsets = [part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")]
    return media, charsets[0] if charsets else ""


def _refuse_charset(charset: str) -> None:
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        detail = f"Content-Type: got charset {charset[:40]!r}, JSON must be UTF-8; encode it so"
        raise DoorError(415, "Unsupported charset", detail)


def _structured(body: bytes) -> pa.Table:
    return _one_row(body)


def _json(body: bytes) -> pa.Table:
    """Plain JSON says by its first character whether it is one event or several."""
    return array_elements(body) if body.lstrip().startswith(b"[") else _one_row(body)


def _lines(body: bytes) -> pa.Table:
    rows, _ = line_rows(body if body.endswith(b"\n") else body + b"\n", 0)
    return rows


_READERS: dict[str, Callable[[bytes], pa.Table]] = {
    _STRUCTURED: _structured,
    _BATCH: array_elements,
    _LINES: _lines,
    "application/ndjson": _lines,
    "application/jsonl": _lines,
    "application/json": _json,
}


def _one_row(text: bytes) -> pa.Table:
    line = valid_text(pa.array([text], pa.large_binary()).cast(pa.large_string(), safe=False))
    return pa.table({"position": pa.array([0], pa.int64()), "line": line})


def _binary_event(body: bytes, headers: Headers, media: str) -> bytes:
    """The event of a binary message as JSON, its data as the body has it."""
    attributes = _attributes(headers)
    if media:
        attributes["datacontenttype"] = next(value for name, value in headers if name.lower() == "content-type")
    text = json.dumps(attributes, ensure_ascii=False)
    if not body:
        return text.encode()
    if _is_json_media(media) and not _is_json(body):
        raise DoorError(
            400, "Not JSON", f"body: is not the JSON that Content-Type {media or 'application/json'} says; repair it"
        )
    return f"{text[:-1]}, ".encode() + _data_member(body, media) + b"}"


def _data_member(body: bytes, media: str) -> bytes:
    if _is_json_media(media):
        return b'"data": ' + body.removeprefix(_BOM)
    if media.startswith("text/"):
        return b'"data": ' + json.dumps(body.decode("utf-8", "backslashreplace")).encode()
    # Kept as it is, to be refused with its text.
    return b'"data_base64": "' + base64.b64encode(body) + b'"'


def _is_json_media(media: str) -> bool:
    return media in ("", "application/json", "text/json") or media.endswith("+json")


def _attributes(headers: Headers) -> dict[str, str]:
    """Context attributes of the ce-* headers, percent-decoded (CloudEvents HTTP binding 3.1.3)."""
    found: dict[str, str] = {}
    for header, value in headers:
        name = header.lower().removeprefix("ce-")
        if name == header.lower():
            continue
        if not _ATTRIBUTE.fullmatch(name) or name in ("data", "datacontenttype"):
            raise _bad_header(header, "is no attribute's name: small letters and digits, and not data; leave it out")
        if found.setdefault(name, decoded := _header_text(header, value)) != decoded:
            raise _bad_header(header, "stands there twice with different values; send it once")
    return found


def _header_text(header: str, value: str) -> str:
    if len(value) > 1 and value.startswith('"') and value.endswith('"'):
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise _bad_header(header, "is not percent-encoded UTF-8; encode its value so") from error


def _bad_header(header: str, reason: str) -> DoorError:
    return DoorError(400, "Not a CloudEvent", f"header {header[:100]!r}: {reason}")


def _decoded(rows: pa.Table) -> pa.Table:
    """Rows whose ``data_base64`` holds JSON get it as ``data``; others stay, to be refused with a reason."""
    marked = np.asarray(pc.match_substring(rows["line"], _ENCODED.decode()))
    if not marked.any():
        return rows
    lines = rows["line"].to_pylist()
    for index in np.flatnonzero(marked):
        lines[index] = _with_data(lines[index])
    return rows.set_column(1, "line", pa.array(lines, pa.large_string()))


def _with_data(line: str) -> str:
    try:
        event = json.loads(line)
        data = base64.b64decode(event["data_base64"], validate=True)
    except (ValueError, RecursionError, TypeError, KeyError, binascii.Error):
        return line
    if "data" in event or not _is_json(data):
        return line
    return f'{line.rstrip()[:-1]}, "data": {data.removeprefix(_BOM).decode()}}}'


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data.decode().removeprefix("\ufeff"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
