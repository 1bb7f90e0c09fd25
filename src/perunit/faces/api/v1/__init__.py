"""The API of figures and of all that is decided about them, under ``/api/v1``.

`ROUTERS` are made on a running perunit, one a subject; `router` puts them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from perunit.faces.api.v1 import explaining, exports, figures, live, project, reconciliation, units

if TYPE_CHECKING:
    from collections.abc import Callable

    from perunit.live.service import Service

__all__ = ["ROUTERS", "router"]

ROUTERS: tuple[Callable[[Service], APIRouter], ...] = (
    project.router,
    figures.router,
    explaining.router,
    exports.router,
    units.router,
    live.router,
    reconciliation.router,
)


def router(service: Service) -> APIRouter:
    """Every route of the API on a running perunit."""
    api = APIRouter(prefix="/api/v1")
    for make in ROUTERS:
        api.include_router(make(service))
    return api
