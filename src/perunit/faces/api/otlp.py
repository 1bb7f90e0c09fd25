"""OTLP over HTTP: ``/v1/traces``, ``/v1/metrics``, ``/v1/logs``. Enters: export requests, protobuf or JSON.
Leaves: the protocol's answers in the request's encoding, after the commit.

Errors are google.rpc.Status, as OTLP wants them, and not problem details as everywhere else.
"""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from google.rpc.status_pb2 import Status

from perunit.faces.api.doors import SENDING_DOOR
from perunit.faces.api.problems import MEDIA_TYPE
from perunit.facts.arrivals import DoorError
from perunit.facts.doors.otlp import SIGNALS, Signal, read_json, read_protobuf
from perunit.live.intake import ClosedError, OverloadedError
from perunit.live.otlp import OtlpDoor
from perunit.model.errors import PerunitError
from perunit.store.project_store import room_needed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

    from perunit.faces.api.body import Bodies
    from perunit.live.otlp import Verdict
    from perunit.live.service import Service

    Reader = Callable[[Signal, bytes], pa.Table]

__all__ = ["router"]

DOOR = "otlp-http"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
# The codes of google.rpc.Code that go with HTTP's.
_CODES = {400: 3, 408: 4, 413: 3, 415: 3, 429: 8, 503: 14}
_RETRY_SECONDS = 5
# Reading a body this small costs less than handing it to another thread.
_INLINE_BYTES_MAX = 32 << 10


def router(service: Service) -> APIRouter:
    """The three routes, for the sources of `service`'s contract."""
    routes = APIRouter(tags=["doors"], dependencies=[SENDING_DOOR])
    door = OtlpDoor(service, DOOR)
    hides = bool(service.project.contract.privacy.pseudonymize)
    readers: dict[str, Reader] = {PROTOBUF: read_protobuf, JSON: partial(read_json, hides=hides)}
    for signal in SIGNALS:
        routes.add_api_route(
            f"/v1/{signal.name}",
            _endpoint(door, signal, readers, service.project.data),
            methods=["POST"],
            summary=f"Take in OTLP {signal.name}",
            response_class=Response,
            responses=_described(signal),
            openapi_extra=_REQUEST,
        )
    return routes


def _endpoint(door: OtlpDoor, signal: Signal, readers: dict[str, Reader], data: Path) -> Any:
    async def export(request: Request) -> Response:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in readers:
            got = repr(media_type[:100])
            detail = f"Content-Type: got {got}, must be {PROTOBUF} or {JSON}; set it to what the body is"
            raise DoorError(415, "Unsupported media type", detail)
        try:
            bodies: Bodies = request.app.state.bodies
            async with bodies.plain(request) as body:
                with room_needed(data):
                    return _answer(media_type, signal, await _taken(door, signal, readers[media_type], body))
        except PerunitError as error:
            return _failure(media_type, error)

    return export


async def _taken(door: OtlpDoor, signal: Signal, reader: Reader, body: bytes) -> Verdict:
    small = len(body) <= _INLINE_BYTES_MAX
    rows = reader(signal, body) if small else await asyncio.to_thread(reader, signal, body)
    # Shielded, because the writer's work is not undone when a client goes away.
    outcomes = [await asyncio.shield(asyncio.wrap_future(future)) for future in door.submit(signal, rows)]
    return door.verdict(signal, rows, outcomes)


def _answer(media_type: str, signal: Signal, verdict: Verdict) -> Response:
    if media_type == PROTOBUF:
        return Response(verdict.response(signal).SerializeToString(), media_type=PROTOBUF)
    words = signal.rejected.split("_")
    key = words[0] + "".join(word.capitalize() for word in words[1:])
    # 64-bit numbers are text in OTLP/JSON.
    partial = {key: str(verdict.rejected), "errorMessage": verdict.message}
    return Response(json.dumps({"partialSuccess": partial} if verdict.rejected else {}), media_type=JSON)


def _failure(media_type: str, error: PerunitError) -> Response:
    """The status of a request of which nothing more can be kept, and when to send it again where that helps."""
    status, text, headers = _said(error)
    code = _CODES.get(status, 2)
    if media_type == JSON:
        return Response(json.dumps({"code": code, "message": text}), status, headers, JSON)
    return Response(Status(code=code, message=text).SerializeToString(), status, headers, PROTOBUF)


def _said(error: PerunitError) -> tuple[int, str, dict[str, str]]:
    if isinstance(error, DoorError):
        return error.status, error.detail, {}
    if isinstance(error, OverloadedError):
        return 429, str(error), {"Retry-After": str(error.retry_after_seconds)}
    seconds = 1 if isinstance(error, ClosedError) else _RETRY_SECONDS
    return 503, str(error), {"Retry-After": str(seconds)}


_BODY = {"schema": {"type": "string", "format": "binary"}}
_REQUEST = {
    "requestBody": {
        "required": True,
        "description": "An OTLP export request; gzip is understood.",
        "content": {PROTOBUF: _BODY, JSON: {"schema": {"type": "object"}}},
    }
}


def _described(signal: Signal) -> dict[int | str, dict[str, Any]]:
    content = {PROTOBUF: _BODY, JSON: {"schema": {"type": "object"}}}
    told = {
        200: f"Committed; a partial success counts refused ones in {signal.rejected} and says why the first was.",
        400: "The body is no such message; google.rpc.Status says where.",
        408: "The body did not come in time.",
        413: "The body is larger than is allowed, as sent or when decompressed.",
        415: "Another content type, or another content coding.",
        429: "Too much waits to be stored; send it again after Retry-After seconds.",
        503: "The store cannot be written, or perunit is shutting down; send it again after Retry-After seconds.",
    }
    # What a body of an unknown type is answered in cannot be its own encoding.
    more = {415: {MEDIA_TYPE: {"schema": {"type": "object"}}}}
    return {
        status: {"description": text, "content": {**content, **more.get(status, {})}} for status, text in told.items()
    }
