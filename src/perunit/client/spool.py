"""Events on disk until the server has them: append-only segments that survive the process, replayed in order.

A directory has slots ``0``, ``1``, …; each process holds one by a lock. A process that starts takes over what a dead
one left in a free slot. Within a slot: numbered segments, and ``cursor``, which says up to where the server has them.
A cursor that is behind costs repeats, which the server takes for the duplicates they are; it is never ahead.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perunit.client.frames import FRAME_BYTES, frame, read_frames
from perunit.client.limits import EVENT_BYTES_MAX

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Spool", "SpoolError"]

_SLOTS_MAX = 256
_SEGMENT_BYTES_MAX = 4 << 20
_SUFFIX = ".events"


class SpoolError(OSError):
    """The spool's directory cannot be used; its text says why and what to do."""


@dataclass(slots=True)
class _Segment:
    """One file of records. `waiting` counts those the server does not have, `at` is where the next one starts."""

    number: int
    path: Path
    size: int
    waiting: int
    at: int = 0
    given_up: bool = False


class Spool:
    """A queue on disk, see `queue.Queue`. What `put` has returned from survives the death of the process.

    Raises SpoolError where no slot of `directory` can be used.
    """

    def __init__(self, directory: Path, bytes_max: int, *, sync_each: bool = False) -> None:
        self.directory, self._bytes_max, self._sync_each = directory, bytes_max, sync_each
        self._segment_bytes = min(_SEGMENT_BYTES_MAX, bytes_max // 8)
        self.entered = self.left = self.lost = 0
        self._segments: list[_Segment] = []
        self._bytes = 0
        self._file, self._dirty = -1, False
        self._taken: tuple[_Segment, int, int] | None = None
        self._slot, self._lock = _free_slot(directory)
        self._open_leftovers()
        self._adopt()

    @property
    def slot(self) -> Path:
        """The directory that this process holds."""
        return self._slot

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the segments behind what was sent."""
        return sum(segment.size - segment.at for segment in self._segments)

    def room(self, size: int) -> bool:
        """A segment counts until all of it has been sent."""
        return self._bytes + size + FRAME_BYTES <= self._bytes_max

    def put(self, line: bytes) -> None:
        """Appends an event."""
        record = frame(line)
        active = self._active(len(record))
        try:
            written = os.write(self._file, record)
            if written < len(record):
                raise OSError(f"{active.path}: {written} of {len(record)} bytes were written")
            if self._sync_each:
                os.fsync(self._file)
        except OSError:
            # Half a record would only cost its own reading, but the file must not be longer than is known.
            with suppress(OSError):
                os.ftruncate(self._file, active.size)
            raise
        active.size += len(record)
        self._bytes += len(record)
        active.waiting += 1
        self.entered += 1
        self._dirty = True

    def drop_oldest(self) -> int:
        """The oldest segment whole, but for what is just being sent."""
        oldest = self._segments[0]
        if len(self._segments) == 1:
            return 0
        sending = self._taken[1] if self._taken and self._taken[0] is oldest else 0
        dropped = oldest.waiting - sending
        oldest.given_up, oldest.waiting = True, sending
        self._remove(oldest)
        self.left += dropped
        self.lost += dropped
        return dropped

    def take(self, events: int, size: int) -> list[bytes]:
        """Up to so many events and bytes of the oldest segment."""
        segment = next((each for each in self._segments if each.waiting), None)
        if segment is None:
            return []
        # One event more than is sent at once, for the first one may be larger than `size`.
        lines, end = _read(segment, size + EVENT_BYTES_MAX, events, size)
        if not lines:
            # Past damage that is longer than that.
            lines, end = _read(segment, segment.size, events, size)
        if not lines:
            self._count_lost(segment)
            return self.take(events, size)
        self._taken = (segment, len(lines), segment.at + end)
        return lines

    def done(self) -> None:
        """Moves the cursor, and removes a segment that is done with."""
        if self._taken is None:
            return
        (segment, count, end), self._taken = self._taken, None
        self.left += count
        segment.waiting -= count
        segment.at = end
        if segment.given_up:
            return
        if segment.waiting == 0 and segment is not self._segments[-1]:
            self._remove(segment)
        self._write_cursor(segment)

    def undo(self) -> None:
        """The cursor has not moved."""
        self._taken = None

    def unsynced(self) -> int:
        """Another descriptor of the active segment, so that it can be forced to the disk while it is written to."""
        handle = os.dup(self._file) if self._dirty else -1
        self._dirty = False
        return handle

    def _sync(self) -> None:
        if self._dirty:
            os.fsync(self._file)
        self._dirty = False

    def close(self) -> None:
        """Leaves what waits to the next process; an empty slot is left empty."""
        if self._file >= 0:
            self._sync()
        for segment in [each for each in self._segments if each.waiting == 0]:
            self._remove(segment)
        self.forget()

    def forget(self) -> None:
        """Closes the files without a word to the disk: the lock of the parent process is not released by that."""
        for handle in (self._file, self._lock):
            if handle >= 0:
                with suppress(OSError):
                    os.close(handle)
        self._file = self._lock = -1
        self._dirty = False

    def _active(self, size: int) -> _Segment:
        """The segment to append to, a new one where it would grow too long. One of an earlier process is not."""
        if self._file >= 0 and self._segments[-1].size + size <= self._segment_bytes:
            return self._segments[-1]
        number = self._segments[-1].number + 1 if self._segments else self._first_number()
        path = self._slot / f"{number:020d}{_SUFFIX}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        if self._file >= 0:
            self._sync()
            os.close(self._file)
        self._file = handle
        if self._segments and self._segments[-1].waiting == 0:
            self._remove(self._segments[-1])
        self._segments.append(_Segment(number, path, 0, 0))
        return self._segments[-1]

    def _first_number(self) -> int:
        """Above every number the cursor may speak of."""
        return _read_cursor(self._slot)[0] + 1

    def _remove(self, segment: _Segment) -> None:
        segment.path.unlink(missing_ok=True)
        self._segments.remove(segment)
        self._bytes -= segment.size

    def _count_lost(self, segment: _Segment) -> None:
        """What was damaged on disk since it was counted."""
        self.left += segment.waiting
        self.lost += segment.waiting
        segment.waiting, segment.at = 0, segment.size

    def _write_cursor(self, segment: _Segment) -> None:
        body = f"{segment.number:020d} {segment.at:020d}"
        path = self._slot / "cursor"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(handle, f"{body} {zlib.crc32(body.encode()):08x}\n".encode(), 0)
        finally:
            os.close(handle)

    def _open_leftovers(self) -> None:
        for segment in _leftovers(self._slot):
            self._segments.append(segment)
            self._bytes += segment.size
            self.entered += segment.waiting

    def _adopt(self) -> None:
        """Copies what dead processes have left in other slots; killed between copy and removal, it is sent twice."""
        for other in sorted(self.directory.iterdir()):
            if other == self._slot or not other.is_dir() or (lock := _locked(other)) < 0:
                continue
            try:
                found = _leftovers(other)
                if not self.room(sum(segment.size for segment in found)):
                    continue
                for segment in found:
                    for line, _ in read_frames(segment.path.read_bytes(), segment.at):
                        self.put(line)
                self._sync()
                for segment in found:
                    segment.path.unlink(missing_ok=True)
            finally:
                os.close(lock)


def _read(segment: _Segment, window: int, events: int, size: int) -> tuple[list[bytes], int]:
    """Up to so many events and bytes from where the segment was left, and how far behind that they end."""
    try:
        with segment.path.open("rb") as file:
            file.seek(segment.at)
            data = file.read(window + FRAME_BYTES)
    except FileNotFoundError:
        return [], 0
    lines: list[bytes] = []
    total = end = 0
    for line, behind in read_frames(data):
        if lines and (len(lines) == events or total + len(line) > size):
            break
        lines.append(line)
        total, end = total + len(line), behind
    return lines, end


def _free_slot(directory: Path) -> tuple[Path, int]:
    """The first slot that no living process holds, and its lock."""
    for number in range(_SLOTS_MAX):
        slot = directory / str(number)
        try:
            slot.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = _locked(slot)
        except OSError as error:
            raise SpoolError(f"spool {slot}: {error.strerror}; name a directory that can be written to") from error
        if lock >= 0:
            return slot, lock
    raise SpoolError(f"spool {directory}: {_SLOTS_MAX} processes hold it; give other services their own directory")


def _locked(slot: Path) -> int:
    """The descriptor of the slot's lock, -1 where another process has it."""
    handle = os.open(slot / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return -1
    return handle


def _leftovers(slot: Path) -> list[_Segment]:
    """The segments of a slot with something in them that was not sent, oldest first; others are removed."""
    number_done, at_done = _read_cursor(slot)
    found = []
    for path in sorted(slot.glob(f"*{_SUFFIX}")):
        number = int(path.stem) if path.stem.isdigit() else -1
        at = at_done if number == number_done else 0
        data = path.read_bytes()
        waiting = sum(1 for _ in read_frames(data, at)) if number >= number_done else 0
        if waiting:
            found.append(_Segment(number, path, len(data), waiting, at))
        elif number >= 0:
            path.unlink()
    return found


def _read_cursor(slot: Path) -> tuple[int, int]:
    """(segment, offset) up to where the server has all; the beginning of all where the file is not whole."""
    try:
        number, at, checksum = (slot / "cursor").read_text("ascii").split()
        if int(checksum, 16) == zlib.crc32(f"{number} {at}".encode()):
            return int(number), int(at)
    except (OSError, ValueError):
        pass
    return 0, 0
