"""Signing in through an identity provider: authorization code, PKCE, state and nonce.

Enters: a browser that wants in, and later what the provider sent it back with. Leaves: an account. A `state` is good
once, for ten minutes, and for the browser it was given to.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from perunit.access.accounts import clean_name, end_sessions
from perunit.access.errors import AccessError, SignInError
from perunit.access.permit import Role
from perunit.access.tokens import new_token, token_hash
from perunit.store.control.models import OidcFlow, User

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.access.oidc_provider import Claims, OidcSettings, Provider
    from perunit.store.control.database import ControlStore

__all__ = ["Begun", "begin", "finish", "safe_return"]

_LASTS = timedelta(minutes=10)
_FLOWS_MAX = 10_000
# A path on this server: two slashes, or a backslash, would lead a browser to another.
_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,2000}")


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it has to bring back in a cookie."""

    url: str
    state: str


def safe_return(path: str | None) -> str:
    """Where to go after signing in: a path here, or the start."""
    return path if path and _PATH.fullmatch(path) else "/"


def begin(control: ControlStore, provider: Provider, now: datetime, *, redirect_uri: str, return_to: str) -> Begun:
    """Remembers a sign-in and says where to send the browser. Raises SignInError where the provider does not answer."""
    state, nonce, verifier = new_token(), new_token(), new_token()
    url = provider.authorization_url(
        redirect_uri=redirect_uri, state=state, nonce=nonce, challenge=_challenge(verifier)
    )
    with control.session() as session:
        session.execute(delete(OidcFlow).where(OidcFlow.expires_at <= now))
        newest = select(OidcFlow.state).order_by(OidcFlow.expires_at.desc()).limit(_FLOWS_MAX)
        session.execute(delete(OidcFlow).where(OidcFlow.state.not_in(newest)))
        session.add(
            OidcFlow(
                state=token_hash(state),
                nonce=nonce,
                verifier=verifier,
                return_to=safe_return(return_to),
                expires_at=now + _LASTS,
            )
        )
    return Begun(url, state)


def _challenge(verifier: str) -> str:
    """What the provider is told of a verifier beforehand, as RFC 7636's S256 has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def finish(
    control: ControlStore,
    provider: Provider,
    now: datetime,
    *,
    state: str,
    code: str,
    issuer: str | None,
    redirect_uri: str,
) -> tuple[int, str]:
    """The account's id, and where to go. Raises SignInError unless everything fits."""
    flow = _taken(control, state, now)
    if issuer is not None and issuer != provider.settings.issuer:
        raise SignInError("iss: another provider answered")
    claims = provider.claims(
        code=code, verifier=flow.verifier, redirect_uri=redirect_uri, nonce=flow.nonce, now=now.timestamp()
    )
    return _account(control, provider.settings, claims, now), flow.return_to


def _taken(control: ControlStore, state: str, now: datetime) -> OidcFlow:
    """The sign-in that a state stands for; it is good this once, whatever comes of it."""
    with control.session() as session:
        flow = session.scalar(select(OidcFlow).where(OidcFlow.state == token_hash(state)).with_for_update())
        if flow is not None:
            session.delete(flow)
    if flow is None or now >= flow.expires_at:
        raise SignInError("state: it was used, is over, or is none of ours; begin again")
    return flow


def _account(control: ControlStore, settings: OidcSettings, claims: Claims, now: datetime) -> int:
    """The account of whom the provider vouches for, made at the first sign-in; its role is that of their groups now."""
    subject = f"{settings.issuer} {claims['sub']}"[:600]
    role = _role(settings, claims)
    with control.session() as session:
        user = session.scalar(select(User).where(User.oidc_subject == subject))
        if user is not None and (user.disabled_at is not None or role is None):
            end_sessions(session, user)
        elif user is not None and role is not None and user.role != role:
            end_sessions(session, user)
            user.role = role
        elif user is None and role is not None:
            name = _name(claims)
            if session.scalar(select(User.id).where(User.name == name)) is not None:
                raise SignInError(f"name: {name!r} is an account of another; rename it")
            user = User(name=name, role=role, oidc_subject=subject, rows={}, created_at=now)
            session.add(user)
        if user is not None:
            user.email = _verified_email(claims) or user.email
            session.flush()
    if user is None or role is None:
        raise SignInError("role: none of the groups has one here; ask an administrator")
    if user.disabled_at is not None:
        raise SignInError(f"users: {user.name!r} is disabled; ask an administrator")
    return user.id


def _role(settings: OidcSettings, claims: Claims) -> str | None:
    """The first role in the list whose group the person has."""
    groups: Any = claims
    for step in settings.roles_claim.split("."):
        groups = groups.get(step) if isinstance(groups, dict) else None
    if groups is None and settings.roles_claim in claims:
        groups = claims[settings.roles_claim]
    held = {groups} if isinstance(groups, str) else set(map(str, groups)) if isinstance(groups, list) else set()
    found = next((role for group, role in settings.roles if group in held), settings.default_role)
    return None if found is None else Role(found).value


def _name(claims: Claims) -> str:
    for candidate in (claims.get("preferred_username"), _verified_email(claims), claims["sub"]):
        try:
            return clean_name(str(candidate or ""))
        except AccessError:
            continue
    return f"user-{token_hash(str(claims['sub']))[:12]}"


def _verified_email(claims: Claims) -> str | None:
    email = claims.get("email")
    return email[:320] if isinstance(email, str) and claims.get("email_verified") is True else None
