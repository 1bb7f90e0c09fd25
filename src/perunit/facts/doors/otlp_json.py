"""OTLP/JSON as messages. Enters: the JSON text of a request. Leaves: the message that protobuf would have given.

It is protobuf's own JSON but for ids, which are hexadecimal, and enumerations, which are numbers; names of fields that
are not known are passed over. A number that no double holds exactly is kept as the text it was.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

__all__ = ["JsonError", "fill"]

_HEX = frozenset({"trace_id", "span_id", "parent_span_id"})
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), 1 << 31),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), 1 << 63),
    FieldDescriptor.CPPTYPE_UINT32: (0, 1 << 32),
    FieldDescriptor.CPPTYPE_UINT64: (0, 1 << 64),
}
# As deep as protobuf itself reads messages.
_DEPTH_MAX = 100


class JsonError(Exception):
    """A value that is not what its field holds; `place` is such as ``resourceSpans[0].scopeSpans``."""

    def __init__(self, got: object, expected: str) -> None:
        self.path: list[str] = []
        self.got, self.expected = repr(got)[:100], expected
        super().__init__(expected)

    @property
    def place(self) -> str:
        """Where it stands, from the outside inwards."""
        return "".join(reversed(self.path)).lstrip(".") or "the body"


class _Text(str):
    """A number with a point or an exponent, as it was written."""

    __slots__ = ()


def fill(message: Message, body: bytes) -> None:
    """Fills an empty message from JSON. Raises JsonError for text that is no such message."""
    try:
        document = json.loads(body, parse_float=_Text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise JsonError(body[:40], f"must be JSON ({error}); repair the body") from error
    _fill(message, document, 0)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} must stand in quotes")


@cache
def _fields(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    return {field.json_name: field for field in descriptor.fields}


def _fill(message: Message, document: object, depth: int) -> None:
    if not isinstance(document, dict):
        raise JsonError(document, "must be an object; correct it")
    if depth > _DEPTH_MAX:
        raise JsonError("more", f"must be nested at most {_DEPTH_MAX} deep; flatten it")
    fields = _fields(message.DESCRIPTOR)
    for key, value in document.items():
        field = fields.get(key)
        if field is None or value is None:
            continue
        try:
            _set(message, field, value, depth)
        except JsonError as fault:
            fault.path.append(f".{key}")
            raise


def _set(message: Message, field: FieldDescriptor, value: object, depth: int) -> None:
    if field.is_repeated:
        _extend(message, field, value, depth)
    elif field.message_type is not None:
        part = getattr(message, field.name)
        part.SetInParent()
        _fill(part, value, depth + 1)
    elif field.name == "double_value" and isinstance(message, AnyValue) and _is_wide(value):
        message.string_value = str(value)
    else:
        setattr(message, field.name, _scalar(field, value))


def _extend(message: Message, field: FieldDescriptor, values: object, depth: int) -> None:
    if not isinstance(values, list):
        raise JsonError(values, "must be an array; correct it")
    into = getattr(message, field.name)
    for number, value in enumerate(values):
        try:
            if field.message_type is not None:
                _fill(into.add(), value, depth + 1)
            else:
                into.append(_scalar(field, value))
        except JsonError as fault:
            fault.path.append(f"[{number}]")
            raise


def _is_wide(value: object) -> bool:
    """Whether a number has digits that a double would lose."""
    if not isinstance(value, (_Text, int)) or isinstance(value, bool):
        return False
    try:
        return Decimal(repr(float(value))) != Decimal(value)
    except (OverflowError, InvalidOperation):
        return True


def _scalar(field: FieldDescriptor, value: object) -> Any:
    kind = field.cpp_type
    if kind in _INTEGERS:
        return _integer(value, *_INTEGERS[kind])
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return _bytes(field, value) if field.type == FieldDescriptor.TYPE_BYTES else _text(value)
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        return _enumerated(field, value)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        if not isinstance(value, bool):
            raise JsonError(value, "must be true or false; correct it")
        return value
    return _double(value)


def _integer(value: object, least: int, end: int) -> int:
    """Digits in quotes or not; 1.0 and 1e3 are whole numbers too."""
    try:
        if isinstance(value, bool) or not isinstance(value, (int, str)) or len(str(value)) > 40:
            raise ValueError
        number = Decimal(value)
        if number != number.to_integral_value() or not least <= number < end:
            raise ValueError
    except (ValueError, InvalidOperation, OverflowError) as error:
        rule = f"must be a whole number of at least {least} and below {end}; correct it"
        raise JsonError(value, rule) from error
    return int(number)


def _text(value: object) -> str:
    if isinstance(value, _Text) or not isinstance(value, str):
        raise JsonError(value, "must be text; put it in quotes")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise JsonError(value, "must be Unicode text without half a surrogate pair; correct it") from error
    return value


def _bytes(field: FieldDescriptor, value: object) -> bytes:
    text = _text(value)
    try:
        if field.name in _HEX:
            return binascii.unhexlify(text)
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        form = "hexadecimal digits" if field.name in _HEX else "base64"
        raise JsonError(value, f"must be {form}; correct it") from error


def _enumerated(field: FieldDescriptor, value: object) -> int:
    """A number as OTLP says; names, which protobuf's JSON writes, are understood too."""
    assert field.enum_type is not None  # noqa: S101 - what makes it an enumeration
    named = field.enum_type.values_by_name.get(value) if isinstance(value, str) else None
    return named.number if named else _integer(value, *_INTEGERS[FieldDescriptor.CPPTYPE_INT32])


def _double(value: object) -> float:
    words = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
    if isinstance(value, str) and value in words:
        return float(words[value])
    try:
        found = float(Decimal(value)) if isinstance(value, (int, str)) and not isinstance(value, bool) else math.nan
    except (ValueError, InvalidOperation, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise JsonError(value, "must be a number; correct it")
    return found
