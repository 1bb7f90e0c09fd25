"""What waits and the thread that sends it. Enters: encoded events. Leaves: requests, and what became of each event."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from typing import TYPE_CHECKING

from perunit.client.transport import Accepted, Problem, Refused, Retry, Transport, event_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from perunit.client.limits import Limits
    from perunit.client.queue import Queue

__all__ = ["Outbox"]

_KINDS = ("accepted", "duplicate", "conflict", "rejected")
_SYNC_SECONDS = 1.0
_JOIN_SECONDS = 1.0
_log = logging.getLogger("perunit.client")


class Outbox:
    """A bounded queue and its sender, safe in threads; `after_fork` makes of an inherited one an empty one."""

    def __init__(
        self,
        make_queue: Callable[[], Queue],
        make_transport: Callable[[], Transport],
        limits: Limits,
        tell: Callable[[Problem], None],
    ) -> None:
        self._make_queue, self._make_transport, self._limits, self._tell = make_queue, make_transport, limits, tell
        self._queue: Queue | None = make_queue()
        self._reset()
        if self._waiting():
            # What an earlier process has left in the spool.
            self._start()

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._transport = self._make_transport()
        self._counts: Counter[str] = Counter()
        self._closed = self._nudged = self._sleeping = self._away = self._full = False
        self._hurry_until = 0
        self._since = self._synced = time.monotonic()

    def after_fork(self) -> None:
        """In the child: the parent sends what it had."""
        if self._queue is not None:
            self._queue.forget()
        # Made with the next event: here an error could not be told to anyone.
        self._queue = None
        self._reset()

    def put(self, line: bytes) -> str | None:
        """Keeps an event; where it cannot, why not: ``closed``, ``full``, or what the disk said."""
        with self._changed:
            reason = self._put(line)
            if reason is not None:
                self._counts["not entered"] += 1
                return reason
            self._start()
            self._wake()
        return None

    def _put(self, line: bytes) -> str | None:
        if self._closed:
            return "closed"
        try:
            if self._queue is None:
                self._queue = self._make_queue()
            if not self._make_room(self._queue, len(line)):
                return "closed" if self._closed else "full"
            self._queue.put(line)
        except OSError as error:
            return str(error)
        if self._queue.entered - self._queue.left == 1:
            self._since = time.monotonic()
        return None

    def _make_room(self, queue: Queue, size: int) -> bool:
        if queue.room(size):
            return True
        if self._limits.when_full == "block":
            self._start()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or queue.room(size), self._limits.block_seconds)
            return queue.room(size) and not self._closed
        while not queue.room(size):
            if not queue.drop_oldest():
                return False
            if not self._full:
                self._full = True
                _log.warning("there is no room, the events that waited longest are dropped")
        return True

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="perunit-events", daemon=True)
            self._thread.start()

    def _wake(self) -> None:
        """Only where the sender has something to do: waking it for each event would cost more than the event."""
        if self._sleeping and (self._is_due() or self._waiting() == 1):
            self._changed.notify_all()

    def _waiting(self) -> int:
        return self._queue.entered - self._queue.left if self._queue is not None else 0

    def counts(self) -> dict[str, int]:
        """What became of the events, by kind, and what waits."""
        with self._changed:
            counts, queue = dict(self._counts), self._queue
            outside = counts.pop("not entered", 0)
            counts["emitted"] = outside + (queue.entered if queue else 0)
            counts["dropped"] = outside + (queue.lost if queue else 0)
            counts["waiting"] = self._waiting()
            return counts

    def flush(self, timeout: float | None) -> bool:
        """Sends what waits now without waiting for more; whether all of it has left within `timeout`."""
        with self._changed:
            queue = self._queue
            if queue is None or queue.left >= queue.entered:
                return True
            until = queue.entered
            self._hurry_until, self._nudged = max(self._hurry_until, until), True
            if not self._closed:
                self._start()
            self._changed.notify_all()
            return self._changed.wait_for(lambda: queue.left >= until, timeout)

    def close(self, timeout: float | None) -> bool:
        """Flushes, ends the thread and lets go of the queue."""
        if self._closed:
            return True
        sent = self.flush(timeout)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)
        with self._changed:
            if self._queue is not None:
                with suppress(OSError):
                    self._queue.close()
        self._transport.close()
        return sent

    def _run(self) -> None:
        while not self._closed:
            try:
                self._send_next()
            except Exception:  # noqa: BLE001 - a sender that dies would lose all that follows
                _log.exception("events could not be sent and wait again")
                self._undo()
                self._pause(self._limits.retry_seconds_max)

    def _send_next(self) -> None:
        """Waits until a batch is due, or the disk is, and sends it."""
        with self._changed:
            queue, limits, lines = self._queue, self._limits, list[bytes]()
            if queue is not None and self._is_due():
                lines = queue.take(limits.batch_events, limits.batch_bytes)
                self._since = time.monotonic()
            elif not self._closed:
                self._sleep()
        self._sync()
        if lines and not self._deliver(lines):
            self._undo()

    def _undo(self) -> None:
        with self._changed:
            if self._queue is not None:
                self._queue.undo()

    def _is_due(self) -> bool:
        queue, limits = self._queue, self._limits
        if queue is None or queue.left == queue.entered:
            return False
        return (
            queue.left < self._hurry_until
            or queue.entered - queue.left >= limits.batch_events
            or time.monotonic() - self._since >= limits.linger_seconds
            or queue.waiting_bytes >= limits.batch_bytes
        )

    def _sleep(self) -> None:
        seconds = None
        if self._waiting():
            seconds = max(0.001, self._since + self._limits.linger_seconds - time.monotonic())
        if self._limits.fsync == "second":
            seconds = min(_SYNC_SECONDS, seconds or _SYNC_SECONDS)
        self._sleeping = True
        self._changed.wait(seconds)
        self._sleeping = False

    def _sync(self) -> None:
        """Forces the spool to the disk about once a second; outside of the lock, so that no event waits for it."""
        if self._limits.fsync != "second" or time.monotonic() - self._synced < _SYNC_SECONDS:
            return
        self._synced = time.monotonic()
        with self._changed:
            handle = self._queue.unsynced() if self._queue is not None else -1
        if handle >= 0:
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _deliver(self, lines: list[bytes]) -> bool:
        """Sends a batch until the server has it; a part that it refuses is halved until the culprit is alone."""
        parts, tries, tally = deque([lines]), 0, Counter[str]()
        problems: list[Problem] = []
        while parts:
            answer = self._transport.send(parts[0])
            if isinstance(answer, Retry):
                if not self._wait_to_retry(answer, tries):
                    return False
                tries += 1
                continue
            self._note_back()
            tries, part = 0, parts.popleft()
            if isinstance(answer, Accepted):
                tally.update({kind: getattr(answer, kind) for kind in _KINDS})
                problems += answer.problems
            elif len(part) > 1:
                middle = len(part) // 2
                parts.extendleft((part[middle:], part[:middle]))
            else:
                tally["refused"] += 1
                problems.append(_refused(answer, part[0]))
        self._settle(tally)
        for problem in problems:
            self._tell(problem)
        return True

    def _settle(self, tally: Counter[str]) -> None:
        with self._changed:
            # Once closed the spool may be another process's; what was sent is then sent again, and known there.
            if not self._closed and self._queue is not None:
                self._queue.done()
                self._counts.update(tally)
            self._changed.notify_all()

    def _wait_to_retry(self, answer: Retry, tries: int) -> bool:
        with self._changed:
            self._counts["retries"] += 1
        if not self._away:
            self._away = True
            _log.warning("events wait, the server does not take them: %s", answer.reason)
        limits = self._limits
        grown = min(limits.retry_seconds_max, limits.retry_seconds * 2 ** min(tries, 30))
        # Jitter, so that clients that lost the server together do not come back together.
        return self._pause(answer.after_seconds + grown * random.uniform(0.5, 1), at_least=answer.after_seconds)  # noqa: S311

    def _pause(self, seconds: float, at_least: float = 0) -> bool:
        """Waits, shorter where a flush asks to try at once; False once the outbox is closed."""
        end, earliest = time.monotonic() + seconds, time.monotonic() + at_least
        with self._changed:
            self._nudged = False
        while (left := (earliest if self._nudged else end) - time.monotonic()) > 0 and not self._closed:
            with self._changed:
                self._changed.wait(min(left, _SYNC_SECONDS))
            self._sync()
        return not self._closed

    def _note_back(self) -> None:
        if self._away:
            self._away = self._full = False
            _log.info("the server takes events again")


def _refused(answer: Refused, line: bytes) -> Problem:
    event = event_of(line)
    expected = answer.detail or "must be an event the server takes; see its log"
    return Problem("refused", event.get("id"), event.get("type"), f"HTTP {answer.status}", "event", None, expected)
