"""The client: `emit` keeps an event, a thread sends what waits."""

from __future__ import annotations

import atexit
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import WeakSet

from perunit.client.cloudevent import EventError, encode, id_of_key, new_id
from perunit.client.limits import Limits
from perunit.client.outbox import Outbox
from perunit.client.queue import Memory, Queue
from perunit.client.spool import Spool
from perunit.client.track import Attempt
from perunit.client.transport import Problem, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

__all__ = ["Counters", "Events"]

_CLOSE_SECONDS = 5.0
_LOGGED_MAX = 1000
_log = logging.getLogger("perunit.client")


@dataclass(frozen=True, slots=True)
class Counters:
    """What became of the events of this process, and of those found in its spool.

    emitted = accepted + duplicate + conflict + rejected + refused + dropped + waiting. What was invalid was never
    emitted; `retries` counts requests that were made again.
    """

    emitted: int = 0
    accepted: int = 0
    duplicate: int = 0
    conflict: int = 0
    rejected: int = 0
    refused: int = 0
    dropped: int = 0
    waiting: int = 0
    invalid: int = 0
    retries: int = 0


class Events:
    """Events of one source, sent to a perunit server in batches by a thread that starts with the first event.

    `url` is the server's address, that of ``PERUNIT_URL`` by default; `source` names the service, for an event is
    unique by (source, id). With `spool`, a directory, an event is on disk before `emit` returns, survives the process
    and an outage of the server, and is replayed in order at the next start. `on_problem` is called with each event
    that was not accepted, from the thread that finds it; without it they are logged, each type, rule and place once.

    Raises ValueError for an address or limits that cannot work, SpoolError for a directory that cannot be used.
    Safe in threads and after a fork, where the child starts with an empty queue and a spool slot of its own.
    """

    def __init__(
        self,
        url: str | None = None,
        source: str = "",
        *,
        spool: str | os.PathLike[str] | None = None,
        token: str | None = None,
        limits: Limits | None = None,
        on_problem: Callable[[Problem], object] | None = None,
    ) -> None:
        if not source.strip():
            raise ValueError(
                f"source == {source!r}, must name the service, such as /checkout; an event is unique by it"
            )
        self.source = source
        self._limits, self._spool = limits or Limits(), Path(spool) if spool is not None else None
        self._on_problem, self._invalid = on_problem, 0
        self._logged: set[tuple[str | None, str, str]] = set()
        self._address, self._headers = _address(url), {"authorization": f"Bearer {token}"} if token else {}
        self._outbox = Outbox(self._new_queue, self._new_transport, self._limits, self._tell)
        _alive.add(self)

    def emit(
        self,
        type: str,  # noqa: A002 - CloudEvents' word
        data: Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002 - CloudEvents' word
        key: object | None = None,
        time: datetime | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> str | None:
        """Keeps an event to be sent and gives its id; None where it was not kept, which `on_problem` is told.

        The id is made now, so that a retry is the same event. With `key`, such as an order's number, it follows from
        source, type and key: a job that runs again sends the same events; give `time` with it, for a repeat must say
        the same. `time` is when it happened, now by default. `attributes` are CloudEvents extensions.
        """
        id_ = id or (new_id() if key is None else id_of_key(self.source, type, key))
        try:
            line = encode(id_, self.source, type, data, time=time, attributes=attributes)
        except EventError as error:
            self._invalid += 1
            self._tell(Problem("invalid", str(id_), str(type), "event", error.place, error.got, error.expected))
            return None
        return id_ if self._keep(line, id_, type) else None

    def track(
        self,
        type: str,  # noqa: A002 - CloudEvents' word
        data: Mapping[str, Any] | Callable[..., Mapping[str, Any]] | None = None,
    ) -> Attempt:
        """A block, or a decorator of a function, as an attempt: emitted at its end with outcome and latency.

        ``with events.track("payment.attempted", {"order_id": "o-1"}) as data: data["method"] = "card"``. The data
        gets ``outcome`` (``success``, or ``failure`` where an exception leaves the block), ``latency_ms``, and
        ``error``, the exception's class. A decorator's `data` may be a function of the call's arguments.
        """
        return Attempt(self.emit, type, data)

    def counters(self) -> Counters:
        """What became of the events so far."""
        return Counters(invalid=self._invalid, **self._outbox.counts())

    def flush(self, timeout: float | None = None) -> bool:
        """Sends what waits now, and tells whether all of it has left within `timeout` seconds."""
        return self._outbox.flush(timeout)

    def close(self, timeout: float | None = _CLOSE_SECONDS) -> bool:
        """Sends what waits, for at most `timeout` seconds, and ends the thread; tells whether all was sent.

        What is left then stays in the spool; without one it is lost, and logged. Called by itself when Python ends.
        """
        sent = self._outbox.close(timeout)
        left = self._outbox.counts()["waiting"]
        if left and self._spool is None:
            _log.error("%d events were not sent and are lost; give the client a spool", left)
        return sent

    def __enter__(self) -> Events:
        """Closes at the block's end."""
        return self

    def __exit__(self, *_: object) -> None:
        """As `close`."""
        self.close()

    def _new_queue(self) -> Queue:
        if self._spool is None:
            return Memory(self._limits.memory_bytes)
        return Spool(self._spool, self._limits.spool_bytes, sync_each=self._limits.fsync == "always")

    def _new_transport(self) -> Transport:
        return Transport(self._address, self._headers, self._limits.request_seconds)

    def _keep(self, line: bytes, id_: str, type_: str) -> bool:
        reason = self._outbox.put(line)
        if reason is not None:
            expected = _LOST.get(reason, "must be writable; free space or correct its rights")
            got = None if reason in _LOST else reason
            self._tell(Problem("dropped", id_, type_, reason if reason in _LOST else "disk", "spool", got, expected))
        return reason is None

    def _tell(self, problem: Problem) -> None:
        if self._on_problem is None:
            self._log_once(problem)
            return
        try:
            self._on_problem(problem)
        except Exception:  # noqa: BLE001 - the application's own function
            _log.exception("on_problem raised")

    def _log_once(self, problem: Problem) -> None:
        """Each type, rule and place once: a producer that breaks a rule mostly breaks it with every event."""
        said = (problem.event_type, problem.rule, problem.place)
        if said not in self._logged and len(self._logged) < _LOGGED_MAX:
            self._logged.add(said)
            _log.warning("%s (further ones like it are only counted)", problem)


_LOST = {
    "closed": "must come before close(); emit it earlier",
    "full": "must have room; raise the limits, or give the client a spool",
}


def _address(url: str | None) -> str:
    address = url or os.environ.get("PERUNIT_URL", "")
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(
            f"url == {address!r}, must be a server such as http://localhost:8321; pass it or set PERUNIT_URL"
        )
    return address


_alive: WeakSet[Events] = WeakSet()


def _close_all() -> None:
    for each in list(_alive):
        each.close()


def _after_fork() -> None:
    for each in list(_alive):
        each._outbox.after_fork()  # noqa: SLF001 - of this very module


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
