"""Links that let somebody in once: a person's ticket, and the first account's set-up. Their tokens are kept hashed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from perunit.access.accounts import add_user, set_password, users_exist
from perunit.access.errors import ConflictError, SignInError
from perunit.access.permit import OWNER, Role
from perunit.access.tokens import new_token, same, token_hash
from perunit.store.control.database import hold
from perunit.store.control.models import Setting, Ticket, User

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["TICKET_HOURS", "new_setup", "new_ticket", "set_up", "take_ticket"]

TICKET_HOURS = 24
_SETUP = "setup"
_SETUP_LASTS = timedelta(hours=24)
_REFUSED = "ticket: it was used, is over, or never was one; ask for another link"


def new_ticket(session: Session, user: User, now: datetime, hours: int = TICKET_HOURS) -> str:
    """A token with which somebody signs in once, within so many hours."""
    if user.disabled_at is not None:
        raise ConflictError(f"users: {user.name!r} is disabled; enable them first")
    session.execute(delete(Ticket).where(Ticket.expires_at <= now))
    token = new_token()
    session.add(Ticket(token_hash=token_hash(token), user_id=user.id, expires_at=now + timedelta(hours=hours)))
    return token


def take_ticket(session: Session, token: str, now: datetime) -> User:
    """Whose ticket it is; from now on it is used. Raises SignInError."""
    # Held for the row, so that of two at once one alone has it.
    chosen = select(Ticket).where(Ticket.token_hash == token_hash(token)).with_for_update()
    ticket = session.scalar(chosen)
    if ticket is None or ticket.used_at is not None or now >= ticket.expires_at:
        raise SignInError(_REFUSED)
    user = session.get_one(User, ticket.user_id)
    if user.disabled_at is not None:
        raise SignInError(_REFUSED)
    ticket.used_at = now
    return user


def new_setup(session: Session, now: datetime) -> str | None:
    """A token with which the first administrator makes an account; None where somebody has one. Ends any before it."""
    hold(session, _SETUP)
    if users_exist(session):
        return None
    token = new_token()
    value = {"token_hash": token_hash(token), "expires_at": (now + _SETUP_LASTS).isoformat()}
    session.merge(Setting(name=_SETUP, value=value))
    return token


def set_up(session: Session, token: str, now: datetime, *, name: str, password: str, length_min: int) -> User:
    """The first account, an administrator's. Raises SignInError for another token, ConflictError where there is one."""
    hold(session, _SETUP)
    if users_exist(session):
        raise ConflictError("setup: it is done, there are accounts; sign in, or ask an administrator for a link")
    kept = session.get(Setting, _SETUP)
    if kept is None or not _is(kept.value, token, now):
        raise SignInError("token: it is not the one perunit printed last, or it is over; restart perunit for another")
    user = add_user(session, OWNER, now, name=name, role=Role.admin)
    set_password(session, user, password, length_min)
    session.delete(kept)
    return user


def _is(kept: Any, token: str, now: datetime) -> bool:
    lasts = now < datetime.fromisoformat(kept["expires_at"])
    return same(kept["token_hash"], token_hash(token)) and lasts
