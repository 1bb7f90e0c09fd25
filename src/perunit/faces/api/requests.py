"""Every request observed: it gets a number, is counted and timed, written to the log, and traced where that is set up.

The log has what was asked and how it went, never what was sent.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter, Histogram

from perunit.access.audit import ADDRESS
from perunit.faces.api.tracing import request_span, shown_path

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from perunit.live.meters import Meters

__all__ = ["Observed"]

_log = logging.getLogger("perunit.http")
_GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# A supervisor asks these every few seconds, and nobody reads of it.
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class Observed:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        labels = ("method", "path", "status")
        self._requests = Counter("perunit_http_requests", "Requests answered.", labels, registry=meters.registry)
        self._seconds = Histogram(
            "perunit_http_request_seconds", "From a request's head to the end of its answer.", ("path",),
            buckets=_SECONDS, registry=meters.registry,
        )  # fmt: skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and notes how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, number = time.perf_counter(), _number(scope)
        scope.setdefault("state", {})["request_id"] = number
        status = 500
        ADDRESS.set((scope.get("client") or (None,))[0])

        async def send_numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", number.encode())]
            await send(message)

        try:
            with request_span(scope) as span:
                await self._app(scope, receive, send_numbered)
                span(status)
        finally:
            self._note(scope, number, status, time.perf_counter() - started)

    def _note(self, scope: Scope, number: str, status: int, seconds: float) -> None:
        # By the route, not by what was asked for: that could be anything, and a series each.
        path = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if path != "other" else "any"
        self._requests.labels(method, path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)
        level = logging.DEBUG if path in _QUIET and status < 400 else logging.INFO
        if not _log.isEnabledFor(level):
            return
        said: dict[str, Any] = {
            "request_id": number,
            "method": scope["method"][:20],
            "path": shown_path(scope),
            "status": status,
            "ms": round(seconds * 1000, 1),
            "client": (scope.get("client") or ("unknown",))[0],
        }
        _log.log(level, "request", extra={"said": said})


def _number(scope: Scope) -> str:
    """The request's number: the caller's own where it is fit for a log, a new one otherwise."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _GIVEN_ID.fullmatch(value):
            given: str = value.decode()
            return given
    return secrets.token_hex(8)
