"""How an answer reads the project. Enters: a question and who asks. Leaves: its answer, perhaps one made before.

An answer is kept under the state of the data, what the viewer may see, and the question: whoever may not see the same
gets nothing of it. What several ask at once is read once. A viewer who goes away takes their question along.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from collections import Counter, OrderedDict
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from perunit.facts.arrivals import DoorError
from perunit.live.reader import Reader
from perunit.measures.coarse import summed_by_day
from perunit.model.errors import PerunitError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from fastapi import Request

    from perunit.access.permit import Permit, Viewer
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.reader import Question
    from perunit.live.service import Service
    from perunit.model.window import Window

    Work = Callable[[Engine, Contract], Any]

__all__ = ["CACHE_CONTROL", "Reading", "Wanted", "encoded", "fingerprint", "not_modified", "reading_of", "tagged"]

CACHE_CONTROL = "private, no-cache"
_KEPT_BYTES_MAX = 64 << 20
# What was asked within so many seconds is being looked at; of more questions than this, the latest.
_LOOKING_SECONDS, _LOOKED_AT_MAX = 15.0, 400
# While facts keep coming, figures are read anew at most this often; and less often where reading takes long, so that it
# takes at most such a share of the time that taking facts in needs too.
_REFRESH_SECONDS, _REFRESH_SECONDS_MAX, _READING_SHARE = 1.0, 10.0, 0.3
# So many questions about the same days are answered sooner from sums by day, which have to be made first.
_OFTEN = 3
_LOOK_SECONDS = 0.25


def encoded(answer: Any) -> bytes:
    """An answer as JSON."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def tagged(key: str) -> dict[str, str]:
    """The headers of an answer that is kept under a key."""
    return {"ETag": f'"{key}"', "Cache-Control": CACHE_CONTROL}


def not_modified(request: Request, key: str) -> bool:
    """Whether the asker has the answer under this key already."""
    return f'"{key}"' in request.headers.get("if-none-match", "")


def fingerprint(permit: Permit) -> str:
    """The same text for permits that see the same, another for others."""
    seen = [sorted(map(str, permit.permissions)), sorted((name, sorted(each)) for name, each in permit.rows.items())]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:16]


@dataclass(slots=True, eq=False)
class _Flight:
    """Questions on their way together, and how many wait for their answers, which are by key."""

    question: Question
    future: asyncio.Future[dict[str, bytes]]
    keys: tuple[str, ...]
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """One question: `name` tells it from every other, by what its viewer sees too. `window` is what it is about."""

    name: str
    work: Work
    window: Window | None = None
    apart: bool = False


class Reading:
    """Answers of one running perunit; used by its event loop alone.

    Answers are those of the published state. Where figures have changed since, what is being looked at is answered anew
    first, and then the new state is published with its answers: who looks on never waits for them.
    """

    def __init__(self, service: Service, kept_bytes_max: int = _KEPT_BYTES_MAX) -> None:
        self.reader = Reader(service.intake)
        self._service, self._intake = service, service.intake
        self._flights: dict[str, _Flight] = {}
        self._kept = OrderedDict[str, bytes]()
        self._kept_bytes, self._kept_bytes_max = 0, kept_bytes_max
        # A version counts from the start of the process: what an earlier one answered has other tags.
        self._secret = secrets.token_hex(8)
        self._looked_at = OrderedDict[str, tuple[Wanted, float]]()
        self._version, self._rewrites, self._published_at = self._intake.version, self._intake.rewrites, 0.0
        self._pause_seconds = 0.0
        self._refreshing = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def version(self) -> int:
        """Which state is published."""
        self._keep_up()
        return self._version

    def refresh(self) -> None:
        """What is asked from now on sees every change until now, such as one that the asker has just made."""
        self._publish(self._intake.version)

    def name(self, viewer: Viewer, question: str) -> str:
        """The name of a question as one sees it who may see what this viewer sees."""
        return f"{fingerprint(viewer.permit)} {question}"

    def key(self, name: str) -> str:
        """Under which an answer is kept: the published state of the data and the name. It says nothing of either."""
        return self._key(name, self.version)

    async def respond(
        self, request: Request, viewer: Viewer, question: str, work: Work, *, apart: bool = False
    ) -> Response:
        """The answer as JSON with its ETag, or 304 where the asker has it."""
        wanted = Wanted(self.name(viewer, question), work, apart=apart)
        key = self.key(wanted.name)
        if not_modified(request, key):
            self._note(wanted)
            return Response(status_code=304, headers=tagged(key))
        (body,) = await self.answers(request, [wanted])
        return Response(body, media_type="application/json", headers=tagged(key))

    async def answers(self, request: Request, asked: Sequence[Wanted]) -> list[bytes]:
        """The answers as JSON, in the order of the questions; those not kept are made of one state.

        Raises what a question's work does.
        """
        version = self.version
        keys = [self._key(wanted.name, version) for wanted in asked]
        missing = {key: each for key, each in zip(keys, asked, strict=True) if not self._has(key)}
        if missing:
            self._begin(missing)
        flights = list(dict.fromkeys(self._flights[key] for key in keys if key in self._flights))
        found = {key: self._kept[key] for key in keys if key in self._kept}
        for flight in flights:
            flight.waiting += 1
        try:
            for flight in flights:
                found |= await _patiently(flight.future, request.is_disconnected)
        finally:
            for flight in flights:
                self._leave(flight)
        for key, wanted in zip(keys, asked, strict=True):
            self._note(wanted)
            if key in self._kept:
                self._kept.move_to_end(key)
        return [found[key] for key in keys]

    async def read(self, request: Request, work: Work) -> Any:
        """What `work` gives, kept by no one; raises what it does."""
        contract = self._intake.project.contract
        question = self.reader.ask(lambda engine: work(engine, contract))
        try:
            return await _patiently(asyncio.wrap_future(question.future), request.is_disconnected)
        finally:
            question.give_up()

    def _key(self, name: str, version: int) -> str:
        said = f"{self._secret} {version} {name}"
        return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32]

    def _has(self, key: str) -> bool:
        return key in self._kept or key in self._flights

    def _begin(self, wanted: dict[str, Wanted], *, lenient: bool = False) -> _Flight:
        """Has questions answered, by key; a `lenient` flight leaves out what is refused."""
        contract = self._intake.project.contract
        often = _often(wanted.values())

        def work(engine: Engine) -> dict[str, bytes]:
            found = {}
            with summed_by_day(engine, often):
                for key, each in wanted.items():
                    with suppress(PerunitError) if lenient else nullcontext():
                        found[key] = encoded(each.work(engine, contract))
            return found

        question = self.reader.ask(work, apart=any(each.apart for each in wanted.values()))
        flight = _Flight(question, asyncio.wrap_future(question.future), tuple(wanted))
        self._flights.update(dict.fromkeys(wanted, flight))
        flight.future.add_done_callback(lambda future: self._landed(flight, future))
        return flight

    def _landed(self, flight: _Flight, future: asyncio.Future[dict[str, bytes]]) -> None:
        self._forget(flight)
        if not future.cancelled() and future.exception() is None:
            for key, body in future.result().items():
                self._keep(key, body)

    def _forget(self, flight: _Flight) -> None:
        for key in flight.keys:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def _leave(self, flight: _Flight) -> None:
        flight.waiting -= 1
        if not flight.waiting and not flight.future.done():
            flight.question.give_up()
            self._forget(flight)

    def _keep(self, key: str, body: bytes) -> None:
        if len(body) > self._kept_bytes_max // 8:
            return
        self._kept_bytes += len(body) - len(self._kept.get(key, b""))
        self._kept[key] = body
        while self._kept_bytes > self._kept_bytes_max:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])

    def _note(self, wanted: Wanted) -> None:
        """Remembers what is being looked at."""
        if wanted.apart:
            return
        self._looked_at[wanted.name] = wanted, time.monotonic()
        self._looked_at.move_to_end(wanted.name)
        while len(self._looked_at) > _LOOKED_AT_MAX:
            self._looked_at.popitem(last=False)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """Keeps up by itself while anything is being looked at, so that an answer asked for again is not an old one."""
        self._timer = None
        self._keep_up()
        if self._being_looked_at():
            self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _being_looked_at(self) -> list[Wanted]:
        since = time.monotonic() - _LOOKING_SECONDS
        return [wanted for wanted, at in self._looked_at.values() if at >= since]

    def _keep_up(self) -> None:
        """Publishes a newer state, at once where nobody looks or where more than facts has changed."""
        version = self._intake.version
        if version == self._version:
            return
        if self._intake.rewrites != self._rewrites:
            self._publish(version)
        elif not self._refreshing and time.monotonic() - self._published_at >= self._pause_seconds:
            self._refresh(version)

    def _refresh(self, version: int) -> None:
        looked_at = self._being_looked_at()
        if not looked_at:
            self._publish(version)
            return
        self._refreshing = True
        wanted = {self._key(each.name, version): each for each in looked_at}
        try:
            flight = self._begin({key: each for key, each in wanted.items() if not self._has(key)}, lenient=True)
        except PerunitError:
            self._refreshing = False
            return
        # Nobody who leaves ends it.
        flight.waiting += 1
        flight.future.add_done_callback(lambda _: self._publish(version))

    def _publish(self, version: int) -> None:
        self._refreshing = False
        if version < self._version:
            return
        self._version, self._rewrites, self._published_at = version, self._intake.rewrites, time.monotonic()
        longest = max(_REFRESH_SECONDS, self.reader.busy_seconds() / _READING_SHARE)
        self._pause_seconds = min(_REFRESH_SECONDS_MAX, longest)


def _often(asked: Iterable[Wanted]) -> frozenset[Window]:
    """The windows that several questions are about."""
    windows = Counter(each.window for each in asked if each.window is not None)
    return frozenset(window for window, times in windows.items() if times >= _OFTEN)


async def _patiently(future: asyncio.Future[Any], gone: Callable[[], Awaitable[bool]]) -> Any:
    """The future's result, unless whoever waits for it has gone; the future itself is left alone."""
    while not (await asyncio.wait({future}, timeout=_LOOK_SECONDS))[0]:
        if await gone():
            raise DoorError(499, "Viewer gone", "whoever asked has closed the connection; nobody reads this")
    return future.result()


_READINGS: dict[int, Reading] = {}


def reading_of(service: Service) -> Reading:
    """The one of this running perunit; it ends with the intake."""
    number = id(service.intake)
    if number not in _READINGS:
        _READINGS[number] = Reading(service)
        service.intake.at_close.append(lambda: _forget(number))
    return _READINGS[number]


def _forget(number: int) -> None:
    del _READINGS[number]
