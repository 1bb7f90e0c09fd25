"""What every answer says to a browser, and which hosts are answered for. ASGI middleware around the application.

A page may load what this server has and nothing else, run no script that is not a file, be in no frame, and tell no
other site where it was. A request for a host that is not ours is refused: a name that somebody else points at this
machine would otherwise let their pages read what is answered here.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from perunit.faces.api.problems import problem
from perunit.live.service import is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from perunit.contract.access import Access

__all__ = ["CSP", "Headers", "Hosts"]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_ALWAYS = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")
_NO_STORE = (b"cache-control", b"no-store")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# Programs reach these by whatever name their network has; a key, not a name, lets them in.
_BY_ANY_NAME = ("/v1/", "/api/v1/write", "/metrics", "/healthz", "/readyz")


class Headers:
    """Adds them to every answer."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on; its answer has the headers that it does not have already."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        wanted = list(_ALWAYS)
        if self._https or scope["scheme"] == "https":
            wanted.append(_HSTS)
        if scope["path"].startswith("/api/"):
            wanted.append(_NO_STORE)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                names = {name.lower() for name, _ in given}
                message["headers"] = [*given, *(each for each in wanted if each[0] not in names)]
            await send(message)

        await self._app(scope, receive, send_guarded)


class Hosts:
    """Refuses requests for other hosts than this server's."""

    def __init__(self, app: ASGIApp, *, host: str, access: Access) -> None:
        self._app = app
        self._alone = is_loopback(host)
        named = {host, *access.hosts, *_LOOPBACK_NAMES}
        if access.url is not None:
            named.add(urlsplit(access.url).hostname or "")
        self._known = frozenset(each.lower() for each in named)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers 421."""
        if scope["type"] != "http" or self._answers(scope):
            await self._app(scope, receive, send)
            return
        given = _host(scope)[:100]
        mend = "use the address perunit prints, or add the name to access.hosts in perunit.yaml"
        await problem(421, "Another host", f"Host: got {given!r}, must be one of this server's; {mend}")(
            scope, receive, send
        )

    def _answers(self, scope: Scope) -> bool:
        if not self._alone and scope["path"].startswith(_BY_ANY_NAME):
            return True
        host = _host(scope)
        # An address is nobody's to point elsewhere.
        return host in self._known or (not self._alone and _is_address(host))


def _host(scope: Scope) -> str:
    """The name a request is for, without its port; empty where it does not say one, or several."""
    given = [value for name, value in scope["headers"] if name == b"host"]
    if len(given) != 1:
        return ""
    try:
        return (urlsplit(f"//{given[0].decode('ascii')}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
