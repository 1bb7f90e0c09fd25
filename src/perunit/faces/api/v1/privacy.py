"""``/units/…/reveal`` and ``/units/…/erase``: the id behind a pseudonym, for whoever says why; and the end of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict

from perunit.access.permit import Permission
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.deciding import Reason, decide
from perunit.faces.api.v1.reading import reading_of
from perunit.faces.api.v1.units import check_unit
from perunit.faces.api.v1.viewer import CurrentViewer, needs
from perunit.facts.privacy.changes import erase, pseudonym_of, reveal

if TYPE_CHECKING:
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service
    from perunit.wiring import Opened

__all__ = ["router"]

_ID_MAX = 1_000
_RESPONSES = problem_responses(400, 403, 404, 422, 500, 503, 504)


class RevealBody(BaseModel):
    """Why somebody has to know."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class EraseBody(BaseModel):
    """Why somebody is cut from what is stored of them."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class Erased(BaseModel):
    """How many facts stay, of nobody."""

    facts: int


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
            service.audit.record(viewer, "reveal", f"{unit_type}/{pseudonym}", {"reason": body.reason})
            return found

        return {"id": await reading_of(service).read(request, work)}

    @api.post(
        "/units/{unit_type}/{unit_id:path}/erase", response_model=Erased, operation_id="eraseUnit",
        responses=problem_responses(400, 403, 404, 422, 429, 500, 503, 504),
        summary="Cut all that is stored from a unit; sums stay", dependencies=[needs(Permission.ERASE)],
    )  # fmt: skip
    async def erase_unit(
        request: Request,
        viewer: CurrentViewer,
        unit_type: Annotated[str, Path(max_length=_ID_MAX)],
        unit_id: Annotated[str, Path(min_length=1, max_length=_ID_MAX, description="The id or the pseudonym.")],
        body: EraseBody,
    ) -> Any:
        """As `perunit privacy erase`. Written down before it is done, but not of whom: it would lead back."""
        project = service.intake.project

        def known(engine: Engine, contract: Contract) -> None:
            check_unit(engine, contract, unit_type, pseudonym_of(project, unit_type, unit_id), viewer.permit)

        def work(opened: Opened) -> dict[str, int]:
            return {"facts": erase(project, opened.engine, unit_type, unit_id)}

        await reading_of(service).read(request, known)
        return await decide(service, viewer, "privacy erase", work, ("erase", unit_type, {"reason": body.reason}))

    return api
