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
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message

    Setter = Callable[[Message, object, int], None]

__all__ = ["JsonError", "fill"]

_HEX = frozenset({"trace_id", "span_id", "parent_span_id"})
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), 1 << 31),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), 1 << 63),
    FieldDescriptor.CPPTYPE_UINT32: (0, 1 << 32),
    FieldDescriptor.CPPTYPE_UINT64: (0, 1 << 64),
}
_DIGITS_MAX = 40
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


def _fill(message: Message, document: object, depth: int) -> None:
    if not isinstance(document, dict):
        raise JsonError(document, "must be an object; correct it")
    if depth > _DEPTH_MAX:
        raise JsonError("more", f"must be nested at most {_DEPTH_MAX} deep; flatten it")
    setters = _setters(message.DESCRIPTOR)
    for key, value in document.items():
        setter = setters.get(key)
        if setter is None or value is None:
            continue
        try:
            setter(message, value, depth)
        except JsonError as error:
            error.path.append(f".{key}")
            raise


@cache
def _setters(descriptor: Descriptor) -> dict[str, Setter]:
    """Name in JSON → what sets that field: looked up once a kind of message, because there are very many of each."""
    return {field.json_name: _setter(field) for field in descriptor.fields}


def _setter(field: FieldDescriptor) -> Setter:
    name = field.name
    if field.is_repeated:
        return _extend_messages(name) if field.message_type is not None else _extend_values(name, _reader(field))
    if field.message_type is not None:
        return _set_message(name)
    read = _reader(field)

    def set_value(message: Message, value: object, depth: int) -> None:
        del depth
        setattr(message, name, read(value))

    return _set_wide(set_value) if field.full_name == f"{AnyValue.DESCRIPTOR.full_name}.double_value" else set_value


def _set_message(name: str) -> Setter:
    def set_message(message: Message, value: object, depth: int) -> None:
        part = getattr(message, name)
        part.SetInParent()
        _fill(part, value, depth + 1)

    return set_message


def _set_wide(set_double: Setter) -> Setter:
    def set_number(message: Message, value: object, depth: int) -> None:
        if _is_wide(value):
            message.string_value = str(value)  # type: ignore[attr-defined]
        else:
            set_double(message, value, depth)

    return set_number


def _extend_messages(name: str) -> Setter:
    def extend(message: Message, values: object, depth: int) -> None:
        add = getattr(message, name).add
        for number, value in enumerate(_array(values)):
            try:
                _fill(add(), value, depth + 1)
            except JsonError as error:
                error.path.append(f"[{number}]")
                raise

    return extend


def _extend_values(name: str, read: Callable[[object], Any]) -> Setter:
    def extend(message: Message, values: object, depth: int) -> None:
        del depth
        append = getattr(message, name).append
        for number, value in enumerate(_array(values)):
            try:
                append(read(value))
            except JsonError as error:
                error.path.append(f"[{number}]")
                raise

    return extend


def _array(values: object) -> list[object]:
    if not isinstance(values, list):
        raise JsonError(values, "must be an array; correct it")
    return values


def _is_wide(value: object) -> bool:
    """Whether a number has digits that a double would lose."""
    if not isinstance(value, (_Text, int)) or isinstance(value, bool):
        return False
    try:
        return Decimal(repr(float(value))) != Decimal(value)
    except (OverflowError, InvalidOperation):
        return True


def _reader(field: FieldDescriptor) -> Callable[[object], Any]:
    """What reads a value of a field's kind. Raises JsonError for another value."""
    kind = field.cpp_type
    if kind in _INTEGERS:
        return partial(_integer, *_INTEGERS[kind])
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        assert field.enum_type is not None  # noqa: S101 - what makes it an enumeration
        return partial(_enumerated, {name: value.number for name, value in field.enum_type.values_by_name.items()})
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _hexadecimal if field.name in _HEX else _base64
    return {FieldDescriptor.CPPTYPE_STRING: _text, FieldDescriptor.CPPTYPE_BOOL: _boolean}.get(kind, _double)


def _integer(least: int, end: int, value: object) -> int:
    """Digits in quotes or not; 1.0 and 1e3 are whole numbers too."""
    if type(value) is int and least <= value < end:
        return value
    try:
        if isinstance(value, bool) or not isinstance(value, (int, str)) or len(str(value)) > _DIGITS_MAX:
            raise ValueError
        number = Decimal(value)
        if number != number.to_integral_value() or not least <= number < end:
            raise ValueError
    except (ValueError, InvalidOperation, OverflowError) as error:
        rule = f"must be a whole number of at least {least} and below {end}; correct it"
        raise JsonError(value, rule) from error
    return int(number)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise JsonError(value, "must be true or false; correct it")
    return value


def _text(value: object) -> str:
    if isinstance(value, _Text) or not isinstance(value, str):
        raise JsonError(value, "must be text; put it in quotes")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise JsonError(value, "must be Unicode text without half a surrogate pair; correct it") from error
    return value


def _hexadecimal(value: object) -> bytes:
    try:
        return binascii.unhexlify(_text(value))
    except ValueError as error:
        raise JsonError(value, "must be hexadecimal digits; correct it") from error


def _base64(value: object) -> bytes:
    text = _text(value)
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise JsonError(value, "must be base64; correct it") from error


def _enumerated(names: dict[str, int], value: object) -> int:
    """A number as OTLP says; names, which protobuf's JSON writes, are understood too."""
    if isinstance(value, str) and value in names:
        return names[value]
    return _integer(*_INTEGERS[FieldDescriptor.CPPTYPE_INT32], value)


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
