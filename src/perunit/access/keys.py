"""Programs' keys. Enters: ``pu_…`` of a request. Leaves: who it is and what they may.

A key may what it was given, and never more than whoever made it may now: their lesser role, or their end, is the key's
too.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from perunit.access.accounts import clean_rows, permit_of, require_within
from perunit.access.errors import AccessError, MissingError
from perunit.access.permit import OWNER, Permission, Permit, Viewer
from perunit.access.tokens import new_token, token_hash
from perunit.store.control.models import ApiKey, User

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from perunit.store.control.database import ControlStore

__all__ = ["PREFIX", "KeyRing", "all_keys", "make_key", "permit_of_key", "revoke_key"]

PREFIX = "pu_"
_SHOWN = len(PREFIX) + 6
_KEY = re.compile(r"pu_[A-Za-z0-9_-]{43}")
_USED_EVERY = timedelta(minutes=1)
_FRESH = timedelta(seconds=2)
_KEPT_MAX = 1000


def make_key(
    session: Session,
    by: Viewer,
    now: datetime,
    *,
    name: str,
    scopes: Iterable[Permission],
    rows: Mapping[str, Sequence[str]] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key, and its text, which is in no other place. Raises AccessError."""
    if not name.strip() or len(name) > 100:
        raise AccessError("name: must have 1 to 100 characters; say what the key is for")
    granted, kept = frozenset(scopes), clean_rows(rows or {})
    if not granted:
        raise AccessError("scopes: got none, must be one or more; name what the key may do")
    if expires_at is not None and expires_at <= now:
        raise AccessError(f"expires_at: got {expires_at.isoformat()}, must be later than now; correct it")
    # A key without rows of its own has those of who made it.
    seen = {**{dimension: list(values) for dimension, values in by.permit.rows.items()}, **kept}
    require_within(Permit(granted, {dimension: tuple(values) for dimension, values in seen.items()}), by.permit)
    text = new_token(PREFIX)
    key = ApiKey(
        name=name.strip(),
        prefix=text[:_SHOWN],
        key_hash=token_hash(text),
        user_id=by.user_id,
        role=by.role,
        scopes=sorted(granted),
        rows=seen,
        created_at=now,
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    return key, text


def all_keys(session: Session, user_id: int | None = None) -> list[ApiKey]:
    """Every key, or those that somebody made; the newest first."""
    chosen = select(ApiKey).order_by(ApiKey.id.desc())
    return list(session.scalars(chosen if user_id is None else chosen.where(ApiKey.user_id == user_id)))


def revoke_key(session: Session, key_id: int, now: datetime) -> ApiKey:
    """Ends a key for good. Raises MissingError."""
    key = session.get(ApiKey, key_id) if abs(key_id) < 1 << 63 else None
    if key is None:
        raise MissingError(f"keys: there is none with id {key_id}; perunit keys list shows them")
    key.revoked_at = key.revoked_at or now
    return key


def permit_of_key(key: ApiKey, maker: User | None) -> Permit:
    """What a key may now: its scopes, within what its maker may. Made from the command line: its scopes."""
    scopes = frozenset(scope for scope in Permission if scope in key.scopes)
    own = {dimension: tuple(values) for dimension, values in key.rows.items()}
    if maker is None:
        return Permit(scopes & OWNER.permissions, own)
    outer = permit_of(maker.role, maker.rows)
    rows = {**own}
    for dimension, values in outer.rows.items():
        rows[dimension] = tuple(value for value in own.get(dimension, values) if value in values)
    return Permit(scopes & outer.permissions, rows)


@dataclass(frozen=True, slots=True)
class _Known:
    viewer: Viewer
    expires_at: datetime | None
    looked_at: datetime


class KeyRing:
    """Finds whose a key is. What it found it believes for two seconds, so that senders cost no look-up each time."""

    def __init__(self, control: ControlStore) -> None:
        self._control = control
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}

    def viewer(self, text: str, now: datetime) -> Viewer | None:
        """Who a key is; None where it is none, is over or revoked, or its maker is locked out."""
        if not _KEY.fullmatch(text):
            return None
        hashed = token_hash(text)
        with self._lock:
            known = self._known.get(hashed)
        if known is None or not known.looked_at <= now < known.looked_at + _FRESH:
            known = self._look(hashed, now)
        if known is None or (known.expires_at is not None and now >= known.expires_at):
            return None
        return known.viewer

    def _look(self, hashed: str, now: datetime) -> _Known | None:
        chosen = select(ApiKey, User).outerjoin(User, User.id == ApiKey.user_id).where(ApiKey.key_hash == hashed)
        with self._control.reading() as session:
            row = session.execute(chosen).one_or_none()
        key, maker = (row[0], row[1]) if row is not None else (None, None)
        if key is None or key.revoked_at is not None or (maker is not None and maker.disabled_at is not None):
            with self._lock:
                self._known.pop(hashed, None)
            return None
        if key.last_used_at is None or now - key.last_used_at >= _USED_EVERY:
            self._note(key.id, now)
        viewer = Viewer(key.user_id, f"key {key.name}", None, permit_of_key(key, maker), "key", key.id)
        known = _Known(viewer, key.expires_at, now)
        with self._lock:
            if len(self._known) >= _KEPT_MAX:
                self._known.clear()
            self._known[hashed] = known
        return known

    def _note(self, key_id: int, now: datetime) -> None:
        with self._control.session() as session:
            session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))
