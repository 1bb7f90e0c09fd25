"""Writes what the contract exports to another Prometheus. Enters: measures per segment, at an interval.
Leaves: requests of remote write 1.0, in the order of their times.

What is to be written is kept in the store until it was taken: neither a restart nor a receiver that is away for some
time loses anything. What a receiver refuses for good is let go and counted, as Prometheus does.
"""

from __future__ import annotations

import logging
import random
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

from perunit.contract.prometheus_check import seconds_of
from perunit.economics.rollup.compute import prepare
from perunit.engine.duckdb import Engine, Snapshot
from perunit.facts.doors.remote_write import Sent, write_request
from perunit.live.calls import Caller, CallError
from perunit.live.intake import ClosedError
from perunit.measures.segments import exported, running
from perunit.model.errors import PerunitError, UsageError
from perunit.model.window import naive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.contract.shape import Contract, RemoteWrite
    from perunit.live.calls import Answer
    from perunit.live.service import Service

__all__ = ["RemoteWriter", "loops", "samples_at"]

_HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
    "User-Agent": "perunit",
}
_SAMPLES_MAX = 2000
_KEPT_MAX = 1000
_CALL_SECONDS = 10
_STOP_SECONDS = 5.0
_ANSWER_BYTES = 1 << 16
_BACKOFF_SECONDS = (1.0, 60.0)
_log = logging.getLogger(__name__)


def samples_at(engine: Engine, contract: Contract, at: datetime) -> Iterator[Sent]:
    """What every export shows at an instant: the sums of the hour, day or month that runs until then.

    At its very end a window is shown once more, whole. An export without an exact answer is left out, and logged.
    """
    for name, export in contract.export.items():
        window = running(export.window, at - timedelta(microseconds=1))
        try:
            found = exported(engine, contract, name, window)
        except UsageError as error:
            _log.warning("export %s cannot be written: %s", name, error)
            continue
        for series in found.series:
            labels = {**series.labels, "__name__": series.metric}
            yield Sent(labels, int(at.timestamp()) * 1000, float(series.value))


class RemoteWriter:
    """A loop with `start` and `stop`."""

    def __init__(self, service: Service, remote: RemoteWrite) -> None:
        self._service, self._remote = service, remote
        self._caller = Caller(remote, service.project.root)
        self._every = seconds_of(remote.every)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="perunit-remote-write", daemon=True)
        self._failures = 0
        registry = service.meters.registry
        self._requests = Counter(
            "perunit_remote_write_requests", "Requests of remote write, by what became of them.", ("result",),
            registry=registry,
        )  # fmt: skip
        self._waiting = Gauge("perunit_remote_write_waiting", "Requests that wait to be taken.", registry=registry)

    def start(self) -> None:
        """Begins to write; what an earlier process could not deliver goes first."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, or soon; what waits, and what is on its way, stays in the store and is sent again."""
        self._ending.set()
        self._thread.join(_STOP_SECONDS)
        self._caller.close()

    def _run(self) -> None:
        due = self._next_tick()
        wait = 0.0
        while not self._ending.wait(wait):
            try:
                if self._service.clock() >= due:
                    due = self._next_tick()
                    # After a pause of this process only the last instant can still be told.
                    self._collect(due - timedelta(seconds=self._every))
                retry = self._deliver()
            except ClosedError:
                return
            except PerunitError as error:
                _log.warning("remote write to %s is interrupted: %s", self._remote.url, error)
                retry = _BACKOFF_SECONDS[0]
            except Exception:  # noqa: BLE001 - logged whole; the loop must go on
                _log.exception("remote write to %s failed by a bug", self._remote.url)
                retry = _BACKOFF_SECONDS[1]
            until_due = max(0.0, (due - self._service.clock()).total_seconds())
            wait = until_due if retry is None else min(retry, until_due)

    def _next_tick(self) -> datetime:
        """The next instant that is a whole number of intervals after 1970."""
        now = int(self._service.clock().timestamp())
        return datetime.fromtimestamp(now - now % self._every + self._every, UTC)

    def _collect(self, at: datetime) -> None:
        """Keeps the requests of an instant, and lets the oldest go where too many wait."""
        contract = self._service.intake.project.contract
        with closing(self._service.intake.run(Snapshot).result()) as snapshot:
            prepare(snapshot)
            samples = list(samples_at(snapshot, contract, at))
        bodies = [
            write_request(samples[start : start + _SAMPLES_MAX]) for start in range(0, len(samples), _SAMPLES_MAX)
        ]
        dropped = self._service.intake.run(lambda engine: _keep(engine, at, bodies)).result()
        if dropped:
            self._requests.labels("dropped").inc(dropped)
            _log.warning("%s is away for too long: the oldest %d requests are dropped", self._remote.url, dropped)

    def _deliver(self) -> float | None:
        """Sends what waits, oldest first. Gives the seconds after which to go on, None where nothing waits."""
        while not self._ending.is_set():
            found = self._service.intake.run(_oldest).result()
            self._waiting.set(found[0])
            if found[1] is None:
                return None
            number, body = found[1]
            seconds = self._send(body)
            if seconds is not None:
                return seconds
            self._service.intake.run(lambda engine, number=number: _forget(engine, number)).result()  # type: ignore[misc]
        return None

    def _send(self, body: bytes) -> float | None:
        """One request. None where it is done with, otherwise after how many seconds to try it again."""
        try:
            answer = self._caller.call(
                "POST",
                self._remote.url,
                seconds_max=_CALL_SECONDS,
                bytes_max=_ANSWER_BYTES,
                headers=_HEADERS,
                body=body,
            )
        except CallError as error:
            return self._again(str(error), None)
        if 200 <= answer.status < 300:
            self._requests.labels("sent").inc()
            self._failures = 0
            return None
        said = f"{self._remote.url}: answers {answer.status} {answer.body[:200].decode(errors='replace').strip()!r}"
        if answer.status == 429 or answer.status >= 500:
            return self._again(said, _retry_after(answer))
        self._requests.labels("refused").inc()
        _log.warning("%s, which will not change; the request is dropped", said)
        return None

    def _again(self, said: str, seconds: float | None) -> float:
        """Counts a failure, logs the first of a row, and tells how long to wait: twice as long each time."""
        if not self._failures:
            _log.warning("%s; trying again", said)
        self._requests.labels("failed").inc()
        least, most = _BACKOFF_SECONDS
        grown = min(most, least * 2.0 ** min(self._failures, 10))
        self._failures += 1
        # Half of it by chance, so that many senders do not come back at once.
        return seconds if seconds is not None else grown / 2 + random.random() * grown / 2  # noqa: S311


def _retry_after(answer: Answer) -> float | None:
    text = answer.headers.get("retry-after", "")
    return min(float(text), 3600.0) if text.isdecimal() else None


def _keep(engine: Engine, at: datetime, bodies: list[bytes]) -> int:
    """Keeps requests to be sent; gives how many of the oldest had to go for it."""
    with engine.transaction():
        first = engine.value("SELECT coalesce(max(number), 0) + 1 FROM remote_writes")
        for number, body in enumerate(bodies, first):
            engine.execute(
                "INSERT INTO remote_writes VALUES ($number, $at, $body)",
                {"number": number, "at": naive(at), "body": body},
            )
        count = engine.value("SELECT count(*) FROM remote_writes")
        engine.execute(
            "DELETE FROM remote_writes WHERE number NOT IN (SELECT number FROM remote_writes ORDER BY number DESC "
            f"LIMIT {_KEPT_MAX})"
        )
    return max(0, int(count) - _KEPT_MAX)


def _oldest(engine: Engine) -> tuple[int, tuple[int, bytes] | None]:
    """How many requests wait, and the first of them."""
    count = engine.value("SELECT count(*) FROM remote_writes")
    rows = engine.rows("SELECT number, body FROM remote_writes ORDER BY number LIMIT 1")
    return int(count), (rows[0] if rows else None)


def _forget(engine: Engine, number: int) -> None:
    engine.execute("DELETE FROM remote_writes WHERE number = $number", {"number": number})


def loops(service: Service) -> tuple[RemoteWriter, ...]:
    """The loop, where the contract asks for it."""
    remote = service.project.contract.remote_write
    return (RemoteWriter(service, remote),) if remote else ()
