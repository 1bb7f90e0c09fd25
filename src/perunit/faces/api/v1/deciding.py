"""How a decision is made over HTTP: as its verb does it, on the writer, and written down. Enters: work, who asks.
Leaves: what it made.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, StringConstraints

from perunit.faces.api.v1.reading import reading_of
from perunit.facts.arrivals import DoorError
from perunit.live.loan import Loan
from perunit.model.errors import UsageError
from perunit.model.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from perunit.access.permit import Viewer
    from perunit.live.service import Service
    from perunit.wiring import Opened

__all__ = ["Reason", "Written", "as_verb", "decide", "month", "refuse_rows"]

T = TypeVar("T")


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("must say something")
    return text


Reason = Annotated[str, StringConstraints(min_length=1, max_length=2_000), AfterValidator(_said)]
# What is written down of a decision: action, target, details.
Written = tuple[str, str, dict[str, Any]]


async def as_verb(service: Service, purpose: str, work: Callable[[Opened], T]) -> T:
    """What `work` gives on the project as the verb of this purpose would be lent it."""

    def lent() -> T:
        directory = service.project.root
        with Loan(service).lend(directory, purpose=purpose, as_of=None, clock=service.clock) as opened:
            return work(opened)

    # Shielded, because what is being written is not undone when a client goes away.
    return await asyncio.shield(asyncio.to_thread(lent))


async def decide(service: Service, viewer: Viewer, purpose: str, work: Callable[[Opened], T], written: Written) -> T:
    """Has the writer do `work`, which is written down before; whoever asks next sees it."""

    def done(opened: Opened) -> T:
        with service.audit.about(viewer, *written):
            return work(opened)

    try:
        return await as_verb(service, purpose, done)
    finally:
        reading_of(service).refresh()


def month(name: str, text: str | None) -> Window | None:
    """The month of a parameter; raises UsageError where it is none."""
    if text is None:
        return None
    try:
        return Window.of_month(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{name}: got {text[:40]!r}, must be a month such as 2026-05") from error


def refuse_rows(viewer: Viewer) -> None:
    """Refuses a viewer who sees only some rows: bills, invoices and raw rows are of all segments together."""
    if viewer.permit.rows:
        seen = ", ".join(sorted(viewer.permit.rows))
        detail = f"this is of all segments together, and you see only some of {seen}; ask someone who sees all"
        raise DoorError(403, "Forbidden", detail)
