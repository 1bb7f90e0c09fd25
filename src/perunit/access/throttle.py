"""Makes guessing slow. Enters: a try to sign in. Leaves: leave to make it, or when it may be made.

Each that failed makes the next wait twice as long. By name those since the last that succeeded count: only its owner
ends them. By address those of an hour, because an account of one's own is no excuse for trying others. A try is noted
as failed before it is made, so that many at once cannot all slip through.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from perunit.access.errors import ThrottledError
from perunit.store.control.database import hold
from perunit.store.control.models import LoginAttempt

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

__all__ = ["admit", "succeeded"]

_REMEMBERED, _COUNTED = timedelta(hours=24), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Limit:
    """So many may fail for nothing; then a second's wait, twice as long each time, up to `seconds_max`."""

    free: int
    seconds_max: int

    def wait(self, failed: int) -> timedelta:
        over = failed - self.free
        return timedelta(seconds=min(2**over, self.seconds_max) if 0 <= over < 30 else self.seconds_max * (over > 0))


# Whoever knows a name can make its owner wait, but for no longer than this.
_BY_NAME = _Limit(free=5, seconds_max=60)
_BY_ADDRESS = _Limit(free=20, seconds_max=900)


def admit(session: Session, name: str, address: str, now: datetime, *, shared_address: bool = False) -> LoginAttempt:
    """Notes a try, as failed for now. Raises ThrottledError where it comes too soon.

    `shared_address`: everybody comes by the same, that of a proxy, so that it tells nothing.
    """
    # Counted and noted by one at a time: many at once would all count the same.
    hold(session, "sign-ins")
    session.execute(delete(LoginAttempt).where(LoginAttempt.at < now - _REMEMBERED))
    network = _network(address)
    waits = [_wait(session, _since_success(name[:200]), _BY_NAME, now)]
    if not shared_address:
        recent = (LoginAttempt.address == network, LoginAttempt.at >= now - _COUNTED, ~LoginAttempt.ok)
        waits.append(_wait(session, recent, _BY_ADDRESS, now))
    if (wait := max(waits)) > timedelta():
        seconds = math.ceil(wait.total_seconds())
        raise ThrottledError(f"too many tries failed; try again in {seconds} s", seconds)
    attempt = LoginAttempt(name=name[:200], address=network, at=now, ok=False)
    session.add(attempt)
    session.flush()
    return attempt


def succeeded(session: Session, attempt_id: int) -> None:
    """The try was right: those before it count no more."""
    session.get_one(LoginAttempt, attempt_id).ok = True


def _since_success(name: str) -> tuple[ColumnElement[bool], ...]:
    latest = select(func.max(LoginAttempt.id)).where(LoginAttempt.name == name, LoginAttempt.ok).scalar_subquery()
    return LoginAttempt.name == name, LoginAttempt.id > func.coalesce(latest, 0)


def _wait(session: Session, which: tuple[ColumnElement[bool], ...], limit: _Limit, now: datetime) -> timedelta:
    failed, latest = session.execute(select(func.count(), func.max(LoginAttempt.at)).where(*which)).one()
    return latest + limit.wait(failed) - now if failed else timedelta()


def _network(address: str) -> str:
    """Whom an address belongs to: of version 6, everybody has a network of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if found.version == 6:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
