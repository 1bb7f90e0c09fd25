"""``/audit``: who did what, and whether the record of it is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from perunit.access.audit_chain import parse_head, verify
from perunit.access.audit_search import Search, found
from perunit.access.permit import Permission
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.asking import cursor, cursor_values, window_of
from perunit.faces.api.v1.viewer import CurrentViewer, needs
from perunit.facts.arrivals import DoorError
from perunit.model.errors import UsageError
from perunit.model.plain import plain_value

if TYPE_CHECKING:
    from perunit.live.service import Service
    from perunit.store.control.models import AuditEntry

__all__ = ["router"]

_RESPONSES: dict[int | str, dict[str, Any]] = problem_responses(400, 401, 403, 422, 500, 503)
_TEXT_MAX = 200


class AuditLine(BaseModel):
    """One entry."""

    seq: int
    at: str
    actor: str
    via: str
    action: str
    target: str
    details: dict[str, Any]
    address: str | None
    hash: str


class AuditPage(BaseModel):
    """Entries, the newest first; `next` is the `after` of the page behind it."""

    entries: list[AuditLine]
    next: str | None


class AuditHead(BaseModel):
    """The last entry."""

    seq: int
    hash: str


class AuditState(BaseModel):
    """Whether the chain is whole, and where it first is not."""

    intact: bool
    entries: int
    head: AuditHead
    broken_seq: int | None
    fault: str | None = Field(description="What is wrong with the entry `broken_seq`.")


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["audit"], responses=_RESPONSES)
    may = [needs(Permission.AUDIT)]

    @api.get("/audit", operation_id="listAudit", dependencies=may, summary="Who did what")
    def list_audit(
        viewer: CurrentViewer,
        actor: Annotated[str | None, Query(max_length=_TEXT_MAX, description="By whom.")] = None,
        action: Annotated[str | None, Query(max_length=40, description="What was done.")] = None,
        q: Annotated[str | None, Query(max_length=_TEXT_MAX, description="Anywhere in an entry.")] = None,
        from_: Annotated[str | None, Query(alias="from", description="From this instant on.")] = None,
        to: Annotated[str | None, Query(description="Up to this instant, itself excluded.")] = None,
        after: Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> AuditPage:
        """The newest first. That it was read is an entry too."""
        window = window_of(from_, to)
        # No text in the database has a zero character, and PostgreSQL does not take one in a question.
        who, what, text = (None if each is None else each.replace("\x00", "\ufffd") for each in (actor, action, q))
        search = Search(who, what, text, window.start, window.end, _before(after), limit)
        service.audit.record(viewer, "audit_read", "list", {"actor": actor, "action": action, "q": q})
        with service.control.reading() as session:
            page, before = found(session, search)
            return AuditPage(entries=[line(each) for each in page], next=None if before is None else cursor(before))

    @api.get("/audit/verify", operation_id="verifyAudit", dependencies=may, summary="Whether the audit is whole")
    def verify_audit(
        viewer: CurrentViewer,
        head: Annotated[str | None, Query(max_length=100, description="A head kept elsewhere, SEQ:HASH.")] = None,
    ) -> AuditState:
        """Follows the chain of hashes from the first entry to the last."""
        kept = None if head is None else parse_head(head)
        if head is not None and kept is None:
            raise UsageError(f"head: got {head!r}, must be SEQ:HASH as perunit audit head prints it; correct it")
        service.audit.record(viewer, "audit_read", "verify", {"head": head})
        with service.control.reading() as session:
            return AuditState.model_validate(verify(session, kept).as_json())

    return api


def line(entry: AuditEntry) -> AuditLine:
    """An entry as it is shown."""
    details = json.loads(entry.details)
    return AuditLine(
        seq=entry.seq, at=str(plain_value(entry.at)), actor=entry.actor, via=entry.via, action=entry.action,
        target=entry.target, details=details, address=entry.address, hash=entry.hash,
    )  # fmt: skip


def _before(after: str | None) -> int | None:
    match cursor_values(after) if after else None:
        case None:
            return None
        case [int(seq)] if 0 < seq < 1 << 63:
            return seq
    raise DoorError(400, "Cannot be answered", "after: must be the `next` of an earlier answer; start without it")
