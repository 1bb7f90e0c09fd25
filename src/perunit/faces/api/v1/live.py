"""``/live``: word that figures have changed, as server-sent events."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from perunit.faces.api.problems import problem_responses
from perunit.faces.api.v1.reading import Wanted, encoded, reading_of
from perunit.faces.api.v1.viewer import CurrentViewer  # noqa: TC001 - the framework reads the annotation
from perunit.model.errors import PerunitError
from perunit.model.plain import plain_value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from perunit.access.permit import Viewer
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service

__all__ = ["router"]

_LOOK_SECONDS = 0.2
_EVENT_SECONDS_MIN = 1.0
_HEARTBEAT_SECONDS = 15.0
_FRESHNESS = "SELECT max(watermark), max(ingested_at), max(batch_id) FROM batches"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    **problem_responses(403, 500, 503),
    200: {
        "description": "A stream of events named `data`, and of comments that keep the connection alive.",
        "content": {"text/event-stream": {}},
    },
}


def router(service: Service) -> APIRouter:
    """The route on a running perunit."""
    api = APIRouter(tags=["figures"])

    @api.get(
        "/live", operation_id="followFigures", responses=_RESPONSES, response_class=StreamingResponse,
        summary="Word that figures have changed",
    )  # fmt: skip
    async def live(request: Request, viewer: CurrentViewer) -> StreamingResponse:
        """An event at once, and then whenever sums have changed, at most one a second: `batch_id`, `latest_event`,
        `ingested_at` and `lag_seconds` as JSON.
        """
        # A proxy must not wait until it has more of it.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_events(service, request, viewer), media_type="text/event-stream", headers=headers)

    return api


async def _events(service: Service, request: Request, viewer: Viewer) -> AsyncIterator[bytes]:
    reading = reading_of(service)
    told, said_at = -1, float("-inf")
    while not getattr(request.app.state, "ending", False) and not await request.is_disconnected():
        version, now = reading.version, time.monotonic()
        if version != told and now - said_at >= _EVENT_SECONDS_MIN:
            told, said_at = version, now
            try:
                (told_of,) = await reading.answers(request, [Wanted(reading.name(viewer, "live"), _freshness)])
            except PerunitError:
                # Gone, or too busy: whoever follows connects anew.
                return
            yield _event(json.loads(told_of), service)
        elif now - said_at >= _HEARTBEAT_SECONDS:
            said_at = now
            yield b": still here\n\n"
        await asyncio.sleep(_LOOK_SECONDS)


def _freshness(engine: Engine, _: Contract) -> Any:
    latest, ingested, batch = engine.rows(_FRESHNESS)[0]
    age = None if latest is None else latest.replace(tzinfo=UTC).timestamp()
    return {
        "batch_id": batch,
        "latest_event": plain_value(latest),
        "ingested_at": plain_value(ingested),
        "at": age,
    }


def _event(found: dict[str, Any], service: Service) -> bytes:
    at = found.pop("at")
    lag = None if at is None else round(max(0.0, service.clock().timestamp() - at), 3)
    return b"event: data\ndata: " + encoded(found | {"lag_seconds": lag}) + b"\n\n"
