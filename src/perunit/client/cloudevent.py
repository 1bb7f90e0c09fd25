"""One event as the text of a CloudEvent 1.0. Enters: what the application says. Leaves: bytes, or why not."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from perunit.client.limits import EVENT_BYTES_MAX

__all__ = ["EventError", "encode", "id_of_key", "new_id"]


class EventError(ValueError):
    """An event that no server could accept."""

    def __init__(self, place: str, got: object, expected: str) -> None:
        self.place, self.got, self.expected = place, None if got is None else str(got)[:200], expected
        super().__init__(f"{place}: got {got!r}, {expected}")


def new_id() -> str:
    """A random id of 128 bits, safe in forked processes."""
    return os.urandom(16).hex()


def id_of_key(source: str, type_: str, key: object) -> str:
    """The same id for the same source, type and key, in any process and at any time."""
    text = json.dumps([source, type_, str(key)], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def encode(
    id_: str,
    source: str,
    type_: str,
    data: Mapping[str, Any],
    *,
    time: datetime | None = None,
    attributes: Mapping[str, str] | None = None,
) -> bytes:
    """The event as JSON of one line. Money as Decimal becomes decimal text, which is exact; times get their offset.

    An event whose time is given also says when it was recorded, so that the server can tell how late it is.
    Raises EventError.
    """
    now = datetime.now(UTC)
    event: dict[str, Any] = {
        **(attributes or {}),
        "specversion": "1.0",
        "id": _text("id", id_),
        "source": source,
        "type": _text("type", type_),
        "time": _instant("time", now if time is None else time),
    }
    if time is not None:
        event.setdefault("recordedtime", _instant("recordedtime", now))
    event["data"] = data
    try:
        line = _dumps(event).encode()
    except EventError:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        mend = "must be JSON: text, finite numbers, lists and mappings of them; convert it before"
        raise EventError("data", error, mend) from error
    if len(line) > EVENT_BYTES_MAX:
        raise EventError("event", f"{len(line):,} bytes", f"must have at most {EVENT_BYTES_MAX:,}; send a reference")
    return line


def _text(place: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise EventError(place, value, "must be text that is not empty; name it")
    return value


def _instant(place: str, value: datetime) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise EventError(place, value, "must be a datetime with a time zone; use datetime.now(UTC)")
    return value.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _plain(value: object) -> object:
    """What JSON has no word for."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise EventError("data", value, "must be a finite number; leave it out where it is unknown")
        return format(value, "f")
    if isinstance(value, datetime):
        return _instant("data", value)
    if isinstance(value, date | UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a value of type {type(value).__name__}")


_dumps = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode
