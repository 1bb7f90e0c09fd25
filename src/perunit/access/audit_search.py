"""Finds entries of the audit. Enters: whom, what and when. Leaves: a page of entries, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from perunit.store.control.models import AuditEntry

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

__all__ = ["Search", "found"]


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; `text` stands anywhere in actor, target or details. `before` is the last seq seen."""

    actor: str | None = None
    action: str | None = None
    text: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    before: int | None = None
    limit: int = 100


def found(session: Session, search: Search) -> tuple[list[AuditEntry], int | None]:
    """One page, and the seq to go on before, None at the end."""
    chosen = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(search.limit + 1)
    if search.actor:
        chosen = chosen.where(AuditEntry.actor == search.actor)
    if search.action:
        chosen = chosen.where(AuditEntry.action == search.action)
    if search.text:
        places = (AuditEntry.actor, AuditEntry.target, AuditEntry.details)
        chosen = chosen.where(or_(*(place.icontains(search.text, autoescape=True) for place in places)))
    if search.start is not None:
        chosen = chosen.where(AuditEntry.at >= search.start)
    if search.end is not None:
        chosen = chosen.where(AuditEntry.at < search.end)
    if search.before is not None:
        chosen = chosen.where(AuditEntry.seq < search.before)
    page = list(session.scalars(chosen))
    more = len(page) > search.limit
    return page[: search.limit], page[search.limit - 1].seq if more else None
