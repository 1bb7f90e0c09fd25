"""``/session``, ``/setup`` and ``/oidc``: signing in and out. Enters: a password, a link or a provider's word.
Leaves: a cookie that no script can read.

No answer holds a token that signs in, and none is in the log: tokens come in bodies, and the code of `/oidc/callback`
is in a query, which the log leaves out.
"""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field

from perunit import __version__
from perunit.access import accounts, links, login, oidc
from perunit.access.errors import AccessError, ConflictError, SignInError
from perunit.access.permit import Permit, Viewer
from perunit.access.sessions import SignedIn, end_session, start_session
from perunit.faces.api.gate import COOKIE, Gate, bearer, gate_of, viewer_of
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.viewer import CurrentViewer  # noqa: TC001 - the framework reads the annotation
from perunit.store.control.models import User

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from perunit.live.service import Service

__all__ = ["router"]

_STATE_COOKIE = "perunit_oidc"
_STATE_PATH = "/api/v1/oidc"
_STATE_SECONDS = 600
_log = logging.getLogger("perunit.access")


class Person(BaseModel):
    """Somebody with an account."""

    id: int
    name: str
    email: str | None
    role: str


class OidcOffer(BaseModel):
    """That one can sign in through a provider."""

    name: str = Field(description="What stands on the button.")


class SessionAnswer(BaseModel):
    """Who is signed in, and what they may."""

    user: Person | None
    permissions: list[str]
    rows: dict[str, list[str]] = Field(description="Dimension → the only values that are seen.")
    csrf_token: str | None = Field(description="To be sent as X-CSRF-Token with what changes something.")
    has_password: bool = Field(description="Whether the person signed in can do so with a password.")
    setup_required: bool = Field(description="Nobody has an account yet.")
    oidc: OidcOffer | None
    demo: bool
    version: str


class Credentials(BaseModel):
    """What a person knows."""

    name: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=2000)


class TicketGiven(BaseModel):
    """What a link holds."""

    ticket: str = Field(min_length=1, max_length=200)


class SetupGiven(BaseModel):
    """The first administrator."""

    token: str = Field(min_length=1, max_length=200)
    name: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=2000)


class PasswordGiven(BaseModel):
    """Another password of one's own."""

    current: str | None = Field(None, max_length=2000, description="Needed where there is one.")
    password: str = Field(min_length=1, max_length=2000)


_ANSWERS: dict[int | str, dict[str, Any]] = problem_responses(400, 401, 403, 413, 422, 429, 500, 503)


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["session"])
    _add_sessions(api, service)
    _add_links(api, service)
    _add_oidc(api, service)
    return api


def _add_sessions(api: APIRouter, service: Service) -> None:
    @api.get(
        "/session", response_model=SessionAnswer, operation_id="readSession", responses=_ANSWERS,
        summary="Who is signed in",
    )  # fmt: skip
    def read(request: Request) -> JSONResponse:
        """Also answered to nobody, whose `user` is null: a page asks it first."""
        gate = gate_of(request)
        if bearer(request) is not None:
            return _said(gate, gate.viewer(request), None, None)
        found = gate.signed_in(request)
        if found is None:
            return _said(gate, None, None, None)
        return _said(gate, viewer_of(found[1]), found[1], found[0].csrf_token)

    @api.post(
        "/session", response_model=SessionAnswer, operation_id="signIn", responses=_ANSWERS,
        summary="Sign in with a password",
    )  # fmt: skip
    def sign_in(request: Request, given: Credentials) -> JSONResponse:
        """Answered alike, and as late, whoever is not let in."""
        gate = gate_of(request)
        gate.require_own_page(request)
        try:
            user_id = login.sign_in(
                gate.control, given.name, given.password, service.clock(),
                address=gate.client(request), shared_address=gate.behind_proxy,
            )  # fmt: skip
        except SignInError:
            service.audit.record(_somebody(given.name), "login_failed", given.name[:200])
            raise
        return _let_in(gate, request, lambda session: accounts.user_by_id(session, user_id), "password")

    @api.delete(
        "/session", status_code=204, response_class=Response, operation_id="signOut", responses=_ANSWERS,
        summary="Sign out",
    )  # fmt: skip
    def sign_out(request: Request, viewer: CurrentViewer) -> Response:
        """Ends the session here; others of the same person go on."""
        gate = gate_of(request)
        with gate.control.session() as session:
            end_session(session, request.cookies.get(COOKIE, ""))
        service.audit.record(viewer, "logout", viewer.name)
        answer = Response(status_code=204, headers={"Clear-Site-Data": '"cache"'})
        _set_cookie(answer, gate, request, COOKIE, "", "/", 0)
        return answer

    @api.put(
        "/session/password", response_model=SessionAnswer, operation_id="changePassword",
        responses=_ANSWERS | problem_responses(409), summary="Choose another password",
    )  # fmt: skip
    def change_password(request: Request, viewer: CurrentViewer, given: PasswordGiven) -> JSONResponse:
        """One's own. Every other browser has to sign in again."""
        gate = gate_of(request)
        if viewer.via != "session" or viewer.user_id is None:
            raise ConflictError("password: a key has none; sign in as a person")
        _confirm(gate, request, viewer, given.current)
        with gate.control.session() as session:
            user = accounts.user_by_id(session, viewer.user_id)
            accounts.set_password(session, user, given.password, gate.access.password_length_min)
            service.audit.enter(session, viewer, "user_change", viewer.name, {"password": True})
        return _let_in(gate, request, lambda session: accounts.user_by_id(session, viewer.user_id or 0), "password")


def _add_links(api: APIRouter, service: Service) -> None:
    @api.post(
        "/session/ticket", response_model=SessionAnswer, operation_id="signInByTicket", responses=_ANSWERS,
        summary="Sign in with a link",
    )  # fmt: skip
    def by_ticket(request: Request, given: TicketGiven) -> JSONResponse:
        """A link is good once."""
        gate = gate_of(request)
        gate.require_own_page(request)
        now = service.clock()
        return _let_in(gate, request, lambda session: links.take_ticket(session, given.ticket, now), "ticket")

    @api.post(
        "/setup", response_model=SessionAnswer, operation_id="setUp", responses=_ANSWERS | problem_responses(409),
        summary="Make the first account",
    )  # fmt: skip
    def set_up(request: Request, given: SetupGiven) -> JSONResponse:
        """An administrator's, with the token that `perunit serve` printed; signs them in."""
        gate = gate_of(request)
        gate.require_own_page(request)

        def made(session: Session) -> User:
            least = gate.access.password_length_min
            user = links.set_up(
                session, given.token, service.clock(), name=given.name, password=given.password, length_min=least
            )
            service.audit.enter(session, _somebody(given.name), "setup", given.name)
            return user

        return _let_in(gate, request, made, "setup")


def _add_oidc(api: APIRouter, service: Service) -> None:
    @api.get(
        "/oidc/start", status_code=303, response_class=RedirectResponse, operation_id="startOidc",
        responses=_OIDC, summary="Sign in through the identity provider",
    )  # fmt: skip
    def start(request: Request, return_to: str = "/") -> Response:
        """Sends the browser there. `return_to`: the path to come back to."""
        gate = gate_of(request)
        if gate.provider is None:
            return RedirectResponse("/login?error=provider", 303)
        try:
            begun = oidc.begin(
                gate.control, gate.provider, service.clock(),
                redirect_uri=_callback(gate, request), return_to=return_to,
            )  # fmt: skip
        except SignInError as error:
            return _failed(gate, request, "provider", str(error))
        answer = RedirectResponse(begun.url, 303)
        _set_cookie(answer, gate, request, _STATE_COOKIE, begun.state, _STATE_PATH, _STATE_SECONDS)
        return answer

    @api.get(
        "/oidc/callback", status_code=303, response_class=RedirectResponse, operation_id="finishOidc",
        responses=_OIDC, summary="Back from the identity provider",
    )  # fmt: skip
    def callback(
        request: Request, code: str = "", state: str = "", error: str = "", iss: str | None = None
    ) -> Response:
        """Signs in, or goes to the sign-in page with the kind of fault; the log has the reason."""
        gate = gate_of(request)
        if gate.provider is None:
            return RedirectResponse("/login?error=provider", 303)
        # A state that another browser was given would sign this one in as somebody else.
        if not state or not secrets.compare_digest(state.encode(), request.cookies.get(_STATE_COOKIE, "").encode()):
            return _failed(gate, request, "state", "state: is not this browser's")
        if error or not code:
            return _failed(gate, request, "denied", f"the provider answered {error[:60]!r}")
        try:
            user_id, return_to = oidc.finish(
                gate.control, gate.provider, service.clock(),
                state=state, code=code, issuer=iss, redirect_uri=_callback(gate, request),
            )  # fmt: skip
        except AccessError as refused:
            # Only with a state of ours: otherwise anybody could fill the audit.
            service.audit.record(_somebody("oidc"), "login_failed", "oidc", {"reason": str(refused)[:300]})
            return _failed(gate, request, _kind(str(refused)), str(refused))
        answer = RedirectResponse(return_to, 303)
        _begin(gate, request, answer, lambda session: accounts.user_by_id(session, user_id), "oidc")
        _set_cookie(answer, gate, request, _STATE_COOKIE, "", _STATE_PATH, 0)
        return answer


_OIDC: dict[int | str, dict[str, Any]] = {
    303: {
        "description": "On the way: to the provider, the page asked for, or the sign-in page with `error`.",
        "headers": {"Location": {"schema": {"type": "string"}}},
    },
    **problem_responses(422, 500, 503),
}


def _kind(reason: str) -> str:
    """What went wrong in a word the sign-in page knows: state, provider, role, account or token."""
    first = reason.partition(":")[0]
    return {"state": "state", "provider": "provider", "role": "role", "name": "account", "users": "account"}.get(
        first, "token"
    )


def _failed(gate: Gate, request: Request, kind: str, reason: str) -> Response:
    # What came from outside is quoted, so that it cannot make lines of its own.
    _log.warning("sign-in through the provider failed: %r", reason)
    answer = RedirectResponse(f"/login?error={kind}", 303)
    _set_cookie(answer, gate, request, _STATE_COOKIE, "", _STATE_PATH, 0)
    return answer


def _callback(gate: Gate, request: Request) -> str:
    return f"{gate.address(request)}/api/v1/oidc/callback"


def _confirm(gate: Gate, request: Request, viewer: Viewer, current: str | None) -> None:
    """Raises where whoever sits there does not know the password that is to be changed."""
    with gate.control.reading() as session:
        user = session.get_one(User, viewer.user_id)
    if user.password_hash is not None:
        login.sign_in(
            gate.control, user.name, current or "", gate.service.clock(),
            address=gate.client(request), shared_address=gate.behind_proxy,
        )  # fmt: skip
    elif user.oidc_subject is not None:
        raise ConflictError("password: you sign in through the provider; change it there")


def _let_in(gate: Gate, request: Request, who: Callable[[Session], User], how: str) -> JSONResponse:
    """Signs in whom `who` finds, in the same transaction, and says so."""
    answer = JSONResponse({})
    user, begun = _begin(gate, request, answer, who, how)
    said = _said(gate, viewer_of(user), user, begun.csrf_token)
    said.raw_headers.extend(each for each in answer.raw_headers if each[0] == b"set-cookie")
    return said


def _begin(
    gate: Gate, request: Request, answer: Response, who: Callable[[Session], User], how: str
) -> tuple[User, SignedIn]:
    """A new session in place of any that the browser had; its cookie is in the answer."""
    with gate.control.session() as session:
        user = who(session)
        end_session(session, request.cookies.get(COOKIE, ""))
        begun = start_session(
            session, user, gate.service.clock(), gate.lifetime,
            address=gate.client(request), agent=request.headers.get("user-agent"),
        )  # fmt: skip
        gate.service.audit.enter(session, viewer_of(user), "login", user.name, {"how": how})
    seconds = int(gate.lifetime.longest.total_seconds())
    _set_cookie(answer, gate, request, COOKIE, begun.token, "/", seconds)
    return user, begun


def _set_cookie(answer: Response, gate: Gate, request: Request, name: str, value: str, path: str, seconds: int) -> None:
    answer.set_cookie(
        name, value, max_age=seconds, path=path, secure=gate.secure(request), httponly=True, samesite="lax"
    )


def _said(gate: Gate, viewer: Viewer | None, user: User | None, csrf_token: str | None) -> JSONResponse:
    permit = viewer.permit if viewer is not None else Permit(frozenset())
    person = None if user is None else Person(id=user.id, name=user.name, email=user.email, role=user.role)
    answer = SessionAnswer(
        user=person,
        permissions=sorted(permit.permissions),
        rows={dimension: list(values) for dimension, values in permit.rows.items()},
        csrf_token=csrf_token,
        has_password=user is not None and user.password_hash is not None,
        setup_required=gate.setup_required,
        oidc=None if gate.provider is None else OidcOffer(name=gate.provider.settings.name),
        demo=(gate.service.project.root / "tour.json").is_file(),
        version=__version__,
    )
    return JSONResponse(answer.model_dump())


def _somebody(name: str) -> Viewer:
    """Whoever says to be of that name, and may nothing."""
    return Viewer(None, name[:200], None, Permit(frozenset()), "session")
