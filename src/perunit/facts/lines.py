"""Reads a file of lines in groups. Enters: a path. Leaves: Arrow tables of (position, line), with a digest each.

Any size in constant memory: plain, gzip and zstd, UTF-8 (with or without BOM) and UTF-16. A line is never cut,
and the same bytes are always grouped alike, so that a group can be recognised when it comes again.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import zstandard

from perunit.model.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["LINE_BYTES_MAX", "LineGroup", "line_groups", "line_rows", "open_bytes", "valid_text"]

GROUP_BYTES = 192 << 20
LINE_BYTES_MAX = 64 << 20
_READ_BYTES = 8 << 20
_SCAN_BYTES = 1 << 20
_NEWLINE = 10
_BLANK_BYTES_MAX = 8
_BATCH_ROWS = 20_480


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class LineGroup:
    """Whole lines of one file. `rows` has `position` (from 1 in the file) and `line`; blank lines are left out.

    `bytes_done` counts bytes of the file as it lies on disk, for progress.
    """

    number: int
    rows: pa.Table
    blank: int
    digest: str
    bytes_done: int


def open_bytes(path: Path, encoding: str | None = None) -> tuple[_Readable, BinaryIO]:
    """The decompressed UTF-8 bytes of a file, and the file itself (to tell how far it was read).

    Raises InputError for a file that is not there or cannot be opened.
    """
    try:
        # Closed by the caller, with the stream that wraps it.
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; name a file that can be read") from error
    head = file.read(4)
    file.seek(0)
    stream: _Readable = file
    if head[:2] == b"\x1f\x8b":
        stream = gzip.GzipFile(fileobj=file)
    elif head == b"\x28\xb5\x2f\xfd":
        stream = _Zstd(file)
    try:
        return _as_utf8(_Checked(stream, path), path, encoding), file
    except BaseException:
        file.close()
        raise


def _as_utf8(stream: _Readable, path: Path, encoding: str | None) -> _Readable:
    """`stream` without a BOM, transcoded where it is not UTF-8."""
    head = stream.read(4)
    if encoding is None:
        if head.startswith(codecs.BOM_UTF8):
            return _Prefixed(head[3:], stream)
        utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        if not utf16:
            return _Prefixed(head, stream)
        encoding = "utf-16"
    if codecs.lookup(encoding).name == "utf-8":
        return _Prefixed(head.removeprefix(codecs.BOM_UTF8), stream)
    return _Transcoded(_Prefixed(head, stream), encoding, path)


class _Checked:
    """A stream that may be cut short or broken; says which file."""

    def __init__(self, stream: _Readable, path: Path) -> None:
        self._stream, self._path = stream, path

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._stream.read(size)
        except (EOFError, zlib.error, zstandard.ZstdError, OSError) as error:
            reason = f"cannot be decompressed or read ({error})"
            raise InputError(f"{self._path}: {reason}; fetch the file again") from error


class _Zstd:
    """Decompressed zstd frames; unlike the library's reader it tells an end within a frame from the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._within = False

    def read(self, size: int = -1, /) -> bytes:
        while True:
            data = self._frame.unused_data if self._frame.eof else b""
            data = data or self._file.read(max(size, _READ_BYTES))
            if not data:
                if self._within:
                    raise EOFError("it ends within a zstd frame")
                return b""
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            out = self._frame.decompress(data)
            self._within = not self._frame.eof
            if out:
                return out


class _Prefixed:
    """A stream that starts with bytes already taken from it."""

    def __init__(self, prefix: bytes, stream: _Readable) -> None:
        self._prefix, self._stream = prefix, stream

    def read(self, size: int = -1, /) -> bytes:
        if self._prefix:
            prefix, self._prefix = self._prefix, b""
            return prefix
        return self._stream.read(size)


class _Transcoded:
    """A stream in another encoding, as UTF-8."""

    def __init__(self, stream: _Readable, encoding: str, path: Path) -> None:
        self._stream, self._path, self._encoding = stream, path, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def read(self, size: int = -1, /) -> bytes:
        while True:
            data = self._stream.read(size)
            try:
                text = self._decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{self._path}: byte {error.start} is not {self._encoding} ({error.reason}); "
                    "save the file as UTF-8 or state its encoding"
                ) from error
            if text or not data:
                return text.encode()


def line_groups(path: Path, *, encoding: str | None = None, group_bytes: int = GROUP_BYTES) -> Iterator[LineGroup]:
    """The lines of a file in groups of about `group_bytes`; the next group is made while one is worked on."""
    stream, file = open_bytes(path, encoding)
    with file, ThreadPoolExecutor(1) as pool:
        groups = _groups(stream, file, path, group_bytes)
        ahead = pool.submit(next, groups, None)
        while (group := ahead.result()) is not None:
            ahead = pool.submit(next, groups, None)
            yield group


def _groups(stream: _Readable, file: BinaryIO, path: Path, group_bytes: int) -> Iterator[LineGroup]:
    first_line = 1
    for number, data in enumerate(_whole_lines(stream, path, group_bytes)):
        rows, blank = line_rows(data, first_line)
        first_line += len(rows) + blank
        # The engine reads a table's batches in parallel, and a single batch on one core.
        rows = pa.Table.from_batches(rows.to_batches(max_chunksize=_BATCH_ROWS), rows.schema)
        yield LineGroup(number, rows, blank, hashlib.sha256(data).hexdigest(), file.tell())


def _whole_lines(stream: _Readable, path: Path, group_bytes: int) -> Iterator[bytearray]:
    """Runs of whole lines, each ending in a newline."""
    data, filled = bytearray(group_bytes + _READ_BYTES), 0
    while block := stream.read(_READ_BYTES):
        if filled + len(block) > len(data):
            data.extend(bytes(len(block)))
        data[filled : filled + len(block)] = block
        filled += len(block)
        if filled < group_bytes:
            continue
        cut = data.rfind(b"\n", 0, filled) + 1
        if cut:
            rest = data[cut:filled]
            del data[cut:]
            yield data
            data, filled = bytearray(group_bytes + _READ_BYTES), len(rest)
            data[:filled] = rest
        elif filled > max(group_bytes, LINE_BYTES_MAX):
            raise InputError(
                f"{path}: no line end within {filled:,} bytes, a line may have {LINE_BYTES_MAX:,}; "
                "write one record a line"
            )
    del data[filled:]
    if data:
        if not data.endswith(b"\n"):
            data += b"\n"
        yield data


def line_rows(data: bytes | bytearray, first: int) -> tuple[pa.Table, int]:
    """(position, line) of the lines of `data`, counted from `first`, and how many blank ones were left out.

    `data` ends in a newline. Lines are Arrow strings over the bytes themselves; nothing is copied.
    """
    ends = _newlines(data)
    offsets = np.empty(len(ends) + 1, np.int64)
    offsets[0] = 0
    offsets[1:] = ends + 1
    lines = pa.Array.from_buffers(pa.large_string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    positions = pa.array(np.arange(first, first + len(ends), dtype=np.int64))
    rows = pa.table({"position": positions, "line": valid_text(lines)})
    # Only a short line can be blank; longer runs of spaces are left to the contract to refuse.
    filled = np.diff(offsets) > _BLANK_BYTES_MAX
    short = np.flatnonzero(~filled)
    filled[short] = [bool(data[offsets[i] : offsets[i + 1]].strip()) for i in short]
    blank = int(len(ends) - filled.sum())
    return (rows.filter(pa.array(filled)) if blank else rows), blank


def _newlines(data: bytes | bytearray) -> NDArray[np.int64]:
    """Offsets of all newlines; scanned in blocks that stay in the processor's cache."""
    view = np.frombuffer(data, np.uint8)
    parts = [
        np.flatnonzero(view[start : start + _SCAN_BYTES] == _NEWLINE) + start
        for start in range(0, len(view), _SCAN_BYTES)
    ]
    return np.concatenate(parts).astype(np.int64, copy=False)


def valid_text(lines: pa.Array) -> pa.Array:
    """`lines` as valid UTF-8: a byte that is not becomes its escape, which makes of the line no JSON."""
    try:
        lines.validate(full=True)
    except pa.ArrowInvalid:
        raw = lines.cast(pa.large_binary(), safe=False)
        return pa.array([value.decode("utf-8", "backslashreplace") for value in raw.to_pylist()], pa.large_string())
    return lines
