"""The API of figures and of all that is decided about them, under ``/api/v1``.

`ROUTERS` are made on a running perunit, one a subject; `router` puts them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1 import (
    annotating,
    audit,
    contract,
    explaining,
    exports,
    figures,
    live,
    people,
    prices,
    privacy,
    project,
    quality,
    quarantine,
    reconciliation,
    session,
    tour,
    units,
    views,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from perunit.live.service import Service

__all__ = ["ROUTERS", "router"]

ROUTERS: tuple[Callable[[Service], APIRouter], ...] = (
    session.router,
    people.router,
    project.router,
    figures.router,
    explaining.router,
    exports.router,
    privacy.router,
    units.router,
    live.router,
    reconciliation.router,
    prices.router,
    quality.router,
    quarantine.router,
    annotating.router,
    views.router,
    contract.router,
    tour.router,
    audit.router,
)

# Anybody may be told these, whatever they ask for.
_ALWAYS = problem_responses(400, 401, 403, 408, 413)


def router(service: Service) -> APIRouter:
    """Every route of the API on a running perunit."""
    api = APIRouter(prefix="/api/v1")
    for make in ROUTERS:
        api.include_router(make(service), responses=_ALWAYS)
    return api
