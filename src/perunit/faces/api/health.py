"""How well it is: ``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import asyncio
import shutil
import time
from typing import TYPE_CHECKING, Any

import duckdb
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client.exposition import choose_encoder

from perunit.faces.api.doors import METRICS_DOOR
from perunit.faces.api.problems import problem, problem_responses
from perunit.model.errors import PerunitError
from perunit.store.project_store import room_needed

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine
    from perunit.live.service import Service

__all__ = ["router"]

_FREE_BYTES_MIN = 64 << 20
_PROBE_SECONDS = 5.0
_PROBE_AGE_SECONDS = 1.0
_OK: dict[str, Any] = {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]}
_SAID_OK: dict[int | str, dict[str, Any]] = {
    200: {"description": "It is.", "content": {"application/json": {"schema": _OK, "example": {"status": "ok"}}}},
    **problem_responses(503),
}


def router(service: Service) -> APIRouter:
    """The routes on a running perunit."""
    api = APIRouter(tags=["health"])
    probe = _Probe(service)

    @api.get("/healthz", responses=_SAID_OK, summary="Whether the process works")
    async def healthz() -> JSONResponse:
        """A supervisor restarts it where this fails: nothing else will help."""
        if not service.intake.alive:
            return problem(503, "Writer ended", "the writer has ended by a bug; restart perunit serve and see its log")
        if probe.fatal:
            return problem(503, "Store closed", "the store has to be opened again; restart perunit serve")
        return JSONResponse({"status": "ok"})

    @api.get("/readyz", responses=_SAID_OK, summary="Whether events can be stored")
    async def readyz() -> JSONResponse:
        """A balancer sends events elsewhere while this fails; the reason is in the answer."""
        if (reason := await probe.reason()) is not None:
            return problem(503, "Not ready", reason, {"Retry-After": "5"})
        return JSONResponse({"status": "ok"})

    @api.get(
        "/metrics",
        dependencies=[METRICS_DOOR],
        response_class=Response,
        summary="perunit's measurements of itself",
        responses=_METRICS,
    )
    async def metrics(request: Request) -> Response:
        """In Prometheus's text format, or OpenMetrics where that is asked for."""
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(await asyncio.to_thread(encode, service.meters.registry), media_type=media_type)

    return api


_METRICS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Metrics.",
        "content": {
            "text/plain": {"schema": {"type": "string"}, "example": "perunit_waiting_rows 0.0\n"},
            "application/openmetrics-text": {"schema": {"type": "string"}},
        },
    }
}


class _Probe:
    """Whether the writer writes, found by writing; asked at most once a second, however often it is called."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._asking = asyncio.Lock()
        self._found: str | None = None
        self._at = float("-inf")
        # After such an error the engine refuses everything until the file is opened anew.
        self.fatal = False

    async def reason(self) -> str | None:
        """Why no event can be stored now; None where it can."""
        async with self._asking:
            if time.monotonic() - self._at > _PROBE_AGE_SECONDS:
                self._found = await self._look()
                self._at = time.monotonic()
        return self._found

    async def _look(self) -> str | None:
        data = self._service.project.data
        free = shutil.disk_usage(data).free
        if free < _FREE_BYTES_MIN:
            return f"{data}: {free:,} bytes are free, must be {_FREE_BYTES_MIN:,} or more; free space"
        if not self._service.intake.alive:
            return "the writer has ended by a bug; restart perunit serve and see its log"
        try:
            with room_needed(data):
                written = asyncio.shield(asyncio.wrap_future(self._service.intake.run(_write)))
                await asyncio.wait_for(written, _PROBE_SECONDS)
        except TimeoutError:
            return f"the writer has been busy for {_PROBE_SECONDS:g} s; it goes on by itself"
        except (PerunitError, duckdb.Error) as error:
            self.fatal = isinstance(error.__cause__ or error, duckdb.FatalException)
            return str(error).splitlines()[0]
        return None


def _write(engine: Engine) -> None:
    engine.execute("INSERT OR REPLACE INTO store_state VALUES ('probed', $at)", {"at": str(time.time())})
