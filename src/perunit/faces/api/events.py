"""``POST /v1/events``: CloudEvents come in, and are answered for when they are stored."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from perunit.faces.api.body import PlainBody  # noqa: TC001 - the framework reads the annotation
from perunit.faces.api.doors import SENDING_DOOR
from perunit.faces.api.problems import described, problem, problem_responses
from perunit.facts.arrivals import Arrival
from perunit.facts.doors.cloudevents import read_events
from perunit.store.project_store import room_needed

if TYPE_CHECKING:
    import pyarrow as pa

    from perunit.facts.arrivals import Outcome
    from perunit.live.service import Service

__all__ = ["router"]

_INLINE_BYTES_MAX = 256 << 10


class EventProblem(BaseModel):
    """Why an event was not accepted."""

    position: int = Field(description="Which event of the request, from 0; for NDJSON which line.")
    id: str | None = Field(None, description="Its id, where it has one.")
    kind: str = Field(description="rejected, or conflict: another event has this source and id.")
    rule: str
    place: str
    got: str | None
    expected: str = Field(description="What must hold, and how to mend it.")


class EventsAnswer(BaseModel):
    """What became of the events: received = accepted + duplicate + conflict + rejected."""

    received: int
    accepted: int
    duplicate: int = Field(description="Delivered before; nothing changed.")
    conflict: int = Field(description="Same source and id as an accepted event, other content; kept in quarantine.")
    rejected: int = Field(description="Broke a rule; kept in quarantine.")
    problems: list[EventProblem] = Field(description="The first hundred.")


_EVENT = {
    "specversion": "1.0",
    "id": "7f9c",
    "source": "shop/checkout",
    "type": "order.completed",
    "time": "2026-09-01T12:00:00Z",
    "data": {"order_id": "o1", "total": "89.90"},
}
_EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "time"],
    "properties": {
        "specversion": {"const": "1.0"},
        **{name: {"type": "string", "minLength": 1} for name in ("id", "source", "type")},
        "time": {"type": "string", "format": "date-time"},
        "recordedtime": {"type": "string", "format": "date-time"},
        "data": {},
    },
}
_BATCH = {"schema": {"type": "array", "items": _EVENT_SCHEMA}, "example": [_EVENT]}
_ONE = {"schema": _EVENT_SCHEMA, "example": _EVENT}
_BODY: dict[str, Any] = {
    "required": True,
    "description": (
        "One event, an array, or one a line; or its attributes as ce-* headers and the body as its data. "
        "Content-Encoding may be gzip or zstd."
    ),
    "content": {
        "application/cloudevents+json": _ONE,
        "application/cloudevents-batch+json": _BATCH,
        "application/x-ndjson": {"schema": {"type": "string"}, "example": f"{json.dumps(_EVENT)}\n"},
        "application/json": _BATCH,
    },
}
_COUNTS: dict[str, Any] = {
    name: {"type": "integer"} for name in ("received", "accepted", "duplicate", "conflict", "rejected")
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    **problem_responses(400, 408, 413, 415, 429, 500, 503),
    422: described(
        422,
        "Every event was rejected; each is in quarantine. Mend them before they are sent again.",
        "Every event was rejected: type: got 'order.done', must be an event type of the contract (order.completed); "
        "correct it, or add it there",
        **_COUNTS,
        problems={"type": "array", "items": {"type": "object"}},
    ),
}


def router(service: Service) -> APIRouter:
    """The route on a running perunit."""
    api = APIRouter(tags=["doors"], dependencies=[SENDING_DOOR])

    @api.post(
        "/v1/events", response_model=EventsAnswer, responses=_RESPONSES, openapi_extra={"requestBody": _BODY},
        summary="Take in CloudEvents",
    )  # fmt: skip
    async def take_in_events(request: Request, body: PlainBody) -> JSONResponse:
        """Events are stored, then answered for: what was acknowledged survives a crash, and may be sent again."""
        headers = request.headers.items()
        if len(body) <= _INLINE_BYTES_MAX:
            rows = read_events(body, headers)
        else:
            rows = await asyncio.to_thread(read_events, body, headers)
        if not rows.num_rows:
            return JSONResponse({**dict.fromkeys(_COUNTS, 0), "problems": []})
        arrival = Arrival("cloudevents", rows, "http")
        with room_needed(service.project.data):
            # Shielded, because the writer's work is not undone when a client goes away.
            outcome = await asyncio.shield(asyncio.wrap_future(service.intake.submit(arrival)))
        return _answer(outcome, rows)

    return api


def _answer(outcome: Outcome, rows: pa.Table) -> JSONResponse:
    counts = {name: getattr(outcome, name) for name in _COUNTS}
    problems = _problems(outcome, rows)
    if outcome.rejected < outcome.received:
        return JSONResponse({**counts, "problems": problems})
    first = problems[0]
    detail = f"{first['place']}: got {first['got']}, {first['expected']} (event {first['position']})"
    return problem(422, "Every event was rejected", detail, **counts, problems=problems)


def _problems(outcome: Outcome, rows: pa.Table) -> list[dict[str, Any]]:
    if not outcome.problems:
        return []
    places = {position: place for place, position in enumerate(rows["position"].to_pylist())}
    lines = rows["line"]
    return [{"id": _id_of(lines[places[each.position]].as_py()), **asdict(each)} for each in outcome.problems]


def _id_of(line: str) -> str | None:
    try:
        found = json.loads(line)["id"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return None
    return found if isinstance(found, str) else None
