"""The dashboards on the demo's company. Enters: its project. Leaves: a server, until it is told to stop."""

from __future__ import annotations

import json
import logging
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from perunit.faces.cli.context import Settings
    from perunit.faces.cli.demo_live import LiveCompany
    from perunit.live.service import Service

__all__ = ["serve_demo"]

_HOST = "127.0.0.1"
_PERSON = "demo"


def serve_demo(settings: Settings, directory: Path, port: int, live: LiveCompany | None) -> None:
    """Serves it on this machine alone, its events coming in meanwhile where it is `live`."""
    from perunit.faces.api.body import Limits
    from perunit.faces.cli.logs import start_log
    from perunit.faces.cli.serve import run_server

    start_log("text", logging.WARNING)

    @contextmanager
    def greeted(service: Service, address: str) -> Iterator[None]:
        _greet(settings, service, address, live)
        if live is not None:
            live.start(address)
        try:
            yield
        finally:
            if live is not None:
                live.stop()

    run_server(directory, _HOST, _free(port), 0, Limits(), greeted)


def _free(port: int) -> int:
    """The port asked for, or 0 (whichever is free) where something has it already."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((_HOST, port))
        except OSError:
            return 0
    return port


def _ticket(service: Service) -> str:
    """A link's ticket that signs its reader in as an administrator of the demo, who has no password."""
    from perunit.access import accounts, links
    from perunit.access.errors import MissingError
    from perunit.access.permit import OWNER, Role

    now = service.clock()
    with service.control.session() as session:
        try:
            user = accounts.find_user(session, _PERSON)
        except MissingError:
            user = accounts.add_user(session, OWNER, now, name=_PERSON, role=Role.admin)
        return links.new_ticket(session, user, now)


def _greet(settings: Settings, service: Service, address: str, live: LiveCompany | None) -> None:
    url = f"{address}/login?ticket={_ticket(service)}"
    if settings.json:
        click.echo(json.dumps({"address": address, "url": url, "project": str(service.project.root)}))
        return
    click.echo(f"\nThe dashboards are at {click.style(url, fg='cyan', bold=True)}")
    going = "its orders come in as you watch" if live is not None else "its days are over, so nothing new comes in"
    click.echo(f"  The company: {going}. Start the tour at the top of the page. Ctrl-C stops it.")
    sys.stdout.flush()
