"""Who may in. Enters: a request. Leaves: its viewer, or a refusal that says what to send.

A browser has a cookie, and for what changes something also the token that a page of another origin cannot read. A
program has a key. Whoever has neither is nobody.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import urlsplit

from fastapi import Request  # noqa: TC002 - the framework reads the annotation

from perunit.access.accounts import permit_of, users_exist
from perunit.access.errors import AccessError
from perunit.access.keys import KeyRing
from perunit.access.oidc_provider import OidcSettings, Provider
from perunit.access.permit import Role, Viewer
from perunit.access.sessions import Lifetime, find_session
from perunit.access.tokens import same
from perunit.live.service import is_loopback

if TYPE_CHECKING:
    from perunit.contract.access import Access
    from perunit.live.service import Service
    from perunit.store.control.models import LoginSession, User

__all__ = ["COOKIE", "CSRF_HEADER", "CrossSiteError", "Gate", "UnknownError", "gate_of"]

COOKIE = "perunit_session"
CSRF_HEADER = "x-csrf-token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Questions whose text is too long for an address.
_READS = ("/queries",)
_BEARER = "bearer "
_PORTS = {"http": 80, "https": 443}


class UnknownError(AccessError):
    """Nobody is signed in, or the key is none."""


class CrossSiteError(AccessError):
    """A request that changes something and does not come from a page of this server."""


class Gate:
    """The ways in to one running perunit."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.access: Access = service.project.contract.access
        self.control = service.control
        self.keys = KeyRing(service.control)
        lasting = self.access.sessions
        self.lifetime = Lifetime(timedelta(minutes=lasting.idle_minutes), timedelta(hours=lasting.hours_max))
        self.provider = _provider(self.access)
        self._anybody = False

    @property
    def setup_required(self) -> bool:
        """Whether nobody has an account yet."""
        if not self._anybody:
            with self.control.reading() as session:
                self._anybody = users_exist(session)
        return not self._anybody

    def viewer(self, request: Request) -> Viewer:
        """Who asks. Raises UnknownError, or CrossSiteError where a browser's page may be another's.

        What changes something is refused with StoreError while it cannot be written down.
        """
        viewer = self._viewer(request)
        if request.method not in _SAFE and not request.url.path.endswith(_READS):
            self.service.audit.require()
        return viewer

    def _viewer(self, request: Request) -> Viewer:
        if (text := bearer(request)) is not None:
            if (known := self.keys.viewer(text, self.service.clock())) is None:
                raise UnknownError("Authorization: the key is none, is over, or was revoked; make another one")
            return known
        found = self.signed_in(request)
        if found is None:
            raise UnknownError("request: nobody is signed in; sign in, or send Authorization: Bearer pu_… with a key")
        session, user = found
        if request.method not in _SAFE:
            self.require_own_page(request)
            if not same(request.headers.get(CSRF_HEADER, ""), session.csrf_token):
                raise CrossSiteError("X-CSRF-Token: must be that of /api/v1/session; read it again and send it along")
        return viewer_of(user)

    def signed_in(self, request: Request) -> tuple[LoginSession, User] | None:
        """The session of the request's cookie, and whose it is."""
        token = request.cookies.get(COOKIE)
        return None if not token else find_session(self.control, token, self.service.clock(), self.lifetime)

    def require_own_page(self, request: Request) -> None:
        """Raises CrossSiteError where a browser says that a page of another origin sends this."""
        site = request.headers.get("sec-fetch-site")
        if site is not None and site not in {"same-origin", "none"}:
            raise CrossSiteError(f"Sec-Fetch-Site: got {site[:20]!r}, must be same-origin; use perunit's own page")
        origin = request.headers.get("origin")
        if origin is not None and _origin(origin) not in self._origins(request):
            own = self.address(request)
            raise CrossSiteError(f"Origin: got {origin[:100]!r}, must be {own}; use perunit's own page")

    def _origins(self, request: Request) -> set[tuple[str, str, int | None]]:
        """Where its pages come from; beside a proxy's address also this machine's own, for whoever sits at it."""
        direct = _origin(str(request.base_url))
        own = {_origin(self.address(request))}
        return own | {direct} if self.access.url is None or is_loopback(direct[1]) else own

    def address(self, request: Request) -> str:
        """Where people reach this, without a slash at the end."""
        return (self.access.url or str(request.base_url)).rstrip("/")

    def secure(self, request: Request) -> bool:
        """Whether people reach it by https."""
        return self.address(request).startswith("https:")

    def client(self, request: Request) -> str:
        """The other side's address."""
        return request.client.host if request.client else "unknown"

    @property
    def behind_proxy(self) -> bool:
        """Whether everybody comes by the address of a proxy."""
        return self.access.url is not None


def gate_of(request: Request) -> Gate:
    """The gate of the application that answers."""
    return cast("Gate", request.app.state.gate)


def bearer(request: Request) -> str | None:
    """The key of a request, where it has one."""
    given = request.headers.get("authorization", "")
    return given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else None


def viewer_of(user: User, via: Literal["session", "owner"] = "session") -> Viewer:
    """A person as a viewer."""
    return Viewer(user.id, user.name, Role(user.role), permit_of(user.role, user.rows), via)


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", "", None


def _provider(access: Access) -> Provider | None:
    given = access.oidc
    if given is None:
        return None
    secret = os.environ.get(given.client_secret_env) if given.client_secret_env else None
    return Provider(
        OidcSettings(
            issuer=given.issuer,
            client_id=given.client_id,
            client_secret=secret,
            name=given.name,
            scopes=given.scopes,
            roles_claim=given.roles_claim,
            roles=tuple(given.roles.items()),
            default_role=given.default_role,
        )
    )
