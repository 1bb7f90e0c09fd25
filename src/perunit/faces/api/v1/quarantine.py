"""``/quarantine``: what was refused or contradicts an accepted fact, why, and its way back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from perunit import pipeline
from perunit.access.permit import Permission
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.asking import cursor, cursor_values
from perunit.faces.api.v1.deciding import Reason, decide, refuse_rows
from perunit.faces.api.v1.reading import reading_of
from perunit.faces.api.v1.viewer import CurrentViewer, needs
from perunit.facts.arrivals import DoorError
from perunit.facts.quarantine import Selection, summary
from perunit.model.plain import plain_value

if TYPE_CHECKING:
    from perunit.access.permit import Viewer
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service
    from perunit.wiring import Opened

__all__ = ["router", "shown_row"]

_RESPONSES = problem_responses(400, 403, 404, 409, 422, 429, 500, 503, 504)
_READ = [needs(Permission.QUARANTINE)]
_ID_MAX = 1 << 62
Kind = Literal["rejected", "conflict"]


class Waiting(BaseModel):
    """A row that waits, without what it held."""

    quarantine_id: int
    batch_id: int
    source: str
    file_name: str
    position: int
    kind: Kind
    rule: str
    place: str
    got: str | None
    expected: str
    quarantined_at: str


class WaitingWhole(Waiting):
    """A row that waits, whole."""

    raw: str


class RuleCount(BaseModel):
    """Rows that broke one rule."""

    source: str
    kind: Kind
    rule: str
    place: str
    rows: int
    example: int
    expected: str
    since: str


class WaitingRows(BaseModel):
    """Rows that wait, oldest first, and all of them counted by rule."""

    summary: list[RuleCount]
    rows: list[Waiting]
    next: str | None


class ReplayBody(BaseModel):
    """Which rows are loaded again: those of `ids`, or all that fit the rest; and why."""

    model_config = ConfigDict(extra="forbid")

    ids: list[Annotated[int, Field(ge=1, lt=_ID_MAX)]] | None = Field(None, min_length=1, max_length=10_000)
    source: str | None = Field(None, max_length=500)
    rule: str | None = Field(None, max_length=200)
    kind: Kind = "rejected"
    reason: Reason


class Report(BaseModel):
    """What became of rows that were loaded again."""

    model_config = ConfigDict(extra="allow")

    source: str
    received: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int


class Replayed(BaseModel):
    """What became of them, and how many rows wait now."""

    reports: list[Report]
    waiting: int


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["quality"], responses=_RESPONSES)

    @api.get(
        "/quarantine", response_model=WaitingRows, operation_id="listQuarantine", dependencies=_READ,
        summary="Rows that wait in quarantine, and why",
    )  # fmt: skip
    async def list_rows(
        request: Request,
        viewer: CurrentViewer,
        kind: Annotated[Kind | None, Query(description="Only refused, or only conflicting ones.")] = None,
        source: Annotated[str | None, Query(max_length=500, description="Only of this source.")] = None,
        rule: Annotated[str | None, Query(max_length=200, description="Only those that broke this rule.")] = None,
        after: Annotated[str | None, Query(max_length=400, description="The `next` of the answer before.")] = None,
        limit: Annotated[int, Query(ge=1, le=500, description="At most this many.")] = 100,
    ) -> Response:
        """Without what they held: that is in each by itself."""
        refuse_rows(viewer)
        chosen, place = Selection(None, source, rule, kind), _place(after)

        def work(engine: Engine, contract: Contract) -> Any:
            return _page(engine, contract, viewer, chosen, place, limit)

        question = f"quarantine {chosen!r} {place} {limit}"
        return await reading_of(service).respond(request, viewer, question, work)

    @api.get(
        "/quarantine/{quarantine_id}", response_model=WaitingWhole, operation_id="readQuarantined",
        dependencies=_READ, summary="One row that waits, whole",
    )  # fmt: skip
    async def read_row(
        request: Request, viewer: CurrentViewer, quarantine_id: Annotated[int, Path(ge=1, lt=_ID_MAX)]
    ) -> Response:
        """Where it stood, what was there, what must hold."""
        refuse_rows(viewer)

        def work(engine: Engine, contract: Contract) -> Any:
            found = _rows(engine, Selection((quarantine_id,)), 0, 1)
            if not found:
                raise DoorError(
                    404, "Not Found", f"row {quarantine_id}: does not wait; /quarantine lists those that do"
                )
            return plain_value(shown_row(found[0], viewer, contract))

        return await reading_of(service).respond(request, viewer, f"quarantined {quarantine_id}", work)

    @api.post(
        "/quarantine/replay", response_model=Replayed, operation_id="replayQuarantine",
        dependencies=[needs(Permission.REPLAY)], summary="Load waiting rows again under the contract of today",
    )  # fmt: skip
    async def replay(viewer: CurrentViewer, body: ReplayBody) -> Any:
        """As `perunit quarantine replay`: what is refused once more waits anew."""
        refuse_rows(viewer)
        ids = None if body.ids is None else tuple(body.ids)
        chosen = Selection(ids, body.source, body.rule, body.kind)

        def work(opened: Opened) -> dict[str, Any]:
            reports = pipeline.replay(opened.project, opened.engine, chosen, clock=opened.clock)
            waiting = opened.engine.value("SELECT count(*) FROM quarantine WHERE replayed_in IS NULL")
            return {"reports": [asdict(report) for report in reports], "waiting": waiting}

        said = {name: value for name, value in asdict(chosen).items() if value is not None} | {"reason": body.reason}
        return await decide(service, viewer, "quarantine replay", work, ("quarantine_replay", body.rule or "", said))

    return api


def shown_row(row: dict[str, Any], viewer: Viewer, contract: Contract) -> dict[str, Any]:  # noqa: ARG001
    """What of a row may be seen, as `raw` and `got` may hold ids of units: the one place where that is decided."""
    return row


_SHOWN = "quarantine_id, batch_id, source, file_name, position, kind, rule, place, got, expected, raw, quarantined_at"


def _rows(engine: Engine, chosen: Selection, after: int, limit: int) -> list[dict[str, Any]]:
    condition, values = chosen.condition()
    return engine.records(
        f"SELECT {_SHOWN} FROM quarantine WHERE {condition} AND quarantine_id > $after ORDER BY quarantine_id "
        "LIMIT $limit",
        values | {"after": after, "limit": limit},
    )


def _page(
    engine: Engine, contract: Contract, viewer: Viewer, chosen: Selection, after: int, limit: int
) -> dict[str, Any]:
    found = _rows(engine, chosen, after, limit + 1)
    page = [shown_row(row, viewer, contract) for row in found[:limit]]
    for row in page:
        row.pop("raw", None)
    return {
        "summary": plain_value(summary(engine)),
        "rows": plain_value(page),
        "next": cursor(page[-1]["quarantine_id"]) if len(found) > limit else None,
    }


def _place(after: str | None) -> int:
    if after is None:
        return 0
    match cursor_values(after):
        case [int() as last] if 0 <= last < _ID_MAX:
            return last
    raise DoorError(400, "Cannot be answered", "after: must be the `next` of an earlier answer; start without it")
