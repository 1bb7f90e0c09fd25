"""Prometheus writes to ``POST /api/v1/write`` and scrapes ``GET /metrics/segments``."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from perunit.economics.rollup.compute import prepare
from perunit.engine.duckdb import Snapshot
from perunit.faces.api.body import SentBody  # noqa: TC001 - the framework reads the annotation
from perunit.faces.api.doors import FIGURES_DOOR, SENDING_DOOR
from perunit.faces.api.problems import problem, problem_responses
from perunit.faces.export.prometheus import CONTENT_TYPE, exposition
from perunit.facts.arrivals import DoorError
from perunit.facts.doors.remote_write import read_write_request
from perunit.live.intake import OverloadedError
from perunit.live.prometheus import PrometheusDoor
from perunit.store.project_store import room_needed

if TYPE_CHECKING:
    from concurrent.futures import Future

    from perunit.facts.arrivals import Outcome
    from perunit.live.service import Service

__all__ = ["router"]

# A request of Prometheus is at most some hundred kilobytes. Two bytes can be a series, so more could fill the memory.
_BYTES_MAX = 8 << 20
_READ_AT_ONCE = 2
_V1 = re.compile(r"application/x-protobuf(\s*;\s*proto=prometheus\.WriteRequest)?", re.IGNORECASE)
_WRITE = "remote_write"


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter()
    writes = _Writes(service)

    @api.post(
        "/api/v1/write", status_code=204, dependencies=[SENDING_DOOR], response_class=Response,
        responses=_WRITE_RESPONSES, tags=["doors"], openapi_extra={"requestBody": _BODY},
        summary="Take in samples by Prometheus remote write 1.0",
    )  # fmt: skip
    async def write(request: Request, body: SentBody) -> Response:
        """Answered when the samples are stored. Samples that no source takes, or that are refused, are no error."""
        _refuse_other_protocols(request)
        try:
            await writes.take_in(body)
        except OverloadedError as overloaded:
            # Prometheus gives up what is answered with 429 unless it is told not to; 503 it always sends again.
            seconds = overloaded.retry_after_seconds
            return problem(503, "Overloaded", str(overloaded), {"Retry-After": str(seconds)})
        return Response(status_code=204)

    @api.get(
        "/metrics/segments", dependencies=[FIGURES_DOOR], response_class=Response, responses=_SEGMENTS,
        tags=["exports"], summary="Measures per segment, for Prometheus",
    )  # fmt: skip
    async def segments() -> Response:
        """What the contract names under `export`, over the running hour, day or month; the ids of units never."""
        snapshot = await asyncio.wrap_future(service.intake.run(Snapshot))
        text = await asyncio.to_thread(_shown, service, snapshot)
        return Response(text, media_type=CONTENT_TYPE)

    return api


class _Writes:
    """Requests on their way; few of them are read at once, whatever many clients do."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._door = PrometheusDoor(service, _WRITE)
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)

    async def take_in(self, body: bytes) -> None:
        async with self._reading:
            written = await asyncio.to_thread(read_write_request, body, _BYTES_MAX)
        for kind, count in written.passed_over.items():
            self._service.meters.unmatched.labels(_WRITE, kind).inc(count)
        with room_needed(self._service.project.data):
            futures = self._door.submit(written.rows)
            self._door.judge(written.rows, [await _of(future) for future in futures])


async def _of(future: Future[Outcome]) -> Outcome:
    # Shielded, because the writer's work is not undone when a client goes away.
    return await asyncio.shield(asyncio.wrap_future(future))


def _shown(service: Service, snapshot: Snapshot) -> str:
    with closing(snapshot):
        prepare(snapshot)
        return exposition(snapshot, service.intake.project.contract, service.clock())


def _refuse_other_protocols(request: Request) -> None:
    """415 is how Prometheus learns to speak version 1.0."""
    media_type = request.headers.get("content-type", "")
    if not _V1.fullmatch(media_type.strip()):
        detail = f"Content-Type: got {media_type[:100]!r}, must be application/x-protobuf; send remote write 1.0"
        raise DoorError(415, "Unsupported media type", detail)
    coding = request.headers.get("content-encoding", "")
    if coding.strip().lower() != "snappy":
        detail = f"Content-Encoding: got {coding[:100]!r}, must be snappy; send remote write 1.0"
        raise DoorError(415, "Unsupported content coding", detail)
    version = request.headers.get("x-prometheus-remote-write-version", "0.1.0")
    if not version.startswith(("0.", "1.")):
        detail = f"X-Prometheus-Remote-Write-Version: got {version[:20]!r}, must be 0.1.0; send remote write 1.0"
        raise DoorError(415, "Unsupported version", detail)


_BODY: dict[str, Any] = {
    "required": True,
    "description": "A snappy block of a protobuf prometheus.WriteRequest.",
    "content": {"application/x-protobuf": {"schema": {"type": "string", "format": "binary"}}},
}
_WRITE_RESPONSES: dict[int | str, dict[str, Any]] = {
    204: {"description": "Every sample is stored, was before, is none of any source's, or is in quarantine."},
    **problem_responses(400, 408, 413, 415, 500, 503),
}
_SEGMENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Metrics.",
        "content": {
            "text/plain": {
                "schema": {"type": "string"},
                "example": 'perunit_segment_revenue{export="orders",plan="pro",currency="USD"} 1234.56\n',
            }
        },
    },
    **problem_responses(503),
}
