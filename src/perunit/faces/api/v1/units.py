"""``/units`` and ``/failures``: units one by one, their receipts, and the attempts that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from perunit.access.permit import Permission
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.asking import cursor, cursor_values, window_of
from perunit.faces.api.v1.models import Failures, Receipt, Units
from perunit.faces.api.v1.reading import reading_of
from perunit.faces.api.v1.viewer import CurrentViewer, needs
from perunit.facts.arrivals import DoorError
from perunit.facts.privacy.changes import pseudonym_of
from perunit.measures.failed import FailureList, list_failures
from perunit.measures.filters import Filter, parse_filter
from perunit.measures.guard import unit_of
from perunit.measures.listing import UnitList, list_units, reaching_out
from perunit.measures.permitted import rows_seen
from perunit.measures.receipt import receipt
from perunit.model.plain import plain_value

if TYPE_CHECKING:
    from perunit.access.permit import Permit
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service
    from perunit.measures.failed import FailurePage
    from perunit.measures.listing import UnitPage

__all__ = ["check_unit", "router"]

_RESPONSES = problem_responses(400, 403, 404, 422, 500, 503, 504)
_ID_MAX = 1_000
Order = Literal["margin", "-margin", "revenue", "-revenue", "cost", "-cost", "last_event", "-last_event", "id", "-id"]
From = Annotated[str | None, Query(alias="from", description="From this instant on.")]
To = Annotated[str | None, Query(description="Up to this instant, itself excluded.")]
Filters = Annotated[list[str], Query(alias="filter", description="`dimension:value,value`.", max_length=50)]
Limit = Annotated[int, Query(ge=1, le=500, description="At most this many.")]
After = Annotated[str | None, Query(description="The `next` of the answer before.", max_length=8_000)]


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["units"])

    @api.get(
        "/units/{unit_type}", response_model=Units, operation_id="listUnits", responses=_RESPONSES,
        summary="Units in order of what they earn", dependencies=[needs(Permission.UNITS)],
    )  # fmt: skip
    async def list_of_units(
        request: Request,
        viewer: CurrentViewer,
        unit_type: Annotated[str, Path(max_length=_ID_MAX)],
        order: Annotated[
            Order | None,
            Query(description="What least of comes first, most with `-`: margin, or -last_event without money."),
        ] = None,
        from_: From = None,
        to: To = None,
        filters: Filters = [],  # noqa: B006 - the framework copies it
        q: Annotated[str | None, Query(description="Only ids that start so.", max_length=_ID_MAX)] = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Response:
        """By default those that lose most come first. Days are whole: those that the window touches. Amounts are null
        for whoever may not see money, and of units with events outside the rows that the viewer may see.
        """
        asked = UnitList(
            unit=unit_type,
            order=_order(order, viewer.permit),
            window=window_of(from_, to),
            filters=_filters(filters, viewer.permit),
            starts=q or None,
            after=_after_unit(after),
            limit=limit,
        )

        def work(engine: Engine, contract: Contract) -> Any:
            _check_type(contract, unit_type)
            return _units(engine, contract, list_units(engine, contract, asked), viewer.permit)

        return await reading_of(service).respond(request, viewer, f"units {asked!r}", work)

    @api.get(
        "/units/{unit_type}/{unit_id:path}", response_model=Receipt, operation_id="readReceipt", responses=_RESPONSES,
        summary="The receipt of one unit", dependencies=[needs(Permission.UNITS), needs(Permission.FINANCIAL)],
    )  # fmt: skip
    async def read_receipt(
        request: Request,
        viewer: CurrentViewer,
        unit_type: Annotated[str, Path(max_length=_ID_MAX)],
        unit_id: Annotated[str, Path(min_length=1, max_length=_ID_MAX, description="May have slashes in it.")],
    ) -> Response:
        """Every event, price and share of a bill that makes up its margin, as `perunit receipt --json`."""
        # Asked for by the id that services know, it is looked up, written down and answered by its pseudonym.
        key = pseudonym_of(service.intake.project, unit_type, unit_id)
        service.audit.record(viewer, "receipt", f"{unit_type}/{key}")

        def work(engine: Engine, contract: Contract) -> Any:
            _check_type(contract, unit_type)
            check_unit(engine, contract, unit_type, key, viewer.permit)
            return receipt(engine, contract, unit_type, key, viewer.permit).as_json()

        return await reading_of(service).respond(request, viewer, f"receipt {unit_type!r} {key!r}", work)

    @api.get(
        "/failures", response_model=Failures, operation_id="listFailures", responses=_RESPONSES,
        summary="Failed attempts, the newest first",
        dependencies=[needs(Permission.UNITS), needs(Permission.OPERATIONAL)],
    )  # fmt: skip
    async def failures(
        request: Request,
        viewer: CurrentViewer,
        unit: Annotated[str | None, Query(description="Attempts of which unit type.")] = None,
        from_: From = None,
        to: To = None,
        filters: Filters = [],  # noqa: B006 - the framework copies it
        after: After = None,
        limit: Limit = 50,
    ) -> Response:
        """With the keys to find each elsewhere by, and whether the same intent succeeded later."""
        narrowed = tuple(parse_filter(text) for text in filters)
        asked = FailureList(unit, window_of(from_, to), narrowed, _after_failure(after), limit)

        def work(engine: Engine, contract: Contract) -> Any:
            return _failures(list_failures(engine, contract, asked, viewer.permit))

        return await reading_of(service).respond(request, viewer, f"failures {asked!r}", work)

    return api


def _filters(texts: list[str], permit: Permit) -> tuple[Filter, ...]:
    """What is asked for, of what the viewer may see."""
    return (*(parse_filter(text) for text in texts), *_seen(permit))


def _seen(permit: Permit) -> tuple[Filter, ...]:
    # A fact of which no value is known is in nobody's rows.
    return tuple(Filter(name, tuple(values)) for name, values in sorted(permit.rows.items()))


def _check_type(contract: Contract, unit_type: str) -> None:
    if unit_type not in contract.units:
        known = ", ".join(contract.units)
        raise DoorError(404, "Not Found", f"unit_type: got {unit_type!r}, must be one of {known}; correct it")


def check_unit(engine: Engine, contract: Contract, unit_type: str, unit_id: str, permit: Permit) -> None:
    """Raises a problem where there is no such unit among those the viewer may see; which it is is not told."""
    asked = UnitList(unit_of(contract, unit_type), "id", filters=_seen(permit), starts=unit_id, limit=1)
    found = list_units(engine, contract, asked).units
    if not found or found[0].id != unit_id:
        detail = f"unit_id: got {unit_id!r}, must be the key of a known {unit_type}; correct it, or ingest its events"
        raise DoorError(404, "Not Found", detail)


def _after_unit(after: str | None) -> tuple[str, str] | None:
    match cursor_values(after) if after else None:
        case None:
            return None
        case [str(value), str(key)]:
            return value, key
    raise _bad_after()


def _after_failure(after: str | None) -> tuple[str, int] | None:
    match cursor_values(after) if after else None:
        case None:
            return None
        case [str(time), int(key)] if 0 <= key < 1 << 64 and _is_instant(time):
            return time, key
    raise _bad_after()


def _is_instant(text: str) -> bool:
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        return False


def _bad_after() -> DoorError:
    return DoorError(400, "Cannot be answered", "after: must be the `next` of an earlier answer; start without it")


def _order(order: str | None, permit: Permit) -> str:
    """Whoever may not see money may not have units in order of it either."""
    if order is None:
        return "margin" if permit.allows(Permission.FINANCIAL) else "-last_event"
    if order.removeprefix("-") not in {"id", "last_event"}:
        permit.require(Permission.FINANCIAL)
    return order


def _units(engine: Engine, contract: Contract, page: UnitPage, permit: Permit) -> dict[str, Any]:
    said = plain_value(page)
    assert isinstance(said, dict)  # noqa: S101 - a dataclass becomes an object
    rows, keys = rows_seen(contract, permit), [unit.id for unit in page.units]
    outside = reaching_out(engine, contract, page.unit, rows, keys)
    for unit in said["units"]:
        if unit["id"] in outside or not permit.allows(Permission.FINANCIAL):
            unit |= dict.fromkeys(("revenue", "cost", "margin"))
    return said | {"next": page.next and cursor(*page.next)}


def _failures(page: FailurePage) -> dict[str, Any]:
    said = plain_value(page)
    assert isinstance(said, dict)  # noqa: S101 - a dataclass becomes an object
    return said | {"next": page.next and cursor(*page.next)}
