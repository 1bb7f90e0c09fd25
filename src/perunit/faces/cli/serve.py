"""``perunit serve``: the project's doors, open until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
from contextlib import ExitStack, closing, contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from perunit.faces.api.body import Limits
    from perunit.live.service import Service

__all__ = ["run_server", "serve"]

_log = logging.getLogger("perunit.serve")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Which address to listen on.")
@click.option("--port", default=8321, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option(
    "--grpc-port",
    default=4317,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="For OTLP over gRPC; 0 likewise.",
)
@click.option("--log", "form", type=click.Choice(["text", "json"]), help="json unless a person watches.")
@click.option(
    "--body-limit", default=16, show_default=True, type=click.IntRange(min=1), metavar="MIB", help="Largest request."
)
@click.option("--connections", default=1000, show_default=True, type=click.IntRange(min=1), help="At most this many.")
@pass_settings
def serve(settings: Settings, /, host: str, port: int, grpc_port: int, form: str | None, **limits: int) -> None:
    """Take events in while it runs, and do the other verbs for whoever calls them meanwhile.

    SIGTERM or Ctrl-C ends it: nothing new is taken, what was is stored. Within 20 seconds it has left with exit code 0.

    \b
    perunit serve
    perunit serve --host 0.0.0.0 --port 80 --log json     behind something that knows who may send
    """  # noqa: D301 - click reads the character
    from perunit.faces.cli.logs import start_log

    start_log(form or ("text" if sys.stderr.isatty() else "json"))

    def greet(service: Service, address: str) -> None:
        _greet(settings, service, address, host)

    run_server(settings.directory, host, port, grpc_port, _limits(**limits), greet)


def run_server(
    directory: Path,
    host: str,
    port: int,
    grpc_port: int,
    limits: Limits,
    greet: Callable[[Service, str], AbstractContextManager[None] | None],
) -> None:
    """Serves the project in `directory` until a signal ends it; `greet` is told when it can be reached, and where.

    What `greet` gives is entered then and left before the doors close. Raises UsageError where the address cannot be
    listened on, and what `wiring.opened` does.
    """
    from perunit.faces.api.app import create_app
    from perunit.faces.api.protocol import Server

    with ExitStack() as stack:
        listener = stack.enter_context(_listening(host, port))
        address = _address(host, listener)
        service = stack.enter_context(_service(directory, host, grpc_port))
        server = Server.within(create_app(service, limits), limits)
        stack.enter_context(_doors(service, address))
        # A signal counts from here on: what was announced must also end as announced.
        loop_factory = server.config.get_loop_factory()
        with (
            server.capture_signals(),
            asyncio.Runner(loop_factory=loop_factory) as runner,
            greet(service, address) or nullcontext(),
        ):
            runner.run(server.serve([listener]))
        _log.info("stopping: what was taken is being stored")
    _log.info("stopped")


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens; made first, so that a port in use is said before anything is opened."""
    from perunit.faces.api.protocol import BACKLOG
    from perunit.model.errors import UsageError

    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"--host: got {host!r}, must be an address of this machine ({error}); correct it") from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(where)
            # Whoever connects while the project is being opened waits, instead of being refused.
            listener.listen(BACKLOG)
        except OSError as error:
            reason = f"--port: {host}:{port} cannot be listened on ({error.strerror})"
            raise UsageError(f"{reason}; end what uses it, or choose another (0 takes a free one)") from error
        yield listener


def _address(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _service(directory: Path, host: str, grpc_port: int) -> Iterator[Service]:
    """The project opened and its intake started; drained and closed at the end."""
    from perunit.live.intake import Intake
    from perunit.live.meters import Meters
    from perunit.live.service import Service
    from perunit.live.service import Settings as ServiceSettings
    from perunit.wiring import control_of, opened

    # Absolute, because verbs done for others change the working directory.
    with opened(directory.resolve(), purpose="serve") as project:
        meters = Meters()
        intake = Intake(project.project, project.engine, project.clock, meters=meters)
        try:
            running = ServiceSettings(host=host, grpc_port=grpc_port)
            with closing(control_of(project.project)) as control:
                service = Service(project.project, intake, project.clock, meters, running, control)
                with closing(service.audit):
                    yield service
        finally:
            intake.close()


def _limits(body_limit: int, connections: int) -> Limits:
    from perunit.faces.api.body import Limits

    return Limits(
        body_bytes_max=body_limit << 20,
        decompressed_bytes_max=max(64, 4 * body_limit) << 20,
        all_bodies_bytes_max=max(256, 8 * body_limit) << 20,
        connections_max=connections,
    )


@contextmanager
def _doors(service: Service, address: str) -> Iterator[None]:
    """Everything beside HTTP: loops, verbs for others, traces; ended in the opposite order."""
    from perunit.faces.api.tracing import start_tracing
    from perunit.faces.cli.verb_server import VerbServer
    from perunit.live.loan import Loan
    from perunit.live.loops import running
    from perunit.store.project_store import SOCKET_NAME, announce

    data = service.project.data
    verbs = VerbServer(data / SOCKET_NAME, lambda: Loan(service))
    end_tracing = start_tracing()
    with running(service):
        verbs.start()
        announce(data, address)
        try:
            yield
        finally:
            verbs.stop()
            end_tracing()


def _setup(service: Service, address: str) -> str | None:
    """Where the first account is made, with a token that is good once; None where somebody has one."""
    from perunit.access.links import new_setup

    with service.control.session() as session:
        token = new_setup(session, service.clock())
    base = (service.project.contract.access.url or address).rstrip("/")
    return None if token is None else f"{base}/setup?token={token}"


def _greet(settings: Settings, service: Service, address: str, host: str) -> None:
    """Says where it is and how to try it, on standard output."""
    from perunit.live.service import is_loopback

    setup = _setup(service, address)
    if settings.json:
        said = {"address": address, "project": str(service.project.root)}
        click.echo(json.dumps(said if setup is None else {**said, "setup": setup}))
        return
    title = click.style("perunit", bold=True)
    click.echo(f"{title} serves {service.project.root} at {click.style(address, fg='cyan', bold=True)}")
    click.echo(f"\n  events    curl {address}/v1/events -H 'content-type: application/cloudevents+json' -d @event.json")
    click.echo(f"  ready     curl {address}/readyz")
    click.echo(f"  metrics   curl {address}/metrics")
    click.echo(f"  doors     curl {address}/api/v1/openapi.json")
    click.echo(f"  figures   perunit -C {service.project.root} query units revenue --by source")
    if setup is not None:
        click.echo(f"\n  Nobody has an account yet. Make the first at {click.style(setup, fg='cyan', bold=True)}")
    if not service.doors_open:
        click.echo("\n  Who sends events or scrapes needs a key: perunit keys add NAME --scope facts:write")
    elif not is_loopback(host):
        warning = f"anyone who reaches {host} can send events: access.doors is open; let only those in who may"
        click.echo(f"\n{click.style('!', fg='yellow', bold=True)} {warning}")
    click.echo("\nCtrl-C stops it", nl=True)
    sys.stdout.flush()
