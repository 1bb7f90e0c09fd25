"""``POST /v1/stripe``: Stripe's webhook. Events come in signed, and are answered for when they are stored."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse
from prometheus_client import Counter
from pydantic import BaseModel, Field

from perunit.contract.stripe import STRIPE
from perunit.faces.api.body import SentBody  # noqa: TC001 - the framework reads the annotation
from perunit.faces.api.problems import described, problem_responses
from perunit.facts.arrivals import Arrival, DoorError
from perunit.facts.doors.stripe import parse_event, reading_of
from perunit.facts.doors.stripe_signature import check_signature
from perunit.facts.privacy.seals import seals_of
from perunit.facts.stripe_links import learn, table_of
from perunit.store.project_store import room_needed

if TYPE_CHECKING:
    from perunit.contract.shape import Stripe
    from perunit.facts.arrivals import Outcome
    from perunit.facts.doors.stripe import StripeFacts
    from perunit.live.service import Service

__all__ = ["router"]

# Stripe's own events are far smaller.
_BODY_BYTES_MAX = 1 << 20


class StripeAnswer(BaseModel):
    """What became of an event's facts."""

    received: int
    accepted: int
    duplicate: int
    conflict: int = Field(description="Another fact has this id; the first one stands.")
    rejected: int
    waiting: int = Field(description="Kept until the charge they follow is known.")
    ignored: list[str] = Field(description="What of the event is no fact, and why.")


_BODY: dict[str, Any] = {
    "required": True,
    "description": "An event as Stripe sends it.",
    "content": {"application/json": {"schema": {"type": "object"}}},
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    **problem_responses(408, 413, 429, 500, 503),
    400: described(
        400,
        "The signature does not fit, or the body is no event of this account's mode. Nothing was kept.",
        "Signature not accepted: Stripe-Signature no v1 signature is that of the body under this endpoint's secret",
    ),
    404: described(404, "The contract has no Stripe.", "Not configured: perunit.yaml has no stripe: block"),
}
_COUNTS = ("received", "accepted", "duplicate", "conflict", "rejected", "waiting")


def router(service: Service) -> APIRouter:
    """The route on a running perunit."""
    api = APIRouter(tags=["doors"])
    ignored = Counter(
        "perunit_stripe_ignored", "What of Stripe's events is no fact, by the reason.", ("reason",),
        registry=service.meters.registry,
    )  # fmt: skip

    @api.post(
        "/v1/stripe", response_model=StripeAnswer, responses=_RESPONSES, openapi_extra={"requestBody": _BODY},
        summary="Take in Stripe's events",
    )  # fmt: skip
    async def take_in_stripe(body: SentBody, stripe_signature: Annotated[str | None, Header()] = None) -> JSONResponse:
        """Stripe sends again what was not answered with 200, for three days."""
        block = _block(service)
        _check_size(body)
        check_signature(body, stripe_signature, _secrets(block), service.clock(), block.tolerance_seconds)
        found = parse_event(body, reading_of(block))
        outcomes = [await _stored(service, name, found) for name in _sources(service)]
        for reason, count in found.ignored.items():
            ignored.labels(reason).inc(count)
        counts = {name: sum(getattr(outcome, name) for outcome in outcomes) for name in _COUNTS}
        return JSONResponse({**counts, "ignored": list(found.ignored)})

    return api


async def _stored(service: Service, source: str, found: StripeFacts) -> Outcome:
    """What became of the rows, after their commit."""
    rows = table_of(found.rows)
    seals = seals_of(service.intake.project)
    arrival = Arrival(source, rows, STRIPE, "webhook", before=lambda engine: learn(engine, found.known, seals))
    with room_needed(service.project.data):
        # Shielded, because the writer's work is not undone when a client goes away.
        return await asyncio.shield(asyncio.wrap_future(service.intake.submit(arrival)))


def _block(service: Service) -> Stripe:
    block = service.intake.project.contract.stripe
    if block is None or not block.secret_env:
        detail = "perunit.yaml has no stripe: block with secret_env; add one, see docs/doors/stripe.md"
        raise DoorError(404, "Not configured", detail)
    return block


def _sources(service: Service) -> list[str]:
    return [name for name, part in service.intake.project.contract.sources.items() if part.format == STRIPE]


def _check_size(body: bytes) -> None:
    if len(body) > _BODY_BYTES_MAX:
        detail = f"body: {len(body):,} bytes, must be at most {_BODY_BYTES_MAX:,}; send one event as Stripe made it"
        raise DoorError(413, "Content too large", detail)


def _secrets(block: Stripe) -> list[str]:
    """From the environment, read for each event so that a test or a wrapper may set them late; never from a file."""
    found = [value for name in block.secret_env if (value := os.environ.get(name, "").strip())]
    if not found:
        detail = f"none of {', '.join(block.secret_env)} is set in perunit's environment; set it and start again"
        raise DoorError(503, "Secret missing", detail)
    return found
