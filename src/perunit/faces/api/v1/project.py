"""``/project``: what this is, which dimensions it has, and how fresh it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from perunit import __version__
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.models import FreshnessNow, Status  # noqa: TC001 - the models read it
from perunit.faces.api.v1.reading import reading_of
from perunit.faces.api.v1.viewer import CurrentViewer  # noqa: TC001 - the framework reads the annotation
from perunit.measures.locked import locked_months
from perunit.measures.scan import CELL_DIMENSIONS
from perunit.model.plain import plain_value
from perunit.model.window import Grain

if TYPE_CHECKING:
    from perunit.access.permit import Permit
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service

__all__ = ["router"]

_VALUES_MAX = 500
_CELL_VALUES = "SELECT DISTINCT {column} FROM cells WHERE {column} IS NOT NULL ORDER BY 1 LIMIT {limit}"
_SHOWN = "SELECT value FROM segment_values WHERE dimension = $dimension AND shown ORDER BY value LIMIT {limit}"
_LIMITED = "SELECT count(*) > 0 FROM segment_values WHERE dimension = $dimension AND NOT shown"
_STATUS = (
    "SELECT coalesce(bool_or(NOT superseded AND amount IS NOT NULL AND kind = 'cost'), false), "
    "(SELECT count(*) > 0 FROM allocations) FROM rollup_priced"
)


class UnitType(BaseModel):
    """A unit type of the contract."""

    name: str
    owner: str
    parent: str | None
    segments: list[str]
    counted: str


class Dimension(BaseModel):
    """What figures can be cut by. `truncated`: there are more values, shown as `__other__` or not listed."""

    name: str
    values: list[str]
    truncated: bool


class Data(BaseModel):
    """Between which instants there are facts."""

    first_event: str | None
    latest_event: str | None


class ProjectAnswer(BaseModel):
    """What a page needs before it asks for a figure."""

    name: str
    currency: str
    currencies: list[str] = Field(description="Those in which facts or bills are.")
    version: str
    demo: bool
    units: list[UnitType]
    dimensions: list[Dimension]
    sources: list[str]
    grains: list[str]
    freshness: FreshnessNow
    data: Data
    status: Status
    pseudonymized: list[str]


def router(service: Service) -> APIRouter:
    """The route on a running perunit."""
    api = APIRouter(tags=["figures"])

    @api.get(
        "/project", response_model=ProjectAnswer, operation_id="readProject",
        responses=problem_responses(403, 500, 503, 504), summary="What is measured here, and how fresh it is",
    )  # fmt: skip
    async def project(request: Request, viewer: CurrentViewer) -> Response:
        """The contract's names, the values of its dimensions and the freshness of the facts."""
        root = service.intake.project.root
        # What changes with the clock alone is told to the minute, so that a page asked twice has the same tag.
        now = service.clock().replace(second=0, microsecond=0)

        def work(engine: Engine, contract: Contract) -> Any:
            named = getattr(contract, "name", None) or root.name
            return {
                "name": named,
                "demo": (root / "tour.json").is_file(),
                **_described(engine, contract, viewer.permit, now),
            }

        return await reading_of(service).respond(request, viewer, f"project {now.isoformat()}", work)

    return api


def _described(engine: Engine, contract: Contract, permit: Permit, now: datetime) -> dict[str, Any]:
    latest, ingested, batch = engine.rows("SELECT max(watermark), max(ingested_at), max(batch_id) FROM batches")[0]
    first = engine.value("SELECT min(window_start) FROM rollup")
    used = engine.rows("SELECT DISTINCT currency FROM cells UNION SELECT DISTINCT billing_currency FROM bills")
    return {
        "currency": contract.currency,
        "currencies": sorted({contract.currency} | {name for (name,) in used}),
        "version": __version__,
        "units": [
            {
                "name": name, "owner": each.owner, "parent": each.parent, "segments": list(each.segments),
                "counted": str(each.counted),
            }
            for name, each in contract.units.items()
        ],
        "dimensions": [_dimension(engine, name, permit) for name in (*contract.dimensions(), *CELL_DIMENSIONS)],
        "sources": list(contract.sources),
        "grains": [str(grain) for grain in Grain],
        "freshness": {
            "latest_event": plain_value(latest),
            "ingested_at": plain_value(ingested),
            "batch_id": batch,
            "lag_seconds": None if latest is None else max(0.0, (now - latest.replace(tzinfo=UTC)).total_seconds()),
        },
        "data": {"first_event": plain_value(first), "latest_event": plain_value(latest)},
        "status": _status(engine),
        "pseudonymized": list(getattr(getattr(contract, "privacy", None), "pseudonymize", ())),
    }  # fmt: skip


def _dimension(engine: Engine, name: str, permit: Permit) -> dict[str, Any]:
    """Only the values that the viewer may see."""
    limit = _VALUES_MAX + 1
    if name in CELL_DIMENSIONS:
        values = [value for (value,) in engine.rows(_CELL_VALUES.format(column=name, limit=limit))]
        limited = False
    else:
        values = [value for (value,) in engine.rows(_SHOWN.format(limit=limit), {"dimension": name})]
        limited = bool(engine.value(_LIMITED, {"dimension": name}))
    if name in permit.rows:
        values = [value for value in values if value in permit.rows[name]]
    return {"name": name, "values": values[:_VALUES_MAX], "truncated": limited or len(values) > _VALUES_MAX}


def _status(engine: Engine) -> str | None:
    """What costs rest on, of all that is there."""
    listed, billed = engine.rows(_STATUS)[0]
    if not listed and not billed:
        return None
    months = {month for (month,) in engine.rows("SELECT DISTINCT date_trunc('month', window_start) FROM rollup")}
    if months and len(months) == len(locked_months(engine)):
        return "closed"
    return "mixed" if listed and billed else "estimated" if listed else "billed"
