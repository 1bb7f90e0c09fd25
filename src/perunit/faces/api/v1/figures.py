"""``/measures``, ``/query`` and ``/queries``: what figures there are, and their values."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from perunit import pipeline
from perunit.faces.api.problems import problem_of, problem_responses
from perunit.faces.api.v1.answers import figures
from perunit.faces.api.v1.asking import Asked, AskedNow, instant, window_of
from perunit.faces.api.v1.models import Figures, MeasureListed, Results
from perunit.faces.api.v1.reading import CACHE_CONTROL, Wanted, reading_of
from perunit.faces.api.v1.viewer import CurrentViewer  # noqa: TC001 - the framework reads the annotation
from perunit.measures.catalogue import measures_of
from perunit.measures.permitted import permission_of
from perunit.model.errors import PerunitError, UsageError

if TYPE_CHECKING:
    from perunit.access.permit import Permit, Viewer
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.faces.api.v1.reading import Reading
    from perunit.live.service import Service
    from perunit.measures.catalogue import Measure

__all__ = ["router"]

_QUERIES_MAX = 40
RESPONSES = problem_responses(400, 403, 422, 500, 503, 504)


class Queries(BaseModel):
    """The questions of a dashboard."""

    model_config = ConfigDict(extra="forbid")

    queries: list[Asked] = Field(min_length=1, max_length=_QUERIES_MAX)


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["figures"])

    @api.get(
        "/measures", response_model=list[MeasureListed], operation_id="listMeasures", responses=RESPONSES,
        summary="Every measure there is",
    )  # fmt: skip
    async def list_measures(request: Request, viewer: CurrentViewer) -> Response:
        """The catalogue with the measures of the contract's meters; `allowed`: whether the viewer may ask for it."""

        def work(_: Engine, contract: Contract) -> Any:
            return [
                measure.as_json() | {"allowed": _is_allowed(viewer.permit, measure)}
                for measure in measures_of(contract).values()
            ]

        return await reading_of(service).respond(request, viewer, "measures", work)

    @api.get(
        "/query", response_model=Figures, operation_id="queryFigures", responses=RESPONSES,
        summary="Measures by segment and time",
    )  # fmt: skip
    async def query(
        request: Request,
        viewer: CurrentViewer,
        asked: AskedNow,
        after: Annotated[str | None, Query(description="The `next` of the answer before.", max_length=4_000)] = None,
        as_of: Annotated[str | None, Query(description="As known at this instant.")] = None,
    ) -> Response:
        """As `perunit query --json`. Rows come up to `limit` (1,000 by default); `next` says where to go on."""
        note(service, viewer, "query", asked)
        at, project = instant("as_of", as_of), service.intake.project
        question = f"query {asked.said()} {after} {at}"

        def work(engine: Engine, contract: Contract) -> Any:
            if at is not None:
                pipeline.look_back(project, engine, at)
            return figures(engine, contract, asked, viewer.permit, after)

        return await reading_of(service).respond(request, viewer, question, work, apart=at is not None)

    @api.post(
        "/queries", response_model=Results, operation_id="queryMany", responses=RESPONSES,
        summary="The questions of a dashboard at once",
    )  # fmt: skip
    async def queries(request: Request, viewer: CurrentViewer, body: Queries) -> Response:
        """Each question has its answer or its problem, in the same order; a refused one does not fail the others."""
        reading = reading_of(service)
        found = await reading.answers(request, [_wanted(reading, viewer, asked) for asked in body.queries])
        asked_for = [json.loads(asked.said()) for asked in body.queries]
        service.audit.record(viewer, "query", f"{len(asked_for)} queries", {"queries": asked_for})
        content = b'{"results":[' + b",".join(found) + b"]}"
        return Response(content, media_type="application/json", headers={"Cache-Control": CACHE_CONTROL})

    return api


def _wanted(reading: Reading, viewer: Viewer, asked: Asked) -> Wanted:
    window = None
    # A window that cannot be read is told of with its question.
    with suppress(UsageError):
        window = window_of(asked.from_, asked.to)
    return Wanted(reading.name(viewer, f"queries {asked.said()}"), _one(asked, viewer.permit), window)


def _is_allowed(permit: Permit, measure: Measure) -> bool:
    return permit.allows(permission_of(measure))


def _one(asked: Asked, permit: Permit) -> Any:
    def work(engine: Engine, contract: Contract) -> Any:
        try:
            return figures(engine, contract, asked, permit)
        except PerunitError as error:
            return {"problem": json.loads(bytes(problem_of(error).body))}

    return work


def note(service: Service, viewer: Viewer, action: str, asked: Asked) -> None:
    """Writes down who asked for what."""
    service.audit.record(viewer, action, ",".join(asked.measures), json.loads(asked.said()))
