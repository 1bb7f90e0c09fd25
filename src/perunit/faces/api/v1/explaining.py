"""``/explain`` and ``/bridge``: what one figure rests on, and how one period's margin becomes another's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.asking import Asked, AskedNow, question_of
from perunit.faces.api.v1.figures import note
from perunit.faces.api.v1.models import Bridge, Explained
from perunit.faces.api.v1.reading import reading_of
from perunit.faces.api.v1.viewer import CurrentViewer  # noqa: TC001 - the framework reads the annotation
from perunit.measures.bridge import bridge
from perunit.measures.explain import explain
from perunit.measures.periods import Compare
from perunit.model.plain import plain_value
from perunit.model.window import Grain

if TYPE_CHECKING:
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service
    from perunit.measures.bridge import Bridge as Bridged
    from perunit.measures.explain import Explained as Found
    from perunit.measures.query import Result

__all__ = ["router"]

_RESPONSES = problem_responses(400, 403, 422, 500, 503, 504)


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["figures"])

    @api.get(
        "/explain", response_model=Explained, operation_id="explainFigure", responses=_RESPONSES,
        summary="All that one figure rests on",
    )  # fmt: skip
    async def explain_figure(request: Request, viewer: CurrentViewer, asked: AskedNow) -> Response:
        """As `/query` for one measure over the whole window: its formula's parts with their values, how many facts are
        behind it, the price books in force and who approved them, and how far its bills are reconciled.
        """
        note(service, viewer, "explain", asked)

        def work(engine: Engine, contract: Contract) -> Any:
            return _explained(explain(engine, contract, question_of(asked), viewer.permit))

        return await reading_of(service).respond(request, viewer, f"explain {asked.said()}", work)

    @api.get(
        "/bridge", response_model=Bridge, operation_id="bridgeMargin", responses=_RESPONSES,
        summary="From one period's margin to another's",
    )  # fmt: skip
    async def bridge_margin(
        request: Request,
        viewer: CurrentViewer,
        unit: Annotated[str | None, Query(description="Per which unit type.")] = None,
        from_: Annotated[str | None, Query(alias="from", description="From this instant on.")] = None,
        to: Annotated[str | None, Query(description="Up to this instant, itself excluded.")] = None,
        filter: Annotated[list[str], Query(description="`dimension:value,value`.")] = [],  # noqa: A002, B006
        compare: Annotated[Compare, Query(description="Where the bridge begins.")] = Compare.PREVIOUS,
        compare_from: Annotated[str | None, Query(description="With compare=custom: its start.")] = None,
        compare_to: Annotated[str | None, Query(description="With compare=custom: its end.")] = None,
        currency: Annotated[str | None, Query(description="Amounts in this currency.")] = None,
        mix: Annotated[str | None, Query(description="The dimension whose mix gets a step of its own.")] = None,
    ) -> Response:
        """Exactly: before + Σ steps = after, to the last digit. docs/bridge.md has the formula of each step."""
        asked = Asked(
            measures=["contribution_margin"], unit=unit, from_=from_, to=to, filters=filter, compare=compare,
            compare_from=compare_from, compare_to=compare_to, currency=currency, grain=Grain.TOTAL,
        )  # fmt: skip
        note(service, viewer, "query", asked)

        def work(engine: Engine, contract: Contract) -> Any:
            question = replace(question_of(asked), measures=())
            return _bridged(bridge(engine, contract, question, mix=mix, permit=viewer.permit))

        return await reading_of(service).respond(request, viewer, f"bridge {asked.said()} {mix}", work)

    return api


def _context(result: Result) -> dict[str, Any]:
    """What a result says of itself, under the names that answers have for it."""
    said = result.as_json(())
    kept = {name: said[name] for name in ("unit", "currency", "window", "freshness", "notes")}
    return kept | {"filters": [str(each) for each in result.query.filters]}


def _explained(found: Found) -> dict[str, Any]:
    row = found.result.rows[0] if found.result.rows else None
    closed, score = found.reconciled or (False, None)
    return _context(found.result) | {
        "measure": found.measure.as_json(),
        "value": plain_value(found.value),
        "status": row and row.status,
        "complete": bool(row and row.complete),
        "parts": plain_value(found.parts),
        "formula": found.measure.text,
        "rows": found.rows,
        "price_books": plain_value(found.books),
        "reconciliation": found.reconciled and {"status": "closed" if closed else "open", "score": plain_value(score)},
    }


def _bridged(found: Bridged) -> dict[str, Any]:
    compared = found.result.as_json(())["compared_with"]
    return _context(found.result) | {
        "measure": "contribution_margin",
        "mix": found.mix,
        "compared_with": compared,
        "before": plain_value(found.before),
        "after": plain_value(found.after),
        "steps": plain_value(found.steps),
    }
