"""``/reconciliation``, ``/charges`` and ``/restatements``: whether bills tie out, and what is decided about it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from perunit import pipeline
from perunit.access.permit import Permission
from perunit.economics.reconcile.entries import Decision, Entry, entries_of, find_invoice, reverse
from perunit.economics.reconcile.entries import decide as enter
from perunit.economics.reconcile.locks import locks_of
from perunit.economics.reconcile.tie_out import latest_period
from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.asking import cursor, cursor_values, instant
from perunit.faces.api.v1.deciding import decide, month, refuse_rows
from perunit.faces.api.v1.reading import reading_of
from perunit.faces.api.v1.reconciliation_models import (
    Charges,
    Decided,
    EntryKept,
    EntryMade,
    LockKept,
    LockMade,
    Periods,
    Reconciled,
    Restatements,
    Reversed,
)
from perunit.faces.api.v1.viewer import CurrentViewer, needs
from perunit.facts.arrivals import DoorError
from perunit.measures.closing import close_period, reconciliation
from perunit.measures.period import ChargeList, charge_totals, charges, period_totals, periods, sums
from perunit.model.errors import UsageError
from perunit.model.plain import plain_value

if TYPE_CHECKING:
    from perunit.contract.shape import Contract
    from perunit.economics.reconcile.locks import Lock
    from perunit.economics.reconcile.variance import Variance
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service
    from perunit.measures.closing import Reconciliation
    from perunit.wiring import Opened

__all__ = ["router"]

_RESPONSES = problem_responses(400, 403, 404, 409, 422, 429, 500, 503, 504)
_READ, _DECIDE = [needs(Permission.RECONCILIATION)], [needs(Permission.RECONCILE)]
PeriodName = Annotated[str | None, Query(description="A month such as 2026-05; the last one by default.")]


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["reconciliation"], responses=_RESPONSES)
    _reads(service, api)
    _lists(service, api)
    _decisions(service, api)
    return api


def _reads(service: Service, api: APIRouter) -> None:
    @api.get(
        "/reconciliation", response_model=Reconciled, operation_id="readReconciliation", dependencies=_READ,
        summary="A billing period: tie-out, score, bridge, variance, decisions",
    )  # fmt: skip
    async def read(
        request: Request,
        viewer: CurrentViewer,
        period: PeriodName = None,
        currency: Annotated[str | None, Query(description="Only this currency.", max_length=20)] = None,
        as_of: Annotated[str | None, Query(description="As known at this instant.")] = None,
        variance: Annotated[bool, Query(description="Every meter and resource of every charge period too.")] = False,
    ) -> Response:
        """As `perunit reconcile --json`, with variances summed by meter, by service and by day."""
        refuse_rows(viewer)
        window, at, project = month("period", period), instant("as_of", as_of), service.intake.project

        def work(engine: Engine, contract: Contract) -> Any:
            if at is not None:
                pipeline.look_back(project, engine, at)
            return _answer(reconciliation(engine, contract, window, currency), variance)

        question = f"reconciliation {window} {currency!r} {at} {variance}"
        return await reading_of(service).respond(request, viewer, question, work, apart=True)

    @api.get(
        "/reconciliation/periods", response_model=Periods, operation_id="listPeriods", dependencies=_READ,
        summary="Every billing period and whether it ties out",
    )  # fmt: skip
    async def list_periods(request: Request, viewer: CurrentViewer) -> Response:
        """Those that there are bills or invoices of, the latest first."""
        refuse_rows(viewer)

        def work(engine: Engine, contract: Contract) -> Any:
            return {"periods": [_period(each) for each in periods(engine, contract)]}

        return await reading_of(service).respond(request, viewer, "periods", work)

    @api.get(
        "/restatements", response_model=Restatements, operation_id="listRestatements", dependencies=_READ,
        summary="What has changed in closed periods, and why",
    )  # fmt: skip
    async def restatements(
        request: Request,
        viewer: CurrentViewer,
        period: Annotated[str | None, Query(description="A month; every locked one by default.")] = None,
        since: Annotated[str | None, Query(description="Compared with what was known then.")] = None,
    ) -> Response:
        """As `perunit restatements --json`."""
        refuse_rows(viewer)
        window, at, project = month("period", period), instant("since", since), service.intake.project

        def work(engine: Engine, _: Contract) -> Any:
            if window is None and at is None and not locks_of(engine):
                return {"restatements": []}
            found = pipeline.restatements(project, engine, window, at)
            return {"restatements": [each.as_json() for each in found]}

        return await reading_of(service).respond(request, viewer, f"restatements {window} {at}", work, apart=True)


def _lists(service: Service, api: APIRouter) -> None:
    @api.get(
        "/reconciliation/entries", response_model=list[EntryKept], operation_id="listEntries", dependencies=_READ,
        summary="Every decision about an invoice",
    )  # fmt: skip
    async def list_entries(request: Request, viewer: CurrentViewer) -> Response:
        """In the order they were made, as `perunit reconcile entries --json`."""
        refuse_rows(viewer)
        return await reading_of(service).respond(
            request, viewer, "entries", lambda engine, _: plain_value(entries_of(engine))
        )

    @api.get(
        "/reconciliation/locks", response_model=list[LockKept], operation_id="listLocks", dependencies=_READ,
        summary="Every lock of a period",
    )  # fmt: skip
    async def list_locks(request: Request, viewer: CurrentViewer) -> Response:
        """In the order they were made, as `perunit reconcile locks --json`."""
        refuse_rows(viewer)
        return await reading_of(service).respond(
            request, viewer, "locks", lambda engine, _: plain_value(locks_of(engine))
        )

    @api.get(
        "/charges", response_model=Charges, operation_id="listCharges", dependencies=_READ,
        summary="Lines of bills, and those that no one bears",
    )  # fmt: skip
    async def list_charges(
        request: Request,
        viewer: CurrentViewer,
        period: PeriodName = None,
        unmatched: Annotated[bool, Query(description="Only lines that no rule finds a bearer of.")] = False,
        service_name: Annotated[str | None, Query(alias="service", description="Only this service.")] = None,
        after: Annotated[str | None, Query(description="The `next` of the answer before.", max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=500, description="At most this many.")] = 100,
    ) -> Response:
        """Of the bills in force of a billing period, in their order."""
        refuse_rows(viewer)
        window, place = month("period", period), _place(after)

        def work(engine: Engine, _: Contract) -> Any:
            found = window or latest_period(engine)
            if found is None:
                return {"period": None, "charges": [], "totals": [], "next": None}
            return _charges(engine, ChargeList(found, unmatched, service_name, place, limit + 1))

        question = f"charges {window} {unmatched} {service_name!r} {place} {limit}"
        return await reading_of(service).respond(request, viewer, question, work)


def _decisions(service: Service, api: APIRouter) -> None:
    @api.post(
        "/reconciliation/entries", response_model=EntryMade, operation_id="enterDecision", dependencies=_DECIDE,
        summary="Accept an invoice's difference, or adjust for it", status_code=201,
    )  # fmt: skip
    async def enter_decision(viewer: CurrentViewer, body: Decided) -> Any:
        """As `perunit reconcile accept` and `adjust`; the actor is who asks."""
        refuse_rows(viewer)
        amount = _amount(body)

        def work(opened: Opened) -> Any:
            line = find_invoice(opened.engine, body.invoice, body.issuer, body.currency)
            said = Decision(body.kind, amount, body.reason, viewer.name, body.cause)
            return _made(opened, enter(opened.engine, line, said, opened.clock()))

        asked = body.model_dump(exclude={"kind", "invoice"}, exclude_none=True)
        written = (f"reconcile_{body.kind}", body.invoice, asked)
        return await decide(service, viewer, f"reconcile {body.kind}", work, written)

    @api.delete(
        "/reconciliation/entries/{entry_id}", response_model=EntryMade, operation_id="reverseEntry",
        dependencies=_DECIDE, summary="Take a decision back",
    )  # fmt: skip
    async def reverse_entry(
        viewer: CurrentViewer, entry_id: Annotated[int, Path(ge=1, le=(1 << 31) - 1)], body: Reversed
    ) -> Any:
        """By another entry of the opposite amount, as `perunit reconcile reverse`."""
        refuse_rows(viewer)

        def work(opened: Opened) -> Any:
            if entry_id not in {entry.entry_id for entry in entries_of(opened.engine)}:
                raise DoorError(404, "Not Found", f"entry {entry_id}: is not there; /reconciliation/entries lists them")
            return _made(opened, reverse(opened.engine, entry_id, body.reason, viewer.name, opened.clock()))

        written = ("reconcile_reverse", str(entry_id), {"reason": body.reason})
        return await decide(service, viewer, "reconcile reverse", work, written)

    @api.post(
        "/reconciliation/locks", response_model=LockKept, operation_id="lockPeriod", dependencies=_DECIDE,
        summary="Lock a billing period", status_code=201,
    )  # fmt: skip
    async def lock(viewer: CurrentViewer, body: LockMade) -> Any:
        """As `perunit reconcile lock`: refused with 409 while an invoice does not tie out."""
        refuse_rows(viewer)
        window = month("period", body.period)
        assert window is not None  # noqa: S101 - a period is required

        def work(opened: Opened) -> Lock:
            said: dict[str, Any] = {"issuer": body.issuer, "actor": viewer.name, "reason": body.reason}
            return close_period(opened.engine, opened.contract, window, **said, now=opened.clock())

        asked = body.model_dump(exclude={"period"}, exclude_none=True)
        written = ("reconcile_lock", body.period, asked)
        return plain_value(await decide(service, viewer, "reconcile lock", work, written))


def _answer(found: Reconciliation, variance: bool) -> dict[str, Any]:
    answer = found.as_json()
    if not variance:
        answer["variances"] = []
    return answer | {
        "variance_by_meter": plain_value(sums(found.variances, lambda each: each.meter)),
        "variance_by_service": plain_value(sums(found.variances, lambda each: each.service)),
        "variance_by_day": plain_value(sums(found.variances, _day)),
    }


def _day(variance: Variance) -> str | None:
    start = variance.charge_period_start
    return None if start is None else f"{start:%Y-%m-%d}"


def _period(found: Reconciliation) -> dict[str, Any]:
    return {
        "period": found.period,
        "status": found.status,
        "verdict": found.verdict,
        "totals": plain_value(period_totals(found.tie_out.invoices)),
        "invoices": len(found.tie_out.invoices),
        "locked_at": plain_value(found.locks[-1].locked_at) if found.locks else None,
    }


def _charges(engine: Engine, asked: ChargeList) -> dict[str, Any]:
    found = charges(engine, asked)
    page = found[: asked.limit - 1]
    more = len(found) >= asked.limit
    return {
        "period": f"{asked.window.start:%Y-%m}",
        "charges": plain_value(page),
        "totals": plain_value(charge_totals(engine, asked)),
        "next": cursor(page[-1]["bill_id"], page[-1]["line"]) if more else None,
    }


def _place(after: str | None) -> tuple[int, int]:
    if after is None:
        return (0, -1)
    match cursor_values(after):
        case [int() as bill, int() as line] if 0 <= bill < 1 << 31 and 0 <= line < 1 << 62:
            return bill, line
    raise DoorError(400, "Cannot be answered", "after: must be the `next` of an earlier answer; start without it")


def _amount(body: Decided) -> Decimal | None:
    if body.amount is None:
        if body.kind == "adjust":
            raise UsageError("amount: is missing, must say by how much to adjust; give it, or accept the difference")
        return None
    try:
        amount = Decimal(body.amount)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise UsageError(f"amount: got {body.amount!r}, must be a decimal number such as -0.03")
    return amount


def _made(opened: Opened, entry: Entry) -> dict[str, Any]:
    after = find_invoice(opened.engine, entry.invoice_id, entry.invoice_issuer_name, entry.billing_currency)
    return {"entry": plain_value(entry), "difference": plain_value(after.difference)}
