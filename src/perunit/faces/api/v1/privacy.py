"""``/units/…/reveal``: the id behind a pseudonym, for whoever may see it and says why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict

from perunit.access.permit import Permission
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.deciding import Reason  # noqa: TC001 - the body's model reads it
from perunit.faces.api.v1.reading import reading_of
from perunit.faces.api.v1.recorded import record
from perunit.faces.api.v1.units import check_unit
from perunit.faces.api.v1.viewer import CurrentViewer, needs
from perunit.facts.privacy.changes import pseudonym_of, reveal

if TYPE_CHECKING:
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service

__all__ = ["router"]

_ID_MAX = 1_000
_RESPONSES = problem_responses(400, 403, 404, 422, 500, 503, 504)


class RevealBody(BaseModel):
    """Why somebody has to know."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class Revealed(BaseModel):
    """The id as services know it."""

    id: str


def router(service: Service) -> APIRouter:
    """Its route on a running perunit."""
    api = APIRouter(tags=["units"])

    @api.post(
        "/units/{unit_type}/{unit_id:path}/reveal", response_model=Revealed, operation_id="revealUnit",
        responses=_RESPONSES, summary="Show the id behind a pseudonym",
        dependencies=[needs(Permission.UNITS), needs(Permission.REVEAL)],
    )  # fmt: skip
    async def reveal_unit(
        request: Request,
        viewer: CurrentViewer,
        unit_type: Annotated[str, Path(max_length=_ID_MAX)],
        unit_id: Annotated[str, Path(min_length=1, max_length=_ID_MAX, description="The pseudonym.")],
        body: RevealBody,
    ) -> Any:
        """As `perunit privacy reveal`. Written down before it is answered, by the pseudonym alone."""
        project = service.intake.project

        def work(engine: Engine, contract: Contract) -> str:
            pseudonym = pseudonym_of(project, unit_type, unit_id)
            check_unit(engine, contract, unit_type, pseudonym, viewer.permit)
            found = reveal(project, engine, unit_type, pseudonym)
            record(service, viewer, "reveal", f"{unit_type}/{pseudonym}", {"reason": body.reason})
            return found

        return {"id": await reading_of(service).read(request, work)}

    return api
