"""How a command line reaches the server that holds its project: a request, then frames, over a Unix socket.

The request is one line of JSON: the words, and what the answer depends on at the caller's end (`Caller`). Each frame is
a kind, a length and that many bytes: standard output, standard error, or the exit code, which is the last one.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ERR", "EXIT", "OUT", "Caller", "read_caller", "read_frame", "short_path", "write_frame"]

OUT, ERR, EXIT = 1, 2, 0
_HEAD = struct.Struct(">BI")
_FRAME_BYTES_MAX = 1 << 20
_REQUEST_BYTES_MAX = 4 << 20
# sun_path has 104 bytes on some systems, the last for its end.
_PATH_BYTES_MAX = 103


class Readable(Protocol):
    """What requests and frames are read from."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    """What requests and frames are written to."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """A command line and its surroundings: where it stands, what kind of screen it writes to, which key it has."""

    words: list[str]
    directory: str
    columns: int
    lines: int
    out_is_terminal: bool
    err_is_terminal: bool
    out_encoding: str
    environment: dict[str, str]
    key: str | None = field(default=None, repr=False)

    def written(self) -> bytes:
        """The request as it goes over the wire."""
        return json.dumps(asdict(self)).encode() + b"\n"


def read_caller(file: Readable) -> Caller:
    """The request at the start of a connection. Raises ValueError for what is none."""
    line = file.readline(_REQUEST_BYTES_MAX)
    try:
        said = json.loads(line)
        return Caller(**{each.name: said[each.name] for each in fields(Caller)})
    except (KeyError, TypeError) as error:
        raise ValueError(f"{error} is missing") from error


def write_frame(file: Writable, kind: int, payload: bytes) -> None:
    """Sends one piece, cut where it is longer than a frame may be."""
    for start in range(0, max(len(payload), 1), _FRAME_BYTES_MAX):
        part = payload[start : start + _FRAME_BYTES_MAX]
        file.write(_HEAD.pack(kind, len(part)) + part)
    file.flush()


def read_frame(file: Readable) -> tuple[int, bytes]:
    """(kind, payload) of the next frame. Raises EOFError where the other side is gone."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError
    kind, length = _HEAD.unpack(head)
    payload = file.read(length)
    if len(payload) < length:
        raise EOFError
    return kind, payload


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """`path` by a name that fits a socket's address: itself, or through a link to its folder in a temporary one."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 - links of the person's own choosing stay as they are
    if len(os.fsencode(path)) <= _PATH_BYTES_MAX:
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="perunit-") as folder:
        link = Path(folder) / "d"
        link.symlink_to(path.parent)
        yield str(link / path.name)
