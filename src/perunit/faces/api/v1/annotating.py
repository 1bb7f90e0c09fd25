"""``/annotations``: what happened, beside the figures: deployments, flags, incidents, price changes, notes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from perunit.access.permit import ForbiddenError, Permission
from perunit.faces.annotations import noted_of
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.asking import window_of
from perunit.faces.api.v1.reading import reading_of
from perunit.faces.api.v1.viewer import CurrentViewer, needs
from perunit.facts.arrivals import DoorError
from perunit.model.plain import plain_value
from perunit.store.control.annotations import KINDS, annotate, annotations_within
from perunit.store.control.models import Annotation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.orm import Session

    from perunit.access.permit import Permit, Viewer
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service
    from perunit.model.window import Window

__all__ = ["router"]

_RESPONSES = problem_responses(400, 403, 404, 422, 500, 503, 504)
_READ_MAX = 5_000
_RELEASES = ("release", "version")
_FIRST_DAY = timedelta(days=1)
Kind = Literal[KINDS]  # type: ignore[valid-type]


class AnnotationBody(BaseModel):
    """What happened, to be noted."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    title: str = Field(min_length=1, max_length=200)
    start: str | None = Field(None, max_length=40, description="When; now by default.")
    end: str | None = Field(None, max_length=40, description="Until when, where it lasted.")
    text: str = Field("", max_length=5_000)
    segments: dict[str, str] = Field({}, max_length=20, description="Dimension → value, where it is about some only.")
    url: str | None = Field(None, max_length=2_000, description="Where there is more about it; http or https.")


class AnnotationKept(BaseModel):
    """What happened. `clustered`: how many more of its kind happened about then, which are left out."""

    id: int | None = Field(description="Null where it is derived from the facts.")
    kind: Kind
    title: str
    text: str
    start: str
    end: str | None
    segments: dict[str, str]
    url: str | None
    created_by: str
    derived: bool
    clustered: int = 0


class Annotations(BaseModel):
    """Oldest first. At most `limit`: where there are more, each stands for others of its kind about its time."""

    annotations: list[AnnotationKept]
    total: int


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["annotations"], responses=_RESPONSES)

    @api.get(
        "/annotations", response_model=Annotations, operation_id="listAnnotations", summary="What happened in a window"
    )
    async def list_annotations(
        request: Request,
        viewer: CurrentViewer,
        from_: Annotated[str | None, Query(alias="from", description="From this instant on.")] = None,
        to: Annotated[str | None, Query(description="Up to this instant, itself excluded.")] = None,
        kind: Annotated[list[Kind], Query(description="Only these kinds.")] = [],  # noqa: B006 - the framework copies it
        limit: Annotated[int, Query(ge=1, le=1_000, description="At most this many.")] = 200,
    ) -> Response:
        """Also the first events of new releases, as far as facts name them; those are `derived`."""
        _may_look(viewer)
        window = window_of(from_, to)
        kept = await asyncio.to_thread(
            annotations_within, service.control, window.start, window.end, tuple(kind), _READ_MAX
        )

        def work(engine: Engine, contract: Contract) -> Any:
            return _releases(engine, contract, window) if not kind or "deployment" in kind else []

        found = [_as_json(each) for each in kept] + await reading_of(service).read(request, work)
        seen = sorted(
            (each for each in found if _sees(viewer.permit, each["segments"])), key=lambda each: each["start"]
        )
        return JSONResponse({"annotations": _clustered(seen, limit), "total": len(seen)})

    @api.post(
        "/annotations", response_model=AnnotationKept, operation_id="annotate", status_code=201,
        dependencies=[needs(Permission.ANNOTATE)], summary="Note what happened",
        responses={200: {"model": AnnotationKept, "description": "It was noted before."}},
    )  # fmt: skip
    async def post_annotation(
        viewer: CurrentViewer,
        body: AnnotationBody,
        response: Response,
        idempotency_key: Annotated[
            str | None, Header(max_length=200, description="The same key: the same one.")
        ] = None,
    ) -> Any:
        """201 where it is new; 200 and what is there where its key, or its kind, title and start, are known."""
        noted = noted_of(service.intake.project.contract, service.clock(), **body.model_dump())

        def enter(session: Session, made: Annotation) -> None:
            said = {"kind": made.kind, "title": made.title}
            service.audit.enter(session, viewer, "annotation_create", str(made.id), said)

        asked = (service.control, noted, viewer.name, service.clock(), idempotency_key, enter)
        made, new = await asyncio.to_thread(annotate, *asked)
        response.status_code = 201 if new else 200
        return _as_json(made)

    @api.delete(
        "/annotations/{annotation_id}", operation_id="deleteAnnotation", status_code=204,
        summary="Take an annotation away", dependencies=[needs(Permission.ANNOTATE)],
    )  # fmt: skip
    async def delete_annotation(
        viewer: CurrentViewer, annotation_id: Annotated[int, Path(ge=1, lt=1 << 62)]
    ) -> Response:
        """One's own; an administrator any."""
        await asyncio.to_thread(_delete, service, viewer, annotation_id)
        return Response(status_code=204)

    return api


def _may_look(viewer: Viewer) -> None:
    """Whoever may see any figure may see what happened beside it."""
    looking = (Permission.OPERATIONAL, Permission.FINANCIAL, Permission.ANNOTATE)
    if not any(viewer.permit.allows(each) for each in looking):
        raise ForbiddenError(Permission.OPERATIONAL)


def _sees(permit: Permit, segments: Mapping[str, str]) -> bool:
    """Not what is about segments that the viewer does not see."""
    return all(name not in permit.rows or value in permit.rows[name] for name, value in segments.items())


def _delete(service: Service, viewer: Viewer, number: int) -> None:
    with service.control.session() as session:
        found = session.get(Annotation, number)
        if found is None or found.deleted_at is not None:
            raise DoorError(404, "Not Found", f"annotation {number}: is not there; /annotations lists them")
        if found.created_by != viewer.name and not viewer.permit.allows(Permission.PEOPLE):
            raise DoorError(
                403, "Forbidden", f"annotation {number}: is {found.created_by}'s; ask them, or an administrator"
            )
        found.deleted_at = service.clock()
        service.audit.enter(session, viewer, "annotation_delete", str(number), {"title": found.title})


def _as_json(found: Annotation) -> dict[str, Any]:
    names = ("id", "kind", "title", "text", "start", "end", "segments", "url", "created_by")
    told: dict[str, Any] = plain_value({name: getattr(found, name) for name in names})
    return told | {"derived": False, "clustered": 0}


def _releases(engine: Engine, contract: Contract, window: Window) -> list[dict[str, Any]]:
    """The first event of every release but those that the data begins with."""
    found = []
    first = engine.value("SELECT min(first_seen) FROM segment_values")
    for dimension in (name for name in _RELEASES if name in contract.dimensions()):
        rows = engine.rows(
            "SELECT value, first_seen FROM segment_values WHERE dimension = $dimension ORDER BY first_seen DESC "
            f"LIMIT {_READ_MAX}",
            {"dimension": dimension},
        )
        for value, at in rows:
            start = at.replace(tzinfo=UTC)
            inside = (window.start is None or start >= window.start) and (window.end is None or start < window.end)
            if inside and at - first > _FIRST_DAY:
                found.append(_derived(dimension, value, start))
    return found


def _derived(dimension: str, value: str, start: datetime) -> dict[str, Any]:
    return {
        "id": None, "kind": "deployment", "title": f"{dimension} {value}", "text": "The first event of it.",
        "start": plain_value(start), "end": None, "segments": {dimension: value}, "url": None, "created_by": "perunit",
        "derived": True, "clustered": 0,
    }  # fmt: skip


def _clustered(found: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """At most `limit` of them: the first of each kind in stretches of time as long as it takes."""
    if len(found) <= limit:
        return found
    times = [datetime.fromisoformat(each["start"]).timestamp() for each in found]
    stretches = limit
    while True:
        length = max((times[-1] - times[0]) / stretches, 1e-6)
        kept: dict[tuple[int, str], dict[str, Any]] = {}
        for each, at in zip(found, times, strict=True):
            place = (int((at - times[0]) / length), each["kind"])
            if place in kept:
                kept[place]["clustered"] += 1
            else:
                kept[place] = each | {"clustered": 0}
        if len(kept) <= limit or stretches == 1:
            return _fewest(list(kept.values()), limit)
        stretches = max(1, stretches // 2)


def _fewest(kept: Iterable[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    return list(kept)[:limit]
