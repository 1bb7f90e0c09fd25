"""How an answer reads the project. Enters: a question and who asks. Leaves: its answer, perhaps one made before.

An answer is kept under the state of the data, what the viewer may see, and the question: whoever may not see the same
gets nothing of it. What several ask at once is read once. A viewer who goes away takes their question along.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from perunit.facts.arrivals import DoorError
from perunit.live.reader import Reader
from perunit.measures.coarse import summed_by_day

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fastapi import Request

    from perunit.access.permit import Permit, Viewer
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.reader import Question
    from perunit.live.service import Service
    from perunit.model.window import Window

    Work = Callable[[Engine, Contract], Any]

__all__ = ["CACHE_CONTROL", "Reading", "encoded", "fingerprint", "not_modified", "reading_of", "tagged"]

CACHE_CONTROL = "private, no-cache"
_KEPT_BYTES_MAX = 64 << 20
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


@dataclass(slots=True)
class _Flight:
    """A question on its way, and how many wait for it."""

    question: Question
    future: asyncio.Future[bytes]
    waiting: int = field(default=0)


class Reading:
    """Answers of one running perunit; used by its event loop alone."""

    def __init__(self, service: Service, kept_bytes_max: int = _KEPT_BYTES_MAX) -> None:
        self.reader = Reader(service.intake)
        self._service = service
        self._flights: dict[str, _Flight] = {}
        self._kept = OrderedDict[str, bytes]()
        self._kept_bytes, self._kept_bytes_max = 0, kept_bytes_max
        # A version counts from the start of the process: what an earlier one answered has other tags.
        self._secret = secrets.token_hex(8)

    def key(self, viewer: Viewer, question: str) -> str:
        """Under which an answer is kept: state of the data, what the viewer sees, question. It says nothing of them."""
        said = f"{self._secret} {self.reader.version} {fingerprint(viewer.permit)} {question}"
        return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32]

    async def respond(
        self, request: Request, viewer: Viewer, question: str, work: Work, *, apart: bool = False
    ) -> Response:
        """The answer as JSON with its ETag, or 304 where the asker has it."""
        key = self.key(viewer, question)
        if not_modified(request, key):
            return Response(status_code=304, headers=tagged(key))
        body = await self.answer(request, key, _as_json(work), apart=apart)
        return Response(body, media_type="application/json", headers=tagged(key))

    async def answer(self, request: Request, key: str, work: Work, *, apart: bool = False) -> bytes:
        """The answer under `key`, made by `work` as bytes where there is none; raises what `work` does."""
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        flight = self._flights.get(key) or self._begin(key, work, apart=apart)
        flight.waiting += 1
        try:
            body: bytes = await _patiently(flight.future, request.is_disconnected)
            return body
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.future.done():
                flight.question.give_up()
                self._flights.pop(key, None)

    async def answers(
        self, request: Request, works: Mapping[str, Work], often: frozenset[Window] = frozenset()
    ) -> dict[str, bytes]:
        """The answers under several keys: those there are, and the others, made one after the other of one state.

        `often` are the windows that many of them are about.
        """
        missing = [key for key in works if key not in self._kept and key not in self._flights]
        found = {key: self._kept[key] for key in works if key in self._kept}
        if missing:

            def work(engine: Engine, contract: Contract) -> dict[str, bytes]:
                with summed_by_day(engine, often):
                    return {key: encoded(works[key](engine, contract)) for key in missing}

            found |= await self.read(request, work)
        for key in works:
            if key in missing:
                self._keep(key, found[key])
            elif key not in found:
                found[key] = await self.answer(request, key, _as_json(works[key]))
        return found

    async def read(self, request: Request, work: Work) -> Any:
        """What `work` gives, kept by no one; raises what it does."""
        contract = self._service.intake.project.contract
        question = self.reader.ask(lambda engine: work(engine, contract))
        try:
            return await _patiently(asyncio.wrap_future(question.future), request.is_disconnected)
        finally:
            question.give_up()

    def _begin(self, key: str, work: Work, *, apart: bool) -> _Flight:
        contract = self._service.intake.project.contract
        question = self.reader.ask(lambda engine: work(engine, contract), apart=apart)
        flight = self._flights[key] = _Flight(question, asyncio.wrap_future(question.future))

        def landed(future: asyncio.Future[bytes]) -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if not future.cancelled() and future.exception() is None:
                self._keep(key, future.result())

        flight.future.add_done_callback(landed)
        return flight

    def _keep(self, key: str, body: bytes) -> None:
        if len(body) > self._kept_bytes_max // 8:
            return
        self._kept_bytes += len(body) - len(self._kept.get(key, b""))
        self._kept[key] = body
        while self._kept_bytes > self._kept_bytes_max:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])


def _as_json(work: Work) -> Work:
    return lambda engine, contract: encoded(work(engine, contract))


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
