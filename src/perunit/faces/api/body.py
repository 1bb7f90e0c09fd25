"""Reads request bodies within limits. Enters: a request. Leaves: its bytes, as sent or decompressed.

Memory is bounded three times over: per body, per body when decompressed, and for all bodies together, whatever many
clients do at once. A body that does not come in time is given up, so a slow client holds a connection and nothing else.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.compression import decompressed
from perunit.live.intake import OverloadedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Bodies", "Limits", "PlainBody", "SentBody", "SmallBodies"]

_INLINE_BYTES_MAX = 64 << 10
_QUESTION_BYTES_MAX, _QUESTION_SECONDS_MAX = 2 << 20, 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take up. Times are seconds, sizes bytes."""

    body_bytes_max: int = 16 << 20
    decompressed_bytes_max: int = 64 << 20
    all_bodies_bytes_max: int = 256 << 20
    body_idle_seconds_max: float = 10
    body_seconds_max: float = 60
    head_bytes_max: int = 64 << 10
    head_seconds_max: float = 10
    connections_max: int = 1000


class Bodies:
    """The bodies being worked on, counted against the limit for all of them. For one event loop."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._held = 0
        # Each may make `decompressed_bytes_max` before that is counted.
        self._decompressing = asyncio.Semaphore(2)

    @asynccontextmanager
    async def sent(self, request: Request) -> AsyncIterator[bytes]:
        """The body as sent, for as long as it is worked on.

        Raises DoorError (408, 413, 400 where the client goes away), Overloaded where all bodies take up too much.
        """
        parts: list[bytes] = []
        try:
            await self._receive(request, parts)
            yield b"".join(parts)
        finally:
            self._held -= sum(map(len, parts))

    @asynccontextmanager
    async def plain(self, request: Request) -> AsyncIterator[bytes]:
        """The body decompressed; raises also what `decompressed` does."""
        async with self.sent(request) as body:
            coding = request.headers.get("content-encoding")
            if coding is None:
                yield body
                return
            made = await self._decompressed(body, coding)
            self._hold(len(made))
            try:
                yield made
            finally:
                self._held -= len(made)

    def _hold(self, size: int) -> None:
        if self._held + size > self.limits.all_bodies_bytes_max:
            raise OverloadedError(1)
        self._held += size

    async def _receive(self, request: Request, parts: list[bytes]) -> None:
        """Fills `parts`, each of them counted."""
        self._refuse_stated_length(request)
        size, loop, limits = 0, asyncio.get_running_loop(), self.limits
        end = loop.time() + limits.body_seconds_max
        try:
            async with asyncio.timeout_at(min(end, loop.time() + limits.body_idle_seconds_max)) as wait:
                async for part in request.stream():
                    size += len(part)
                    if size > limits.body_bytes_max:
                        raise _too_large(limits.body_bytes_max)
                    self._hold(len(part))
                    parts.append(part)
                    wait.reschedule(min(end, loop.time() + limits.body_idle_seconds_max))
        except TimeoutError as error:
            detail = (
                f"body: must come within {limits.body_seconds_max:g} s and without a pause of "
                f"{limits.body_idle_seconds_max:g} s; send it again, or in smaller parts"
            )
            raise DoorError(408, "Request Timeout", detail) from error
        except ClientDisconnect as error:
            raise DoorError(400, "Body cut short", "body: the connection ended within it; send it again") from error

    def _refuse_stated_length(self, request: Request) -> None:
        stated = request.headers.get("content-length", "")
        if stated.isdecimal() and int(stated[:20]) > self.limits.body_bytes_max:
            raise _too_large(self.limits.body_bytes_max)

    async def _decompressed(self, body: bytes, coding: str) -> bytes:
        async with self._decompressing:
            if len(body) <= _INLINE_BYTES_MAX:
                return decompressed(body, coding, self.limits.decompressed_bytes_max)
            return await asyncio.to_thread(decompressed, body, coding, self.limits.decompressed_bytes_max)


def _too_large(limit: int) -> DoorError:
    detail = f"body: more than {limit:,} bytes, that many are allowed; send fewer events at once"
    return DoorError(413, "Content too large", detail)


class SmallBodies:
    """ASGI middleware: what is asked of the API is small and comes at once. Doors for facts have their own limits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on; reading too much of its body, or for too long, raises HTTPException."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/") or scope["path"] == "/api/v1/write":
            await self._app(scope, receive, send)
            return
        size, end = 0, asyncio.get_running_loop().time() + _QUESTION_SECONDS_MAX
        whole = False

        async def receive_small() -> Message:
            nonlocal size, whole
            if whole:
                # The next thing to come is the end of the connection, whenever that is.
                return await receive()
            try:
                async with asyncio.timeout_at(end):
                    message = await receive()
            except TimeoutError as error:
                detail = f"body: must come within {_QUESTION_SECONDS_MAX} s; send it again"
                raise HTTPException(408, detail) from error
            size += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if size > _QUESTION_BYTES_MAX:
                # Of the framework's kind, which alone passes the framework's reading of a body.
                raise HTTPException(413, f"body: more than {_QUESTION_BYTES_MAX:,} bytes; ask for less at once")
            return message

        await self._app(scope, receive_small, send)


async def _sent(request: Request) -> AsyncIterator[bytes]:
    bodies: Bodies = request.app.state.bodies
    async with bodies.sent(request) as body:
        yield body


async def _plain(request: Request) -> AsyncIterator[bytes]:
    bodies: Bodies = request.app.state.bodies
    async with bodies.plain(request) as body:
        yield body


SentBody = Annotated[bytes, Depends(_sent)]
PlainBody = Annotated[bytes, Depends(_plain)]
