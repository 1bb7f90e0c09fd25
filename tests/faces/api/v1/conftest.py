"""What the tests of the API share: a small simulated company, running, and viewers that see more or less of it."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from fastapi import Request
from tests.faces.serving import HTTP, Answer, in_process

from perunit.access.permit import OWNER, Permission, Permit, Viewer
from perunit.faces.api.app import create_app
from perunit.faces.api.body import Limits
from perunit.faces.api.protocol import Server
from perunit.faces.api.v1.viewer import current_viewer
from perunit.faces.cli.main import main
from perunit.simulate.options import SimulationOptions
from perunit.simulate.run import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from perunit.live.service import Service

OPTIONS = SimulationOptions(events=6_000, days=12, seed=11, start=date(2026, 9, 24), duplicates=0.02, parts=2)
# A test names by this header which of the viewers it is.
AS = "x-test-viewer"
VIEWERS = {
    "owner": OWNER,
    "operational": Permit(frozenset({Permission.OPERATIONAL, Permission.UNITS})),
    "european": Permit(frozenset(Permission), {"region": ("eu-west-1",)}),
    "nobody": Permit(frozenset()),
}


@dataclass(frozen=True)
class Running:
    """A running company: its service, its address, and short ways to ask."""

    service: Service
    address: str

    def send(self, method: str, path: str, *, body: Any = None, who: str = "owner", **headers: str) -> Answer:
        """One request as one of `VIEWERS`; a body is sent as JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()} | {AS: who}
        content = None if body is None else json.dumps(body).encode()
        named |= {} if body is None else {"content-type": "application/json"}
        response = HTTP.request(method, f"{self.address}{path}", body=content, headers=named)
        is_json = "json" in response.headers.get("content-type", "")
        return Answer(response.status, response.headers, response.json() if is_json else response.data)

    def get(self, path: str, *, who: str = "owner", **parameters: Any) -> Any:
        """The body of a good answer; `from_` is the parameter `from`, a list is a repeated one."""
        answer = self.send("GET", f"/api/v1{path}{asked(parameters)}", who=who)
        assert answer.status == 200, answer.body
        return answer.body

    def queries(self, *questions: dict[str, Any], who: str = "owner") -> list[Any]:
        """The answers to several questions."""
        answer = self.send("POST", "/api/v1/queries", body={"queries": list(questions)}, who=who)
        assert answer.status == 200, answer.body
        return answer.body["results"]  # type: ignore[no-any-return]

    def seen(self) -> None:
        """Lets the next answer see all that was committed and summed until now."""
        self.service.intake.settled().result().close()


def asked(parameters: dict[str, Any]) -> str:
    """Parameters as part of a path."""
    named = [(name.rstrip("_"), value) for name, value in parameters.items() if value is not None]
    return f"?{urlencode(named, doseq=True)}" if named else ""


@contextmanager
def running(project: Path) -> Iterator[Running]:
    """The API on a project."""
    with in_process(project) as service:
        app = create_app(service, Limits())

        def viewer(request: Request) -> Viewer:
            name = request.headers.get(AS, "owner")
            return Viewer(None, name, None, VIEWERS[name], "owner")

        viewer.__annotations__["request"] = Request
        app.dependency_overrides[current_viewer] = viewer
        listener = socket.create_server(("127.0.0.1", 0))
        server = Server.within(app, Limits(), grace_seconds=5)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield Running(service, f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join()


def made(where: Path) -> Path:
    """A simulated company with its facts and its bill taken in."""
    root = where / "studio"
    simulate(root, OPTIONS)
    for words in (["ingest", *sorted(map(str, (root / "events").iterdir()))], ["bills", "import", str(root / "bills")]):
        assert main(["-C", str(root), "--json", *words]) == 0
    return root


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the company."""
    return made(tmp_path_factory.mktemp("figures"))


@pytest.fixture(scope="module")
def company(studio: Path) -> Iterator[Running]:
    """The company, running; tests that share it leave its facts as they are."""
    with running(studio) as found:
        yield found
