"""Flat lists of what OTLP messages hold as Arrow columns. Enters: ids, times, numbers and attributes, one an element.
Leaves: columns of a door's format, exact: times in whole microseconds, durations in nanoseconds, values as text.
"""

from __future__ import annotations

import base64
import json
import math
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

__all__ = [
    "Maps",
    "Shared",
    "decimals",
    "ids",
    "milliseconds",
    "named",
    "number_text",
    "text_of",
    "texts",
    "times",
]

TEXTS = pa.map_(pa.string(), pa.string())


def text_of(value: AnyValue) -> str | None:
    """An attribute's value as text, exactly: whole numbers in digits, floating ones in the fewest digits that give
    them again, bytes in base64, lists and maps as JSON; None where there is no value.
    """
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return str(value.string_value)
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "int_value":
        return str(value.int_value)
    if kind == "double_value":
        return number_text(value.double_value)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    plain = _plain(value)
    return None if plain is None else json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def number_text(value: float) -> str:
    """A double in its shortest digits.

    >>> number_text(0.1), number_text(float("-inf"))
    ('0.1', '-Infinity')
    """
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _plain(value: AnyValue) -> Any:
    """A value as what JSON knows; JSON has no NaN, so that becomes text."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: _plain(item.value) for item in value.kvlist_value.values}
    if kind in {"int_value", "bool_value"} or (kind == "double_value" and math.isfinite(value.double_value)):
        return getattr(value, kind)
    return text_of(value) if kind in {"string_value", "double_value", "bytes_value"} else None


class Maps:
    """Attributes of many elements as one map column. A key that stands twice counts with its last value."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._values: list[str | None] = []
        self._ends: list[int] = [0]

    def add(self, attributes: Iterable[KeyValue]) -> dict[str, str | None]:
        """Appends the attributes of one element, and gives them."""
        # Most values are text, and asking for it is cheaper than asking which kind a value is.
        found = {each.key: each.value.string_value or text_of(each.value) for each in attributes}
        self._keys += found
        self._values += found.values()
        self._ends.append(len(self._keys))
        return found

    def column(self) -> pa.MapArray:
        """The elements in their order."""
        return pa.MapArray.from_arrays(
            pa.array(self._ends, pa.int32()), pa.array(self._keys, pa.string()), pa.array(self._values, pa.string())
        )


class Shared:
    """What many elements share (a resource, a scope): said once, repeated by number."""

    def __init__(self) -> None:
        self.maps = Maps()
        self.services: list[str | None] = []
        self.scopes: list[str | None] = []
        self._resource_counts: list[int] = []
        self._scope_counts: list[int] = []

    def resource(self, attributes: Iterable[KeyValue]) -> None:
        """Begins the elements of a resource."""
        self.services.append(self.maps.add(attributes).get("service.name"))
        self._resource_counts.append(0)

    def scope(self, name: str, count: int) -> None:
        """`count` elements of a scope of the resource begun last."""
        self.scopes.append(name or None)
        self._scope_counts.append(count)
        self._resource_counts[-1] += count

    def columns(self) -> dict[str, pa.Array]:
        """`resource`, `service` and `scope`; the map as a dictionary, because it is one of few for very many rows."""
        resources = np.repeat(np.arange(len(self._resource_counts), dtype=np.int32), self._resource_counts)
        scopes = np.repeat(np.arange(len(self._scope_counts), dtype=np.int32), self._scope_counts)
        return {
            "resource": pa.DictionaryArray.from_arrays(pa.array(resources), self.maps.column()),
            "service": pa.array(self.services, pa.string()).take(pa.array(resources)),
            "scope": pa.array(self.scopes, pa.string()).take(pa.array(scopes)),
        }


def ids(values: Sequence[bytes]) -> pa.StringArray:
    """Ids in hexadecimal; null where empty or all zeros, which is how OTLP says that there is none."""
    lengths = np.fromiter(map(len, values), np.int32, len(values))
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum(lengths * 2, out=offsets[1:])
    text = b"".join(values).hex().encode()
    found = pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(text))
    zeros = {bytes(8), bytes(16)}
    missing = lengths == 0
    if not zeros.isdisjoint(values):
        missing |= np.fromiter((value in zeros for value in values), np.bool_, len(values))
    return pc.if_else(pa.array(missing), None, found) if missing.any() else found


def texts(values: Sequence[str]) -> pa.Array:
    """Texts; null where empty, which is how a message says that there is none."""
    column = pa.array(values, pa.string())
    return pc.if_else(pc.equal(column, ""), None, column)


def named(codes: Sequence[int], names: Sequence[str]) -> pa.Array:
    """The names of an enumeration's numbers, counted from 0; the first stands for numbers without a name."""
    numbers = np.array(codes, np.int64)
    numbers[(numbers < 0) | (numbers >= len(names))] = 0
    return pa.array(names, pa.string()).take(pa.array(numbers))


def times(nanoseconds: np.ndarray[Any, np.dtype[np.uint64]]) -> pa.Array:
    """Unix nanoseconds as UTC times in whole microseconds; null where 0, which means unknown."""
    micros = (nanoseconds // np.uint64(1000)).astype(np.int64)
    return pa.array(micros, mask=nanoseconds == 0).cast(pa.timestamp("us"))


def milliseconds(
    start: np.ndarray[Any, np.dtype[np.uint64]], end: np.ndarray[Any, np.dtype[np.uint64]]
) -> pa.Decimal128Array:
    """What passed from `start` to `end` (unix nanoseconds) in milliseconds, exactly; null where one is unknown."""
    # Unsigned numbers wrap, and read as signed they are the difference again.
    passed = (end - start).view(np.int64)
    # 18 digits hold 31 years; what is longer is a clock gone wrong, and null here while the times show it.
    unknown = (start == 0) | (end == 0) | (passed >= 10**18) | (passed <= -(10**18)) | ((passed < 0) != (end < start))
    passed = np.where(unknown, 0, passed)
    words = np.stack([passed, passed >> 63], axis=1)
    valid = pa.array(~unknown).buffers()[1]
    return pa.Decimal128Array.from_buffers(
        pa.decimal128(18, 6), len(passed), [valid if unknown.any() else None, pa.py_buffer(words)]
    )


def decimals(values: Iterable[Decimal | None], digits: int, places: int) -> pa.Array:
    """Numbers at `places`, rounded half to even; null where one does not fit."""
    step, bound = Decimal(1).scaleb(-places), Decimal(1).scaleb(digits - places)
    with localcontext(prec=76):
        fitting = [
            None if value is None or not value.is_finite() or abs(value) >= bound else value.quantize(step)
            for value in values
        ]
        fitting = [None if value is None or abs(value) >= bound else value for value in fitting]
    return pa.array(fitting, pa.decimal128(digits, places))
