"""The HTTP server, hardened. Enters: connections. Leaves: requests whose heads are small and came in time.

uvicorn speaks the protocol; it waits for ever for the rest of a head, reads heads of any length and takes any number of
connections. Here each of these has a limit, so that slow or hostile clients cost a bounded amount and stall nobody.
"""

from __future__ import annotations

import json
import signal
import threading
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from perunit.faces.api.body import Limits
from perunit.faces.api.problems import MEDIA_TYPE

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Generator

    from fastapi import FastAPI

__all__ = ["BACKLOG", "GuardedProtocol", "Server"]

# A chunk's own bytes beside its content: a length, line ends, extensions that nobody needs.
_BYTES_BESIDE_ONE = 16
_REST_SECONDS = 2
# Longer than the minute that proxies keep connections to those behind them: the one that reuses must be the one that
# closes, or a request meets a connection in the moment it is closed.
_KEEP_ALIVE_SECONDS = 75
BACKLOG = 512


class GuardedProtocol(HttpToolsProtocol):
    """One connection within `limits`."""

    limits: ClassVar[Limits] = Limits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes a connection, unless there are too many."""
        super().connection_made(transport)
        self._in_head = True
        self._head = self._body = self._beside = 0
        self._late: asyncio.TimerHandle | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._expect_head()
        if len(self.connections) > self.limits.connections_max:
            most = f"{self.limits.connections_max:,} connections are open, more are not taken"
            self._refuse(503, f"connection: {most}; reuse connections, or try again in a moment")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        self._head_came()
        self._end_rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feeds the parser and looks at what it has taken up."""
        if self._in_head:
            self._head += len(data)
        else:
            self._beside += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        most = self.limits.head_bytes_max
        if self._in_head and self._head > most:
            self._refuse(431, f"head: more than {most:,} bytes, that many are allowed; send fewer or shorter headers")
        elif self._beside > most + _BYTES_BESIDE_ONE * self._body:
            self._refuse(400, "body: its chunks are mostly not content; send larger chunks")

    def on_message_begin(self) -> None:
        """The first byte of a request is there: from now on its head is waited for."""
        super().on_message_begin()
        self._in_head = True
        self._body = self._beside = 0
        if self._late is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is there whole."""
        self._in_head, self._head = False, 0
        self._head_came()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the content came."""
        self._body += len(body)
        self._beside = max(0, self._beside - len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The content is there whole."""
        self._end_rest()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """What still comes of a body that was answered early is thrown away for a moment: its sender reads then."""
        if not self.pipeline and self.cycle.more_body:
            self._rest = self.loop.call_later(_REST_SECONDS, self.transport.close)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is told so, as a problem."""
        self._refuse(400, f"request: {msg} It must be HTTP/1.1; send it so")

    def _expect_head(self) -> None:
        self._late = self.loop.call_later(self.limits.head_seconds_max, self._give_up)

    def _head_came(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _end_rest(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _give_up(self) -> None:
        self._late = None
        if self._head:
            most = f"{self.limits.head_seconds_max:g} s"
            self._refuse(408, f"head: must come within {most}; send it at once")
        else:
            self.transport.close()

    def _refuse(self, status: int, detail: str) -> None:
        title = HTTPStatus(status).phrase
        slug = title.lower().replace(" ", "-")
        problem = {"type": f"urn:perunit:problem:{slug}", "title": title, "status": status, "detail": detail}
        content = json.dumps(problem).encode()
        head = f"HTTP/1.1 {status} {title}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(content)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + content)
        self.transport.close()


def guarded(limits: Limits) -> type[GuardedProtocol]:
    """The protocol with these limits."""
    return type("Guarded", (GuardedProtocol,), {"limits": limits})


class Server(uvicorn.Server):
    """uvicorn's server, which ends on SIGTERM and SIGINT and leaves the rest of the shutdown to its caller."""

    @classmethod
    def within(cls, app: FastAPI, limits: Limits, *, grace_seconds: int = 10) -> Server:
        """The server of an application within `limits`; requests under way at the end have `grace_seconds`."""
        return cls(
            uvicorn.Config(
                app,
                http=guarded(limits),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=grace_seconds,
                backlog=BACKLOG,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn, once streams that would never end by themselves are told to."""
        if (state := getattr(self.config.app, "state", None)) is not None:
            state.ending = True
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """As uvicorn, without raising the signal again afterwards: the store is still open then."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
