"""Brings sums up to the facts while facts keep coming. Enters: word that something was committed.
Leaves: sums, prices and allocations, each change a transaction of its own.

It works on a connection of its own beside the writer's. The two write different tables, so neither waits for the other;
whoever else writes what is derived must hold `alone`.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from perunit import pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from perunit.contract.project import Project
    from perunit.engine.duckdb import Engine
    from perunit.live.meters import Meters

__all__ = ["Summer"]

_log = logging.getLogger(__name__)
_RETRY_SECONDS = 2.0
# How often partial rows are looked through, and how many of one hour or day may be more than needed.
_COMPACT_SECONDS = 30.0
_PARTIAL_ROWS = 20_000


class Summer:
    """Sums on a thread of its own, at most `every_seconds` apart, and allocates bills every `settle_seconds`.

    `error` is why the last attempt failed, None where it did not; it is tried again. `released` is called whenever
    `alone` was given back; `project` says by which prices and rules, and may be set anew by who holds `alone`.
    `version` grows after every change of what figures rest on.
    """

    def __init__(
        self,
        project: Project,
        engine: Engine,
        meters: Meters,
        *,
        every_seconds: float,
        settle_seconds: float,
        released: Callable[[], None],
    ) -> None:
        self.alone = threading.Lock()
        self.error: BaseException | None = None
        self.project = project
        self.version = 0
        self._engine, self._meters, self._released = engine, meters, released
        self._every, self._settle_every = every_seconds, settle_seconds
        self._changed = threading.Condition()
        self._since: float | None = None
        self._unsettled = self._closing = self._held = False
        self._next = 0.0
        self._settle_at = time.monotonic() + settle_seconds
        self._compact_at = time.monotonic() + _COMPACT_SECONDS
        self._thread = threading.Thread(target=self._run, name="perunit-summer", daemon=True)
        self._thread.start()

    def note(self) -> None:
        """Facts were committed."""
        with self._changed:
            if self._since is None:
                self._since = time.monotonic()
                self._changed.notify()

    def hold(self, held: bool) -> None:
        """Keeps the next sums from starting, so that who waits for `alone` gets it; or lets them go on."""
        with self._changed:
            self._held = held
            self._changed.notify()

    def close(self) -> None:
        """Sums what is left, and returns."""
        with self._changed:
            self._closing, self._held = True, False
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while self._wait():
            self._do(settling=self._unsettled and time.monotonic() >= self._settle_at)
        self._do(settling=True)

    def _wait(self) -> bool:
        """Returns when something is to be done, or False when the end has come."""
        with self._changed:
            while not self._closing:
                now = time.monotonic()
                due = [self._next] if self._since is not None else []
                due += [max(self._settle_at, self._next)] if self._unsettled else []
                if due and min(due) <= now and not self._held:
                    return True
                self._changed.wait(max(0.001, min(due) - now) if due and not self._held else None)
        return False

    def _do(self, *, settling: bool) -> None:
        with self._changed:
            since, self._since = self._since, None
        started = time.monotonic()
        try:
            with self.alone:
                if pipeline.sum_up(self.project, self._engine):
                    self._unsettled = True
                    self.version += 1
                if self._unsettled and time.monotonic() >= self._compact_at:
                    pipeline.compact(self._engine, partial_rows=_PARTIAL_ROWS)
                    self._compact_at = time.monotonic() + _COMPACT_SECONDS
                if settling:
                    pipeline.settle(self.project, self._engine)
                    self._unsettled, self._settle_at = False, time.monotonic() + self._settle_every
                    self.version += 1
            self.error = None
        except Exception as error:  # noqa: BLE001 - kept in `error`
            # Facts stand whatever becomes of their sums; it is told where health is asked for, and tried again.
            _log.exception("sums could not be brought up to date")
            self.error = error
            with self._changed:
                self._since = self._since if since is None else since
            self._next = time.monotonic() + _RETRY_SECONDS
        else:
            if since is not None:
                self._meters.summed.observe(time.monotonic() - since)
            # As long as it took is left to others, so that sums take at most half a core.
            now = time.monotonic()
            self._next = max(started + self._every, now + (now - started))
        finally:
            self._released()
