"""A project served to whoever asks, without accounts, so that answers are measured and not log-ins.

    python -m bench.served PROJECT

Says its address as JSON in one line; ends on SIGTERM.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import urllib3

from bench.measure import ROOT
from perunit.access.permit import OWNER, Viewer
from perunit.faces.api.app import create_app
from perunit.faces.api.body import Limits
from perunit.faces.api.protocol import Server
from perunit.faces.api.v1.viewer import current_viewer
from perunit.live.intake import Intake
from perunit.live.loops import running
from perunit.live.meters import Meters
from perunit.live.service import Service
from perunit.wiring import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["served"]


@contextmanager
def served(directory: Path, connections: int = 64) -> Iterator[urllib3.HTTPConnectionPool]:
    """The project served by a process of its own: connections to it."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "bench.served", str(directory)]
    with (directory / "served.log").open("w") as log:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, cwd=ROOT)
        try:
            assert server.stdout is not None
            host, port = json.loads(server.stdout.readline())["address"].removeprefix("http://").split(":")
            with urllib3.HTTPConnectionPool(host, int(port), maxsize=connections, timeout=600) as pool:
                pool.request("GET", "/readyz", retries=urllib3.Retry(connect=50, backoff_factor=0.05))
                yield pool
        finally:
            server.terminate()
            server.communicate(timeout=120)


def _owner() -> Viewer:
    return Viewer(None, "bench", None, OWNER, "owner")


def main(directory: Path) -> None:
    """Serves until it is told to stop."""
    with opened(directory.resolve(), purpose="serve") as project:
        meters = Meters()
        intake = Intake(project.project, project.engine, project.clock, meters=meters)
        try:
            service = Service(project.project, intake, project.clock, meters)
            app = create_app(service, Limits())
            app.dependency_overrides[current_viewer] = _owner
            with running(service), socket.create_server(("127.0.0.1", 0)) as listener:
                print(json.dumps({"address": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
                Server.within(app, Limits()).run([listener])
        finally:
            intake.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
