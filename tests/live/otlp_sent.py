"""A perunit that listens for OTLP on free ports, over HTTP and gRPC, for tests with real exporters."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn
from tests.invariants.company import clock
from tests.live.arriving import opened

from perunit.faces.api.app import create_app
from perunit.facts.doors.otlp import TRACES, read_message
from perunit.live.otlp import OtlpDoor
from perunit.live.otlp_grpc import OtlpGrpc
from perunit.live.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from tests.invariants.company import Company

    from perunit.facts.arrivals import Outcome


@dataclass(frozen=True, slots=True)
class Listening:
    """Where it listens, and what it is made of."""

    url: str
    grpc: str
    service: Service


def submitted(where: Listening, request: Any) -> Future[Outcome]:
    """A trace request that was handed to the intake, to be in the way of others."""
    (future,) = OtlpDoor(where.service, "test").submit(TRACES, read_message(TRACES, request))
    return future


@contextmanager
def listening(company: Company, *books: Any, limits: Any = None) -> Iterator[Listening]:
    """Serves a company over both protocols until the end of the block."""
    with opened(company, *books, limits=limits) as intake:
        service = Service(company.project(books), intake, clock, intake.meters)
        server = uvicorn.Server(uvicorn.Config(create_app(service), port=0, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        grpc = OtlpGrpc(service, "127.0.0.1", 0)
        grpc.start()
        try:
            while not server.started:
                time.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            yield Listening(f"http://127.0.0.1:{port}", f"127.0.0.1:{grpc.port}", service)
        finally:
            grpc.stop()
            server.should_exit = True
            thread.join()
