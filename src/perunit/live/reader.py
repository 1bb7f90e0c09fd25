"""Reads figures beside the writer. Enters: questions from any thread. Leaves: answers, each of one state of the store.

A few threads, each with a connection of its own; a question is one transaction, so that all parts of its answer fit
together. Who gives up waiting, or waits too long, has the statement interrupted and the connection is free again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import duckdb

from perunit.economics.rollup.compute import prepare
from perunit.engine.duckdb import Engine, Snapshot, identifier
from perunit.model.errors import PerunitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from perunit.live.intake import Intake

__all__ = ["BusyError", "Question", "Reader", "TookTooLongError"]

_WATCH_SECONDS = 0.05
_WAITING_MAX = 2_000
_KEPT_ROWS_MAX = 2_000
# What sums do not hold yet is not said to be there: freshness is that of the figures.
_SUMMED = (
    "CREATE TEMP VIEW batches AS SELECT * FROM {own}.batches WHERE batch_id <= "
    "(SELECT CAST(value AS INTEGER) FROM {own}.store_state WHERE key = 'summed')"
)


class TookTooLongError(PerunitError):
    """A question was given up because it took longer than a question may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the question took more than {seconds:g} s; ask for a shorter window or fewer dimensions")


class BusyError(PerunitError):
    """Too many questions wait; ask again in a moment."""

    def __init__(self) -> None:
        super().__init__(f"{_WAITING_MAX:,} questions wait already; ask again in a moment")


class Question:
    """One question from when it is asked; `future` has its answer. `apart`: on a connection made for it alone."""

    def __init__(self, work: Callable[[Engine], Any], *, apart: bool = False) -> None:
        self.future: Future[Any] = Future()
        self.work, self.apart = work, apart
        self.given_up = False
        self.started: float | None = None
        # Only then may it be interrupted: what tidies up after it must run to its end.
        self.working = False

    def give_up(self) -> None:
        """Nobody waits for it any more: it is not begun, or ended soon."""
        self.given_up = True
        self.future.cancel()


class _Beside(Engine):
    """A connection that only reads, and within one transaction reads the same but once."""

    kept: dict[tuple[str, tuple[tuple[str, Any], ...]], list[tuple[Any, ...]]] | None = None

    def rows(self, sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """As `Engine.rows`; the same statement with the same values has the same rows while a transaction lasts."""
        if self.kept is None or any(isinstance(value, list) for value in (values or {}).values()):
            return super().rows(sql, values)
        key = (sql, tuple(sorted((values or {}).items())))
        if (kept := self.kept.get(key)) is None:
            found = super().rows(sql, values)
            if len(found) > _KEPT_ROWS_MAX:
                return found
            kept = self.kept[key] = found
        return list(kept)


class Reader:
    """Answers up to `threads` questions at a time, each within `seconds_max` from when it is begun."""

    def __init__(self, intake: Intake, *, threads: int = 4, seconds_max: float = 30.0) -> None:
        self.seconds_max = seconds_max
        self._intake = intake
        self._base: Engine = intake.run(Engine.sibling).result()
        self._changed = threading.Condition()
        self._queue = deque[Question]()
        self._running: dict[Question, Engine] = {}
        self._closing = False
        self._busy_seconds = 0.0
        self._threads = [threading.Thread(target=self._work, name=f"perunit-reader-{n}") for n in range(threads)]
        self._threads.append(threading.Thread(target=self._watch, name="perunit-reader-watch"))
        for thread in self._threads:
            thread.daemon = True
            thread.start()
        intake.at_close.append(self.close)

    def busy_seconds(self) -> float:
        """How long questions have taken, all together, since this was last asked."""
        with self._changed:
            taken, self._busy_seconds = self._busy_seconds, 0.0
        return taken

    @property
    def running(self) -> int:
        """How many questions are being answered."""
        return len(self._running)

    def ask(self, work: Callable[[Engine], Any], *, apart: bool = False) -> Question:
        """Has a question answered on one of the threads; raises BusyError where too many wait.

        One that looks back in time makes tables of its own, and so needs a connection `apart`.
        """
        question = Question(work, apart=apart)
        with self._changed:
            if self._closing or len(self._queue) >= _WAITING_MAX:
                raise BusyError
            self._queue.append(question)
            self._changed.notify_all()
        return question

    def close(self) -> None:
        """Ends what is being read, and returns when every connection is given up."""
        with self._changed:
            self._closing = True
            for question in (*self._queue, *self._running):
                question.give_up()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._base.close()

    def _work(self) -> None:
        engine, prepared = self._connection(), -1
        try:
            while (question := self._next(engine)) is not None:
                if prepared != self._intake.version:
                    # Prices may have changed, and with them where windows are cut.
                    prepared = self._intake.version
                    prepare(engine)
                self._apart(question) if question.apart else self._answer(question, engine)
                with self._changed:
                    del self._running[question]
                    self._busy_seconds += time.monotonic() - (question.started or time.monotonic())
        finally:
            engine.close()

    def _connection(self) -> Engine:
        with self._changed:
            engine = _Beside.of(self._base)
        own = f"{identifier(engine.value('SELECT current_database()'))}.main"
        engine.execute(_SUMMED.format(own=own))
        return engine

    def _next(self, engine: Engine) -> Question | None:
        with self._changed:
            while True:
                while self._queue:
                    question = self._queue.popleft()
                    if question.future.set_running_or_notify_cancel():
                        question.started = time.monotonic()
                        self._running[question] = engine
                        # The watcher sleeps while nothing runs.
                        self._changed.notify_all()
                        return question
                if self._closing:
                    return None
                self._changed.wait()

    def _watch(self) -> None:
        """Interrupts what was given up or takes too long, again and again: between two statements it is not heard."""
        with self._changed:
            while not (self._closing and not self._running):
                now = time.monotonic()
                for question, engine in self._running.items():
                    late = question.started is not None and now - question.started > self.seconds_max
                    if question.working and (question.given_up or late):
                        engine.connection.interrupt()
                self._changed.wait(_WATCH_SECONDS if self._running else None)

    def _apart(self, question: Question) -> None:
        with self._changed:
            snapshot = self._running[question] = Snapshot(self._base)
        try:
            prepare(snapshot)
            self._answer(question, snapshot)
        finally:
            snapshot.close()

    def _answer(self, question: Question, engine: Engine) -> None:
        try:
            with _one_state(engine), self._interruptible(question):
                found = question.work(engine)
        except duckdb.InterruptException:
            question.future.set_exception(TookTooLongError(self.seconds_max))
        except BaseException as error:  # noqa: BLE001 - handed to whoever asked
            question.future.set_exception(error)
        else:
            question.future.set_result(found)

    @contextmanager
    def _interruptible(self, question: Question) -> Iterator[None]:
        """Within it the watcher may interrupt what the question is at, and not any longer when it is left."""
        with self._changed:
            question.working = True
        try:
            yield
        finally:
            with self._changed:
                question.working = False


@contextmanager
def _one_state(engine: Engine) -> Iterator[None]:
    """Within it the store stands still for the engine; a snapshot does so anyway."""
    if isinstance(engine, Snapshot):
        yield
        return
    _begin(engine)
    if isinstance(engine, _Beside):
        engine.kept = {}
    try:
        yield
    finally:
        if isinstance(engine, _Beside):
            engine.kept = None
        with suppress(duckdb.Error):
            engine.connection.rollback()


def _begin(engine: Engine) -> None:
    """A transaction, also where one before it was left behind."""
    try:
        engine.execute("BEGIN TRANSACTION")
    except duckdb.TransactionException:
        engine.connection.rollback()
        engine.execute("BEGIN TRANSACTION")
