"""What waits to be sent: in memory here, on disk in `spool.py`. Both are used under the lock of `Events`."""

from __future__ import annotations

from collections import deque
from typing import Protocol

__all__ = ["Memory", "Queue"]


class Queue(Protocol):
    """First in, first out. `entered` − `left` is what waits, events that were taken and are not done included.

    `lost` of those that have left were given up.
    """

    entered: int
    left: int
    lost: int

    @property
    def waiting_bytes(self) -> int:
        """About how many bytes wait."""

    def room(self, size: int) -> bool:
        """Whether an event of `size` bytes fits."""

    def put(self, line: bytes) -> None:
        """Keeps an event; raises OSError where it cannot."""

    def drop_oldest(self) -> int:
        """Gives up what has waited longest and is not being sent; how many events that were."""

    def take(self, events: int, size: int) -> list[bytes]:
        """The oldest, up to so many and so many bytes, but at least one; they wait until they are `done`."""

    def done(self) -> None:
        """Forgets what was taken last: the server has it."""

    def undo(self) -> None:
        """Lets what was taken last wait again."""

    def unsynced(self) -> int:
        """A descriptor that is to be forced to the disk and closed, -1 where there is none."""

    def close(self) -> None:
        """Lets go of files; what waits on disk stays there."""

    def forget(self) -> None:
        """Lets go of what a forked process has inherited and must not touch."""


class Memory:
    """Events in memory, bounded by their bytes."""

    def __init__(self, bytes_max: int) -> None:
        self.entered = self.left = self.lost = 0
        self._lines: deque[bytes] = deque()
        self._taken: list[bytes] = []
        self._bytes = self._taken_bytes = 0
        self._bytes_max = bytes_max

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait and are not being sent."""
        return self._bytes

    def room(self, size: int) -> bool:
        """What is being sent counts too."""
        return self._bytes + self._taken_bytes + size <= self._bytes_max

    def put(self, line: bytes) -> None:
        """Keeps an event."""
        self._lines.append(line)
        self._bytes += len(line)
        self.entered += 1

    def drop_oldest(self) -> int:
        """One event, or none where all that waits is being sent."""
        if not self._lines:
            return 0
        self._bytes -= len(self._lines.popleft())
        self.left += 1
        self.lost += 1
        return 1

    def take(self, events: int, size: int) -> list[bytes]:
        """Up to so many events and bytes."""
        lines: list[bytes] = []
        total = 0
        while self._lines and len(lines) < events and (not lines or total + len(self._lines[0]) <= size):
            lines.append(self._lines.popleft())
            total += len(lines[-1])
        self._bytes -= total
        self._taken, self._taken_bytes = lines, total
        return lines

    def done(self) -> None:
        """Forgets them."""
        self.left += len(self._taken)
        self._taken, self._taken_bytes = [], 0

    def undo(self) -> None:
        """Puts them back in front."""
        self._lines.extendleft(reversed(self._taken))
        self._bytes += self._taken_bytes
        self._taken, self._taken_bytes = [], 0

    def unsynced(self) -> int:
        """Memory is not kept."""
        return -1

    def close(self) -> None:
        """Nothing is open."""

    def forget(self) -> None:
        """The parent process sends what it had."""
        self._lines.clear()
