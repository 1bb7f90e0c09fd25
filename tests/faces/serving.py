"""A real `perunit serve` for tests: a process of its own on a free port, stopped as a person would stop it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3

from perunit.access.keys import make_key
from perunit.access.permit import OWNER, Viewer
from perunit.faces.api.app import create_app
from perunit.faces.api.protocol import Server
from perunit.faces.cli.main import main
from perunit.live.intake import Intake
from perunit.live.loops import running
from perunit.live.meters import Meters
from perunit.live.service import Service
from perunit.model.window import system_clock
from perunit.wiring import open_control_of, opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from perunit.faces.api.body import Limits
    from perunit.store.control.database import ControlStore

__all__ = ["Answer", "Served", "command", "event", "in_process", "key_to_all", "listening", "serving"]

HTTP = urllib3.PoolManager(retries=False)
PERUNIT = (sys.executable, "-m", "perunit.faces.cli.main")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Served:
    """A server and its project."""

    address: str
    project: Path
    process: subprocess.Popen[str] | None
    key: str | None = None
    setup: str | None = None

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port, for a bare socket."""
        parts = urlsplit(self.address)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request; `content_type` and the like become header names. The API is asked with a key that may all."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key and path.startswith("/api/v1/") and "cookie" not in named:
            named = {"authorization": f"Bearer {self.key}"} | named
        response = HTTP.request(method, f"{self.address}{path}", body=body, headers=named)
        is_json = "json" in response.headers.get("content-type", "")
        return Answer(response.status, response.headers, response.json() if is_json else response.data.decode())

    def post(self, *events: dict[str, Any], **headers: str) -> Answer:
        """Events as a batch."""
        headers = {"content_type": "application/cloudevents-batch+json"} | headers
        return self.send("POST", "/v1/events", json.dumps(events).encode(), **headers)

    def ask(self, *words: str) -> Any:
        """What a verb answers in JSON: this process finds the project held, so the server does it."""
        out = io.StringIO()
        with redirect_stdout(out):
            assert main(["-C", str(self.project), "--json", *words]) == 0
        return json.loads(out.getvalue())

    def rows(self) -> float:
        """How many rows came through doors, by the server's own metrics."""
        found = re.findall(r"^perunit_rows_total\{.*\} (\S+)$", self.send("GET", "/metrics").body, re.M)
        return sum(map(float, found))

    def stop(self, sig: int = signal.SIGTERM) -> int:
        """Ends it; its exit code."""
        assert self.process
        self.process.send_signal(sig)
        return self.process.wait(30)


def command(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command line, run to its end."""
    return subprocess.run([*PERUNIT, *words], capture_output=True, text=True, timeout=120, check=False, **options)


@contextmanager
def serving(project: Path, *options: str, env: dict[str, str] | None = None) -> Iterator[Served]:
    """A server on the project, from when it answers until the end."""
    words = ("-C", str(project), "--json", "serve", "--port", "0", "--grpc-port", "0", *options)
    log = (project / "serve.log").open("a")
    with log, subprocess.Popen(
        [*PERUNIT, *words], stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **(env or {})}
    ) as process:  # fmt: skip
        assert process.stdout
        line = process.stdout.readline()
        assert line, (project / "serve.log").read_text()
        try:
            with closing(open_control_of(project)) as control:
                key = key_to_all(control)
            said = json.loads(line)
            yield Served(said["address"], project, process, key, said.get("setup"))
        finally:
            if process.poll() is None:
                process.kill()


def event(number: int | str, **other: Any) -> dict[str, Any]:
    """An order of the template's shop."""
    data = {
        "order_id": f"o{number}",
        "user_id": "u1",
        "total": "12.50",
        "plan": "pro",
        "region": "eu",
        "channel": "web",
    }
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/shop",
        "type": "order.completed",
        "time": "2026-09-01T12:00:00Z",
        "data": data,
    } | other


def key_to_all(control: ControlStore) -> str:
    """A key with every permission."""
    with control.session() as session:
        owner = Viewer(None, "tests", None, OWNER, "owner")
        return make_key(session, owner, system_clock(), name="tests", scopes=OWNER.permissions)[1]


@contextmanager
def in_process(project: Path) -> Iterator[Service]:
    """A running perunit in this process, without its doors."""
    with opened(project, purpose="serve") as open_project:
        meters = Meters()
        intake = Intake(open_project.project, open_project.engine, open_project.clock, meters=meters)
        try:
            service = Service(open_project.project, intake, open_project.clock, meters)
            with running(service):
                yield service
        finally:
            intake.close()


@contextmanager
def listening(service: Service, limits: Limits) -> Iterator[Served]:
    """Its HTTP doors, on a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server.within(create_app(service, limits), limits, grace_seconds=1)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield Served(
            f"http://127.0.0.1:{listener.getsockname()[1]}", service.project.root, None, key_to_all(service.control)
        )
    finally:
        server.should_exit = True
        thread.join()
