"""The one writer. Enters: arrivals from any thread, and jobs. Leaves: an outcome for each, once it is committed.

Arrivals of one source and door that wait together are staged and committed as one group, so that a commit is paid for
once. An arrival is acknowledged after its commit and never before; what was not is sent again by its sender, and the
store's key of (source, id) makes of that one fact. Sums follow on another thread (`summing.py`).
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from perunit.engine.duckdb import Snapshot
from perunit.feed import Feed
from perunit.live.meters import Meters
from perunit.live.summing import Summer
from perunit.model.errors import PerunitError
from perunit.pipeline import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perunit.contract.project import Project
    from perunit.engine.duckdb import Engine
    from perunit.facts.arrivals import Arrival, Outcome
    from perunit.model.window import Clock

__all__ = ["ClosedError", "Intake", "Limits", "OverloadedError"]

T = TypeVar("T")
# How much of the time that a group took those who were answered are given to send their next.
_PATIENCE_SHARE = 0.2


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
    """How much may wait, how much is committed at once, how soon sums follow, how often bills are allocated, and how
    long those who were just answered are waited for at most.
    """

    waiting_bytes: int = 64 << 20
    waiting_rows: int = 400_000
    group_rows: int = 20_000
    sum_seconds: float = 0.3
    settle_seconds: float = 60.0
    patience_seconds: float = 0.025


@dataclass(slots=True)
class _Waiting:
    arrival: Arrival
    future: Future[Outcome]
    bytes: int
    number: int = 0
    came: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class _Job:
    work: Callable[[Engine], Any]
    future: Future[Any]
    number: int = 0
    alone: bool = False


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
        # Shown every group after its arrivals were acknowledged, on the writer.
        self.observers: list[Callable[[Sequence[Arrival]], None]] = []
        # How often a job ran alone, which may have changed more than what facts add to.
        self.rewrites = 0
        # Called first of all when it closes: whoever has connections of their own gives them up.
        self.at_close: list[Callable[[], None]] = []
        self._limits = limits or Limits()
        self._engine, self._clock = engine, clock
        # The log is read again at the start after a crash; while it is written out, commits wait.
        engine.execute("SET checkpoint_threshold = '128MB'")
        self._queue, self._jobs, self._alone = deque[_Waiting](), deque[_Job](), deque[_Job]()
        self._changed = threading.Condition()
        self._closing = False
        self._bytes = self._rows = self._numbers = 0
        self._rows_per_second = 0.0
        self._patient_until, self._expected = 0.0, 0
        self._summer = Summer(
            project,
            engine.sibling(),
            self.meters,
            every_seconds=self._limits.sum_seconds,
            settle_seconds=self._limits.settle_seconds,
            released=self._wake,
        )
        self.adopt(project)
        self._writer = threading.Thread(target=self._write, name="perunit-writer", daemon=True)
        self._writer.start()

    @property
    def alive(self) -> bool:
        """Whether the writer runs; after a bug ended it nothing is stored any more."""
        return self._writer.is_alive()

    def adopt(self, project: Project) -> None:
        """Takes rows in by what `project` says from now on; on the writer, after `pipeline.start` with it."""
        self.project = project
        self._summer.project = project
        self._feed = Feed(project, self._engine, self._clock)

    def sum_soon(self) -> None:
        """Has sums follow what a job has changed, as they follow facts."""
        self._summer.note()

    @property
    def failing(self) -> BaseException | None:
        """Why the sums do not follow the facts at present; None while they do."""
        return self._summer.error

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
            self._numbers += 1
            waiting.number = self._numbers
            self._queue.append(waiting)
            self._changed.notify()
        return waiting.future

    def run(self, job: Callable[[Engine], T]) -> Future[T]:
        """Runs a short job on the writer after what was submitted before it; it leaves sums and allocations alone.

        The future has what it returns or raises. Arrivals wait meanwhile, so what only reads is for a `Snapshot`.
        """
        return self._submit_job(_Job(job, Future()), self._jobs)

    def run_alone(self, job: Callable[[Engine], T]) -> Future[T]:
        """Runs a job on the writer as `run` does, once no sums are being made: it may write any table."""
        return self._submit_job(_Job(job, Future(), alone=True), self._alone)

    def _submit_job(self, job: _Job, queue: deque[_Job]) -> Future[Any]:
        with self._changed:
            if self._closing:
                raise ClosedError
            self._numbers += 1
            job.number = self._numbers
            queue.append(job)
            self._summer.hold(bool(self._alone))
            self._changed.notify()
        return job.future

    @property
    def version(self) -> int:
        """Grows after every change of what figures rest on; while it stays, so do they."""
        return self._summer.version

    def settled(self) -> Future[Snapshot]:
        """A snapshot of the store with its sums and allocations brought up to all facts committed until then."""

        def job(engine: Engine) -> Snapshot:
            settle(self.project, engine)
            return Snapshot(engine)

        return self.run_alone(job)

    def close(self) -> None:
        """Takes nothing more, and returns when all that waited is committed and summed, and readers are gone."""
        for end in self.at_close:
            end()
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._writer.join()
        self._summer.close()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify()

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
        while (taken := self._next()) is not None:
            if isinstance(taken, _Job):
                self._do(taken)
            elif taken:
                self._commit(taken)

    def _next(self) -> _Job | list[_Waiting] | None:
        """The next job or the arrivals of one group; None when all is done.

        A job that is to be alone waits while sums are made; others and arrivals go before it then.
        """
        with self._changed:
            while True:
                if self._is_next(self._jobs):
                    return self._jobs.popleft()
                if self._is_next(self._alone) and self._summer.alone.acquire(blocking=False):
                    return self._alone.popleft()
                if self._queue and (patience := self._patience()) > 0:
                    self._changed.wait(patience)
                elif self._queue:
                    return self._group()
                elif self._closing and not self._alone:
                    return None
                else:
                    self._changed.wait()

    def _patience(self) -> float:
        """How many seconds those who were just answered are still given to send their next.

        Else those who send one after the other fall into two halves that wait for each other's groups, and twice as
        many groups are committed.
        """
        return 0.0 if self._closing or len(self._queue) >= self._expected else self._patient_until - time.monotonic()

    def _is_next(self, jobs: deque[_Job]) -> bool:
        return bool(jobs) and not (self._queue and self._queue[0].number < jobs[0].number)

    def _group(self) -> list[_Waiting]:
        """All that wait of the source and door of the oldest, up to the rows of a group; perhaps none.

        What its sender has given up meanwhile is left out.
        """
        rows, taken, left = 0, list[_Waiting](), deque[_Waiting]()
        for each in self._queue:
            if not _alike(each.arrival, self._queue[0].arrival):
                left.append(each)
                continue
            rows += each.arrival.rows.num_rows
            # Once one does not fit any more, none after it does: later ones must not overtake it.
            (left if taken and rows > self._limits.group_rows else taken).append(each)
        self._queue = left
        started = [each for each in taken if each.future.set_running_or_notify_cancel()]
        for each in taken:
            if each.future.cancelled():
                self._count(each, -1)
        return started

    def _do(self, job: _Job) -> None:
        try:
            if job.future.set_running_or_notify_cancel():
                found = job.work(self._engine)
                self._count_rewrite(job)
                job.future.set_result(found)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the job
            self._count_rewrite(job)
            job.future.set_exception(error)
        finally:
            if job.alone:
                self._summer.alone.release()
                with self._changed:
                    self._summer.hold(bool(self._alone))

    def _count_rewrite(self, job: _Job) -> None:
        """Notes that anything may have changed, before whoever waits for the job can ask what has."""
        if job.alone:
            # Whoever holds `alone` is the only one to count.
            self._summer.version += 1
            self.rewrites += 1

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
            self._done(group)
            group[0].future.set_exception(error)
            return
        self._summer.note()
        took = time.monotonic() - started
        self._done(group)
        self._note_rate(sum(each.arrival.rows.num_rows for each in group), took)
        for each, outcome in zip(group, found, strict=True):
            self.meters.committed(each.arrival, outcome)
            self.meters.acknowledged.observe(time.monotonic() - each.came)
            each.future.set_result(outcome)
        self.meters.groups.labels(group[0].arrival.source, group[0].arrival.door).inc()
        self._expect(len(group), took)
        for observe in self.observers:
            observe([each.arrival for each in group])

    def _expect(self, answered: int, took: float) -> None:
        """Notes how many may be back soon, after a group of several; one alone is never waited for."""
        with self._changed:
            self._expected = answered + len(self._queue) if answered > 1 else 0
            self._patient_until = time.monotonic() + min(self._limits.patience_seconds, took * _PATIENCE_SHARE)

    def _done(self, group: list[_Waiting]) -> None:
        with self._changed:
            for each in group:
                self._count(each, -1)

    def _note_rate(self, rows: int, seconds: float) -> None:
        rate = rows / max(seconds, 1e-3)
        self._rows_per_second = 0.8 * self._rows_per_second + 0.2 * rate if self._rows_per_second else rate


def _alike(one: Arrival, other: Arrival) -> bool:
    return one.source == other.source and one.door == other.door
