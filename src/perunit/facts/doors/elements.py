"""The elements of a JSON array as they were written. Enters: the text of an array. Leaves: one row an element.

Nothing is parsed into objects and no number is read: brackets and commas outside of strings say where each element
starts and ends. Whether an element is JSON at all is judged row by row afterwards, so a broken one refuses itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from perunit.facts.arrivals import DoorError
from perunit.facts.lines import valid_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["array_elements"]

_BLANK = b" \t\r\n"
_QUOTE, _BACKSLASH, _COMMA = b'"\\,'
_STRUCTURAL = np.zeros(256, np.bool_)
_STRUCTURAL[list(b'"[]{},')] = True
_NESTING = np.zeros(256, np.int8)
_NESTING[list(b"[{")] = 1
_NESTING[list(b"]}")] = -1


def array_elements(body: bytes) -> pa.Table:
    """(position from 0, line) of each element of a JSON array, its text byte for byte.

    Raises DoorError 400 for text that is no array or whose brackets or quotes do not close.
    """
    text = body.strip(_BLANK)
    if not (text.startswith(b"[") and text.endswith(b"]") and len(text) > 1):
        raise _no_array("must be a JSON array of events, from [ to ]")
    if not text[1:-1].strip(_BLANK):
        return _rows(text, np.zeros(1, np.int64))
    return _rows(text, _commas(np.frombuffer(text, np.uint8)))


def _commas(text: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where the array's own commas stand, between its two brackets as bounds."""
    text = _unescaped(text)
    at = np.flatnonzero(_STRUCTURAL[text])
    kind = text[at]
    quotes = kind == _QUOTE
    inside = np.logical_xor.accumulate(quotes)
    if inside[-1]:
        raise _no_array("has a string that does not end")
    outside = ~(inside | quotes)
    at, kind = at[outside], kind[outside]
    depth = np.cumsum(_NESTING[kind], dtype=np.int64)
    if depth[-1] != 0 or (depth[:-1] < 1).any():
        raise _no_array("has brackets that do not pair")
    between = at[(kind == _COMMA) & (depth == 1)]
    return np.concatenate(([0], between, [len(text) - 1]))


def _unescaped(text: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`text` with every character that a backslash escapes blotted out, so that each quote left is a real one."""
    slashes = np.flatnonzero(text == _BACKSLASH)
    if not len(slashes):
        return text
    starts = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)
    lengths = np.diff(starts, append=len(slashes))
    after = slashes[starts] + lengths
    text = text.copy()
    text[after[(lengths % 2 == 1) & (after < len(text))]] = 0
    return text


def _rows(text: bytes, bounds: NDArray[np.int64]) -> pa.Table:
    """What lies between two bounds is an element."""
    count = len(bounds) - 1
    offsets = np.empty(2 * count + 1, np.int64)
    offsets[0::2], offsets[1::2] = bounds + 1, bounds[1:]
    # Every other slice is an element; those between are the commas.
    slices = pa.Array.from_buffers(
        pa.large_binary(), 2 * count, [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    ).take(pa.array(np.arange(0, 2 * count, 2)))
    lines = valid_text(slices.cast(pa.large_string(), safe=False))
    return pa.table({"position": pa.array(np.arange(count, dtype=np.int64)), "line": lines})


def _no_array(reason: str) -> DoorError:
    return DoorError(400, "Not a batch of events", f"body: {reason}; repair it, or send one event a line as NDJSON")
