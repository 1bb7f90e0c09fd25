"""The application. Enters: a running perunit. Leaves: its doors over HTTP, described by OpenAPI 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from perunit import __version__
from perunit.faces.api import events, health, otlp, problems, prometheus, stripe, v1
from perunit.faces.api.body import Bodies, Limits, SmallBodies
from perunit.faces.api.gate import Gate
from perunit.faces.api.headers import Headers, Hosts
from perunit.faces.api.requests import Observed
from perunit.faces.api.ui import pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import APIRouter

    from perunit.live.service import Service

__all__ = ["DOORS", "create_app"]

# Each makes the routes of one door on a running perunit.
DOORS: tuple[Callable[[Service], APIRouter], ...] = (
    events.router,
    otlp.router,
    prometheus.router,
    stripe.router,
    health.router,
    v1.router,
)


def create_app(service: Service, limits: Limits | None = None) -> FastAPI:
    """The application on a running perunit. Its description is at /api/v1/openapi.json; there are no docs pages."""
    app = FastAPI(
        title="perunit",
        version=__version__,
        summary="The per-item receipt for a cloud service.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.bodies = Bodies(limits or Limits())
    app.state.gate = Gate(service)
    problems.install(app)
    for door in DOORS:
        app.include_router(door(service))
    # What no door answers: a browser's address may be that of any page.
    app.router.default = pages()
    access = service.project.contract.access
    app.add_middleware(SmallBodies)
    app.add_middleware(Hosts, host=service.settings.host, access=access)
    app.add_middleware(Headers, https=(access.url or "").startswith("https:"))
    app.add_middleware(Observed, meters=service.meters)
    return app
