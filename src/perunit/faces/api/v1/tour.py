"""``/tour``: what there is to discover in a demonstration, as its project says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, ValidationError

from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.viewer import CurrentViewer  # noqa: TC001 - the framework reads the annotation
from perunit.facts.arrivals import DoorError

if TYPE_CHECKING:
    from perunit.live.service import Service

__all__ = ["router"]

_BYTES_MAX = 1 << 20


class TourStep(BaseModel):
    """One place to go to, what to look at, and why."""

    model_config = ConfigDict(extra="ignore")

    title: str
    text: str
    link: str
    highlight: str | None = None


class TourStory(BaseModel):
    """Some steps that tell one thing."""

    model_config = ConfigDict(extra="ignore")

    id: str
    title: str
    intro: str
    steps: list[TourStep]


class TourTold(BaseModel):
    """The stories of a demonstration."""

    model_config = ConfigDict(extra="ignore")

    stories: list[TourStory]


def router(service: Service) -> APIRouter:
    """The route on a running perunit."""
    api = APIRouter(tags=["project"], responses=problem_responses(403, 404, 500))

    @api.get("/tour", response_model=TourTold, operation_id="readTour", summary="The stories of a demonstration")
    async def tour(viewer: CurrentViewer) -> Any:  # noqa: ARG001 - whoever is signed in may read it
        """404 where the project is none."""
        return await asyncio.to_thread(_told, service)

    return api


def _told(service: Service) -> TourTold:
    path = service.project.root / "tour.json"
    try:
        if path.stat().st_size > _BYTES_MAX:
            raise DoorError(404, "Not Found", "tour: its file is too large to be one")
        return TourTold.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DoorError(404, "Not Found", "tour: this project has none; perunit demo makes one that has") from error
