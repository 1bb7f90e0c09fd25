"""The one writer. Enters: arrivals from any thread, and jobs. Leaves: an outcome for each, once it is committed.

Arrivals of one source and door that wait together are staged and committed as one group, so that a commit is paid for
once. An arrival is acknowledged after its commit and never before; what was not is sent again by its sender, and the
store's key of (source, id) makes of that one fact.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from perunit.live.meters import Meters
from perunit.model.errors import PerunitError
from perunit.pipeline import Feed

if TYPE_CHECKING:
    from collections.abc import Callable

    from perunit.contract.project import Project
    from perunit.engine.duckdb import Engine
    from perunit.facts.arrivals import Arrival, Outcome
    from perunit.model.window import Clock

__all__ = ["ClosedError", "Intake", "Limits", "OverloadedError"]

T = TypeVar("T")


class OverloadedError(PerunitError):
    """Too much waits already; nothing of the arrival was taken. Try again after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"too many rows wait to be committed; send them again in {retry_after_seconds} s")


class ClosedError(PerunitError):
    """The intake takes nothing more; send it again when perunit serves again."""

    def __init__(self) -> None:
        super().__init__("perunit is shutting down; send it again in a moment")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait, how much is committed at once, and how often bills are allocated over new usage."""

    waiting_bytes: int = 64 << 20
    waiting_rows: int = 400_000
    group_rows: int = 50_000
    settle_seconds: float = 60.0


@dataclass(slots=True)
class _Waiting:
    arrival: Arrival
    future: Future[Outcome]
    bytes: int
    came: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class _Job:
    work: Callable[[Engine], Any]
    future: Future[Any]


class Intake:
    """Takes arrivals in, on a thread of its own that alone uses `engine` until `close` has returned."""

    def __init__(
        self,
        project: Project,
        engine: Engine,
        clock: Clock,
        *,
        limits: Limits | None = None,
        meters: Meters | None = None,
    ) -> None:
        self.meters = meters or Meters()
        self._limits = limits or Limits()
        self._engine = engine
        self._clock = clock
        self.adopt(project)
        self._queue: deque[_Waiting | _Job] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._unsettled = False
        self._settled_at = time.monotonic()
        self._bytes = self._rows = 0
        self._rows_per_second = 0.0
        self._writer = threading.Thread(target=self._write, name="perunit-writer", daemon=True)
        self._writer.start()

    @property
    def alive(self) -> bool:
        """Whether the writer runs; after a bug ended it nothing is stored any more."""
        return self._writer.is_alive()

    def adopt(self, project: Project) -> None:
        """Takes rows in by what `project` says from now on; on the writer, after `pipeline.start` with it."""
        self.project = project
        self._feed = Feed(project, self._engine, self._clock)

    def submit(self, arrival: Arrival) -> Future[Outcome]:
        """Hands rows over; the future has their outcome once they are committed, or why they could not be.

        Raises OverloadedError where too much waits, ClosedError after `close`; nothing of the arrival is kept then.
        """
        waiting = _Waiting(arrival, Future(), arrival.rows.nbytes)
        with self._changed:
            if self._closing:
                raise ClosedError
            if self._bytes and self._is_full(waiting):
                self.meters.refused.inc()
                raise OverloadedError(self._retry_after())
            self._count(waiting, 1)
            self._queue.append(waiting)
            self._changed.notify()
        return waiting.future

    def run(self, job: Callable[[Engine], T]) -> Future[T]:
        """Runs a job alone on the writer, in its turn; the future has what it returns or raises."""
        waiting = _Job(job, Future())
        with self._changed:
            if self._closing:
                raise ClosedError
            self._queue.append(waiting)
            self._changed.notify()
        return waiting.future

    def close(self) -> None:
        """Takes nothing more, and returns when all that waited is committed."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._writer.join()

    def _is_full(self, waiting: _Waiting) -> bool:
        return (
            self._bytes + waiting.bytes > self._limits.waiting_bytes
            or self._rows + waiting.arrival.rows.num_rows > self._limits.waiting_rows
        )

    def _retry_after(self) -> int:
        """Seconds until about half of what waits is committed at the rate of late."""
        seconds = self._rows / 2 / self._rows_per_second if self._rows_per_second else 1.0
        return max(1, min(60, math.ceil(seconds)))

    def _count(self, waiting: _Waiting, sign: int) -> None:
        self._bytes += sign * waiting.bytes
        self._rows += sign * waiting.arrival.rows.num_rows
        self.meters.waiting_bytes.set(self._bytes)
        self.meters.waiting_rows.set(self._rows)

    def _write(self) -> None:
        """The writer: jobs and groups in the order of the oldest that waits."""
        while (taken := self._next()) is not None:
            if isinstance(taken, _Job):
                self._do(taken)
            elif taken:
                self._commit(taken)
            if self._unsettled and self._idle_or_due():
                self._settle()
        if self._unsettled:
            self._settle()

    def _next(self) -> _Job | list[_Waiting] | None:
        """A job, or the arrivals of one group; an empty list when it is time to settle; None when all is done."""
        with self._changed:
            while not self._queue:
                if self._closing:
                    return None
                until_due = self._settled_at + self._limits.settle_seconds - time.monotonic()
                if not self._changed.wait(max(0.0, until_due) if self._unsettled else None):
                    return []
            first = self._queue[0]
            if isinstance(first, _Waiting):
                return self._group(first)
            self._queue.popleft()
            return first

    def _group(self, first: _Waiting) -> list[_Waiting]:
        """All that wait of the source and door of the oldest, up to the rows of a group."""
        rows, taken, left = 0, list[_Waiting](), deque[_Waiting | _Job]()
        for each in self._queue:
            if not isinstance(each, _Waiting) or not _alike(each.arrival, first.arrival):
                left.append(each)
                continue
            rows += each.arrival.rows.num_rows
            # Once one does not fit any more, none after it does: later ones must not overtake it.
            (left if taken and rows > self._limits.group_rows else taken).append(each)
        self._queue = left
        return taken

    def _do(self, job: _Job) -> None:
        if not job.future.set_running_or_notify_cancel():
            return
        try:
            job.future.set_result(job.work(self._engine))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the job
            job.future.set_exception(error)

    def _commit(self, group: list[_Waiting]) -> None:
        """Commits a group; where it cannot be, each arrival on its own, so that one does not fail the others."""
        started = time.monotonic()
        try:
            found = self._feed.take_in([each.arrival for each in group])
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for the arrival
            if len(group) > 1:
                for each in group:
                    self._commit([each])
                return
            self._done(group[0])
            if not group[0].future.cancelled():
                group[0].future.set_exception(error)
            return
        self._unsettled = True
        self._note_rate(sum(each.arrival.rows.num_rows for each in group), time.monotonic() - started)
        for each, outcome in zip(group, found, strict=True):
            self._done(each)
            self.meters.committed(each.arrival, outcome)
            self.meters.acknowledged.observe(time.monotonic() - each.came)
            if not each.future.cancelled():
                each.future.set_result(outcome)
        self.meters.groups.labels(group[0].arrival.source, group[0].arrival.door).inc()

    def _done(self, waiting: _Waiting) -> None:
        with self._changed:
            self._count(waiting, -1)

    def _note_rate(self, rows: int, seconds: float) -> None:
        rate = rows / max(seconds, 1e-3)
        self._rows_per_second = 0.8 * self._rows_per_second + 0.2 * rate if self._rows_per_second else rate

    def _idle_or_due(self) -> bool:
        return time.monotonic() - self._settled_at >= self._limits.settle_seconds

    def _settle(self) -> None:
        self._feed.settle()
        self._unsettled, self._settled_at = False, time.monotonic()


def _alike(one: Arrival, other: Arrival) -> bool:
    return one.source == other.source and one.door == other.door
