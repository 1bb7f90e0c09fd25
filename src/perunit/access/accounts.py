"""People's accounts: made, changed, disabled and removed. Enters: who does it. Leaves: the account, or why not.

Nobody gives more than they have: a role, or rows, beyond one's own permit are refused, and so is touching an account
that may do more. Whatever takes rights away ends the sessions it was used with.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from perunit.access.errors import AccessError, ConflictError, MissingError
from perunit.access.passwords import check_password_rules, hash_password
from perunit.access.permit import ROLES, Permit, Role
from perunit.store.control.database import hold
from perunit.store.control.models import ApiKey, LoginSession, Ticket, User

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

__all__ = [
    "NAME_RULE",
    "Rows",
    "add_user",
    "all_users",
    "change_user",
    "clean_name",
    "clean_rows",
    "disable_user",
    "enable_user",
    "end_sessions",
    "find_user",
    "permit_of",
    "remove_user",
    "require_within",
    "set_password",
    "user_by_id",
    "users_exist",
    "within",
]

Rows = dict[str, list[str]]
NAME_RULE = "must be letters, digits and . _ - + @, begin with a letter or digit, and have 100 or fewer"
_NAME = re.compile(r"[a-z0-9][a-z0-9._+@-]{0,99}")
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,64}@[^\s@<>\"(),:;\\]{1,250}")


def clean_name(name: str) -> str:
    """A name as it is kept: lower case, so that two cannot look the same. Raises AccessError where it cannot be one."""
    found = name.strip().lower()
    if not _NAME.fullmatch(found):
        raise AccessError(f"name: got {name[:100]!r}, {NAME_RULE}; choose another")
    return found


def clean_rows(rows: Mapping[str, Sequence[str]]) -> Rows:
    """Rows as they are kept. Raises AccessError for a dimension of which nothing could be seen."""
    for dimension, values in rows.items():
        if not values:
            raise AccessError(f"rows: {dimension}: got no value, must have one or more; name those that may be seen")
    return {dimension: sorted(set(values)) for dimension, values in sorted(rows.items())}


def permit_of(role: str, rows: Mapping[str, Sequence[str]]) -> Permit:
    """What a role may, limited to rows."""
    return Permit(ROLES[Role(role)], {dimension: tuple(values) for dimension, values in rows.items()})


def within(inner: Permit, outer: Permit) -> bool:
    """Whether the one may nothing that the other may not."""
    if not inner.permissions <= outer.permissions:
        return False
    return all(
        dimension in inner.rows and set(inner.rows[dimension]) <= set(values)
        for dimension, values in outer.rows.items()
    )


def require_within(inner: Permit, outer: Permit) -> None:
    """Raises AccessError where somebody would give, or touch, more than they have."""
    if not within(inner, outer):
        raise AccessError("role: must be within what you may yourself; ask an administrator who may all of it")


def find_user(session: Session, name: str) -> User:
    """The account of that name. Raises MissingError."""
    if (user := session.scalar(select(User).where(User.name == name.strip().lower()))) is None:
        raise MissingError(f"users: there is no {name[:100]!r}; perunit users list shows them")
    return user


def user_by_id(session: Session, user_id: int) -> User:
    """The account of that id. Raises MissingError."""
    # What no database has room for is not there either.
    user = session.get(User, user_id) if abs(user_id) < 1 << 63 else None
    if user is None:
        raise MissingError(f"users: there is none with id {user_id}; reload the list")
    return user


def all_users(session: Session) -> list[User]:
    """Everybody, by name."""
    return list(session.scalars(select(User).order_by(User.name)))


def add_user(
    session: Session,
    by: Permit,
    now: datetime,
    *,
    name: str,
    role: Role,
    email: str | None = None,
    rows: Mapping[str, Sequence[str]] | None = None,
) -> User:
    """A new account, without a password so far. Raises AccessError."""
    name, kept = clean_name(name), clean_rows(rows or {})
    require_within(permit_of(role, kept), by)
    if session.scalar(select(User.id).where(User.name == name)) is not None:
        raise ConflictError(f"name: {name!r} is taken; choose another")
    user = User(name=name, email=_email(email), role=str(role), rows=kept, created_at=now)
    session.add(user)
    session.flush()
    return user


def change_user(
    session: Session,
    by: Permit,
    user: User,
    *,
    role: Role | None = None,
    email: str | None = None,
    rows: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Another role, address or rows; what is None stays. The last administrator stays one."""
    require_within(permit_of(user.role, user.rows), by)
    after = (str(role or user.role), clean_rows(user.rows if rows is None else rows))
    require_within(permit_of(*after), by)
    if email is not None:
        user.email = _email(email)
    if after == (user.role, user.rows):
        return
    if after != (Role.admin.value, {}):
        _keep_an_administrator(session, user)
    user.role, user.rows = after
    end_sessions(session, user)


def set_password(session: Session, user: User, password: str, length_min: int) -> None:
    """Another password; whoever is signed in has to do so again, and links that were sent no longer work."""
    check_password_rules(password, user.name, length_min)
    user.password_hash = hash_password(password)
    end_sessions(session, user)


def disable_user(session: Session, by: Permit, user: User, now: datetime) -> None:
    """Locks somebody out at once: sessions end, keys they made no longer open anything."""
    require_within(permit_of(user.role, user.rows), by)
    _keep_an_administrator(session, user)
    user.disabled_at = user.disabled_at or now
    end_sessions(session, user)


def enable_user(by: Permit, user: User) -> None:
    """Lets somebody in again."""
    require_within(permit_of(user.role, user.rows), by)
    user.disabled_at = None


def remove_user(session: Session, by: Permit, user: User, now: datetime) -> None:
    """Takes an account away; keys that they made are revoked and stay listed."""
    disable_user(session, by, user, now)
    revoked = update(ApiKey).where(ApiKey.user_id == user.id, ApiKey.revoked_at.is_(None)).values(revoked_at=now)
    session.execute(revoked)
    session.delete(user)


def end_sessions(session: Session, user: User) -> None:
    """Signs somebody out everywhere."""
    session.execute(delete(LoginSession).where(LoginSession.user_id == user.id))
    session.execute(delete(Ticket).where(Ticket.user_id == user.id))


def _keep_an_administrator(session: Session, user: User) -> None:
    """Without one nobody could give rights over the API any more."""
    if user.role != Role.admin or user.disabled_at is not None or user.rows:
        return
    hold(session, "administrators")
    others = select(User.rows).where(User.role == Role.admin.value, User.disabled_at.is_(None), User.id != user.id)
    if all(session.scalars(others)):
        raise ConflictError(f"users: {user.name!r} is the last administrator; make another one first")


def users_exist(session: Session) -> bool:
    """Whether anybody has an account."""
    return bool(session.scalar(select(func.count()).select_from(User)))


def _email(email: str | None) -> str | None:
    if email is None or not email.strip():
        return None
    if not _EMAIL.fullmatch(email.strip()):
        raise AccessError(f"email: got {email[:100]!r}, must be an address such as kim@example.com; correct it")
    return email.strip()
