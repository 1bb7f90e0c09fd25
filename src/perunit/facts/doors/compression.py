"""The content codings of a message's body. Enters: bytes as they were sent. Leaves: bytes as they were meant.

A few kilobytes can decompress to gigabytes, so no more than a stated limit is ever made of them.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import zstandard

from perunit.facts.arrivals import DoorError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CODINGS", "decompressed"]

CODINGS = ("gzip", "zstd")
# A block of four bytes may stand for 128 KiB, so what one step makes stays below 16 MiB.
_ZSTD_STEP_BYTES = 512
# RFC 8878 asks of every decoder no more than this; a larger window would be memory for the sender to claim.
_ZSTD_WINDOW_BYTES_MAX = 8 << 20


def decompressed(body: bytes, coding: str | None, limit: int) -> bytes:
    """`body` without its content coding (gzip, zstd, or none), at most `limit` bytes.

    Raises DoorError: 415 for another coding, 413 beyond the limit, 400 where it is cut short or broken.
    """
    name = (coding or "identity").strip().lower()
    if name in ("", "identity"):
        return body
    undo = _UNDO.get(name)
    if undo is None:
        raise DoorError(
            415,
            "Unsupported content coding",
            f"Content-Encoding: got {name[:100]!r}, must be {' or '.join(CODINGS)}; send one of them, or none",
        )
    try:
        return undo(body, limit)
    except (zlib.error, zstandard.ZstdError) as error:
        raise _broken(name, str(error)) from error


def _gunzip(body: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    size, rest = 0, body
    while rest:
        member = zlib.decompressobj(wbits=31)
        parts.append(member.decompress(rest, limit + 1 - size))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
        if not member.eof:
            raise _broken("gzip", "it ends before its end mark")
        rest = member.unused_data
    return b"".join(parts)


def _unzstd(body: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    size, frame = 0, None
    for start in range(0, len(body), _ZSTD_STEP_BYTES):
        data = body[start : start + _ZSTD_STEP_BYTES]
        while data:
            frame = frame or zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES_MAX).decompressobj()
            parts.append(frame.decompress(data))
            size += len(parts[-1])
            if size > limit:
                raise _too_large(limit)
            data, frame = (frame.unused_data, None) if frame.eof else (b"", frame)
    if frame is not None:
        raise _broken("zstd", "it ends within a frame")
    return b"".join(parts)


_UNDO: dict[str, Callable[[bytes, int], bytes]] = {"gzip": _gunzip, "x-gzip": _gunzip, "zstd": _unzstd}


def _too_large(limit: int) -> DoorError:
    detail = f"body: more than {limit:,} bytes when decompressed, that many are allowed; send fewer events at once"
    return DoorError(413, "Content too large", detail)


def _broken(name: str, reason: str) -> DoorError:
    detail = f"body: is no whole {name} ({reason}), as Content-Encoding says it is; compress and send it again"
    return DoorError(400, "Broken content coding", detail)
