"""Browsers that are signed in. Enters: a cookie's token. Leaves: whose it is, as long as it lasts.

A token is made when somebody signs in and never taken from what a browser sent, so nobody can fix it beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, or_, select

from perunit.access.tokens import new_token, token_hash
from perunit.store.control.models import LoginSession, User

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from perunit.store.control.database import ControlStore

__all__ = ["Lifetime", "SignedIn", "end_session", "find_session", "start_session"]

# Noted this often at most, so that not every read writes.
_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a session lasts without a request, and in any case."""

    idle: timedelta = timedelta(minutes=120)
    longest: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that was just begun; the token is in no other place than here and the browser."""

    token: str
    csrf_token: str


def start_session(
    session: Session, user: User, now: datetime, lifetime: Lifetime, *, address: str | None, agent: str | None
) -> SignedIn:
    """Signs somebody in; sessions that are over are forgotten meanwhile."""
    over = or_(LoginSession.expires_at <= now, LoginSession.last_seen_at <= now - lifetime.idle)
    session.execute(delete(LoginSession).where(over))
    made = SignedIn(new_token(), new_token())
    user.last_login_at = now
    session.add(
        LoginSession(
            token_hash=token_hash(made.token),
            user_id=user.id,
            csrf_token=made.csrf_token,
            created_at=now,
            last_seen_at=now,
            expires_at=now + lifetime.longest,
            address=None if address is None else address[:64],
            agent=None if agent is None else agent[:300],
        )
    )
    return made


def find_session(
    control: ControlStore, token: str, now: datetime, lifetime: Lifetime
) -> tuple[LoginSession, User] | None:
    """The session and person of a token; None where it is over, or they may not come in any more."""
    chosen = select(LoginSession, User).join(User).where(LoginSession.token_hash == token_hash(token))
    with control.reading() as session:
        row = session.execute(chosen).one_or_none()
    if row is None:
        return None
    found, user = row[0], row[1]
    if now >= found.expires_at or now - found.last_seen_at >= lifetime.idle or user.disabled_at is not None:
        return None
    if now - found.last_seen_at >= _SEEN_EVERY:
        _note(control, found.id, now)
    return found, user


def end_session(session: Session, token: str) -> None:
    """Signs out; a token that is nobody's is none."""
    session.execute(delete(LoginSession).where(LoginSession.token_hash == token_hash(token)))


def _note(control: ControlStore, session_id: int, now: datetime) -> None:
    with control.session() as session:
        if (found := session.get(LoginSession, session_id)) is not None:
            found.last_seen_at = now
