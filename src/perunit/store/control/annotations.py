"""Annotations in the control database. Enters: what happened, said by a person or a program. Leaves: rows, each once.

Two annotations of the same kind, title and start are one, and so are two that come with the same idempotency key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from perunit.store.control.database import hold
from perunit.store.control.models import Annotation, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from perunit.store.control.database import ControlStore

__all__ = ["KINDS", "Enter", "Noted", "annotate", "annotations_within"]

Enter = Callable[["Session", Annotation], None]
KINDS = ("deployment", "flag", "incident", "price_change", "note")


@dataclass(frozen=True, slots=True)
class Noted:
    """What happened, and when; `end` None: at an instant, or until further notice."""

    kind: str
    title: str
    start: datetime
    end: datetime | None = None
    text: str = ""
    segments: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None


def annotate(
    control: ControlStore, noted: Noted, by: str, now: datetime, key: str | None = None, enter: Enter = lambda *_: None
) -> tuple[Annotation, bool]:
    """The annotation, and whether it was made now; one that is there already is given back as it is.

    `enter` writes a new one down within the same transaction.
    """
    with control.session() as session:
        hold(session, "annotations")
        if (there := _there(session, noted, by, key)) is not None:
            return there, False
        made = Annotation(
            kind=noted.kind, title=noted.title, text=noted.text, start=noted.start, end=noted.end,
            segments=dict(noted.segments), url=noted.url, created_by=by, created_at=now,
        )  # fmt: skip
        session.add(made)
        session.flush()
        if key is not None:
            session.merge(Setting(name=_name(by, key), value=made.id))
        enter(session, made)
        return made, True


def _there(session: Session, noted: Noted, by: str, key: str | None) -> Annotation | None:
    if key is not None and (kept := session.get(Setting, _name(by, key))) is not None:
        found = session.get(Annotation, kept.value)
        if found is not None and found.deleted_at is None:
            return found
    same = select(Annotation).where(
        Annotation.kind == noted.kind,
        Annotation.title == noted.title,
        Annotation.start == noted.start,
        Annotation.deleted_at.is_(None),
    )
    return session.scalars(same.limit(1)).first()


def _name(by: str, key: str) -> str:
    """Keys of one who annotates are apart from those of another."""
    return f"annotation:{hashlib.sha256(repr((by, key)).encode()).hexdigest()}"


def annotations_within(
    control: ControlStore, start: datetime | None, end: datetime | None, kinds: tuple[str, ...], limit: int
) -> list[Annotation]:
    """Those that touch ``[start, end)``, the latest `limit` of them, oldest first."""
    asked = select(Annotation).where(Annotation.deleted_at.is_(None))
    if kinds:
        asked = asked.where(Annotation.kind.in_(kinds))
    if end is not None:
        asked = asked.where(Annotation.start < end)
    if start is not None:
        asked = asked.where((Annotation.start >= start) | (Annotation.end > start))
    with control.reading() as session:
        found = session.scalars(asked.order_by(Annotation.start.desc(), Annotation.id.desc()).limit(limit)).all()
    return list(reversed(found))
