"""Listens for what a service emits while its own tests run. Enters: a trial, a command. Leaves: arrivals.

The doors are those of `perunit serve`, so that the service gets the answers that it would get there.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from perunit.conformance.report import Finding
from perunit.faces.api.app import create_app
from perunit.faces.api.body import Limits
from perunit.faces.api.protocol import Server
from perunit.live.service import Service
from perunit.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.conformance.trial import Trial

__all__ = ["listen"]

_GRACE_SECONDS = 5
_STANDARD_ERROR = 2


def listen(on: Trial, port: int, seconds: float | None, command: tuple[str, ...]) -> list[Finding]:
    """Takes in what comes until the command has ended, or for so long; says what was wrong with the command itself.

    The command's output goes to standard error, where it cannot mix with the report.
    """
    if not command and seconds is None:
        raise UsageError("--listen: for how long? say --for 30s, or name a command: --listen 0 -- pytest tests")
    with _serving(on, port) as url:
        if command:
            return _run(command, url, seconds)
        click.echo(f"listening on {url} for {seconds:g} s; Ctrl-C judges what has come", err=True)
        with suppress(KeyboardInterrupt):
            time.sleep(seconds or 0)
    return []


@contextmanager
def _serving(on: Trial, port: int) -> Iterator[str]:
    """The doors over the trial's intake; when it ends, requests that had come are answered first."""
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind(("127.0.0.1", port))
    except OSError as error:
        door.close()
        raise UsageError(f"--listen {port}: {error.strerror}; choose another port, or 0 for a free one") from error
    service = Service(on.project, on.intake, on.clock, on.intake.meters)
    limits = Limits()
    server = Server.within(create_app(service, limits), limits, grace_seconds=_GRACE_SECONDS)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        door.close()


def _run(command: tuple[str, ...], url: str, seconds: float | None) -> list[Finding]:
    told = {"PERUNIT_URL": url, "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    try:
        child = subprocess.Popen(  # noqa: S603 - the user's own command
            command, env=os.environ | told, stdout=_STANDARD_ERROR, start_new_session=True
        )
    except OSError as error:
        raise UsageError(f"{command[0]}: {error.strerror}; name a command that can be run") from error
    name = " ".join(command)[:200]
    try:
        code = child.wait(seconds)
    except subprocess.TimeoutExpired:
        return [Finding("command", name, "time", f"more than {seconds:g} s", "must end by itself; raise --for", 0)]
    finally:
        _end(child)
    if code:
        return [Finding("command", name, "exit code", str(code), "must be 0; mend what the command says", 0)]
    return []


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ends a command that still runs, with all that it has started."""
    for word in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(child.pid, word)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE_SECONDS)
