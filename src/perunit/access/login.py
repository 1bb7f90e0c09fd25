"""Signing in with a password. Enters: a name, a password and where from. Leaves: who it is, or no hint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from perunit.access.errors import SignInError
from perunit.access.passwords import fits, hash_password, outdated
from perunit.access.throttle import admit, succeeded
from perunit.store.control.models import User

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.store.control.database import ControlStore

__all__ = ["WRONG", "sign_in"]

WRONG = "name or password: they do not fit; correct them, or ask an administrator for a link to sign in with"


def sign_in(
    control: ControlStore, name: str, password: str, now: datetime, *, address: str, shared_address: bool = False
) -> int:
    """Whose name and password these are: the id of an account.

    Raises SignInError, the same and as late whether there is no such name, it is disabled, has no password, or another;
    ThrottledError where a try comes too soon.
    """
    lower = name.strip().lower()
    with control.session() as session:
        attempt = admit(session, lower, address, now, shared_address=shared_address).id
        user = session.scalar(select(User).where(User.name == lower))
        kept = user.password_hash if user is not None and user.disabled_at is None else None
    # Outside of a transaction: nobody else should wait for it.
    fit = fits(password, kept)
    if user is None or kept is None or not fit:
        raise SignInError(WRONG)
    renewed = hash_password(password) if outdated(kept) else None
    with control.session() as session:
        found = session.get(User, user.id)
        if found is None or found.disabled_at is not None or found.password_hash != kept:
            raise SignInError(WRONG)
        succeeded(session, attempt)
        if renewed is not None:
            found.password_hash = renewed
    return user.id
