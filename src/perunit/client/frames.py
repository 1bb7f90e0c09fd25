"""Records in an append-only file: each with its length and checksum, so that a torn or damaged one is never read.

A record is ``RS, length (8 hex digits), CRC-32 of length and text (8 hex digits), text, LF``. RS is the byte 0x1E,
which JSON cannot contain, so after damage reading goes on at the next RS: what is damaged is lost, and no more.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FRAME_BYTES", "frame", "read_frames"]

_START, _END = b"\x1e", b"\n"
_HEAD = 17
FRAME_BYTES = _HEAD + 1


def frame(text: bytes) -> bytes:
    r"""The record of a text.

    >>> frame(b"{}")
    b'\x1e000000021806077b{}\n'
    """
    length = b"%08x" % len(text)
    return b"%b%b%08x%b%b" % (_START, length, zlib.crc32(text, zlib.crc32(length)), text, _END)


def read_frames(data: bytes, at: int = 0) -> Iterator[tuple[bytes, int]]:
    """(text, offset behind its record) of each whole record from `at` on."""
    while (at := data.find(_START, at)) >= 0:
        text = _text_at(data, at)
        if text is None:
            at += 1
        else:
            at += FRAME_BYTES + len(text)
            yield text, at


def _text_at(data: bytes, at: int) -> bytes | None:
    """The text of the record at `at`, None where none stands there whole."""
    length = _number(data[at + 1 : at + 9])
    if length is None or at + FRAME_BYTES + length > len(data):
        return None
    text = data[at + _HEAD : at + _HEAD + length]
    same = _number(data[at + 9 : at + _HEAD]) == zlib.crc32(text, zlib.crc32(data[at + 1 : at + 9]))
    return text if same and data[at + _HEAD + length : at + FRAME_BYTES + length] == _END else None


def _number(digits: bytes) -> int | None:
    try:
        # isalnum: int() would also take signs, spaces and underscores.
        return int(digits, 16) if len(digits) == 8 and digits.isalnum() else None
    except ValueError:
        return None
