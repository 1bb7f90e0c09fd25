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

__all__ = ["PASSWORD", "make_accounts", "serve_demo"]

_HOST = "127.0.0.1"
# Of every account; only this machine can reach the demo.
PASSWORD = "one receipt per item"  # noqa: S105 - told to whoever starts the demo
_FIRST = "admin"


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


def make_accounts(directory: Path) -> None:
    """An account of every role, named after it, where nobody has one yet."""
    from perunit.access import accounts
    from perunit.access.permit import OWNER, Role
    from perunit.faces.cli.people import control_at
    from perunit.model.window import system_clock

    with control_at(directory) as (project, control), control.session() as session:
        if accounts.users_exist(session):
            return
        for role in Role:
            user = accounts.add_user(session, OWNER, system_clock(), name=str(role), role=role)
            accounts.set_password(session, user, PASSWORD, project.contract.access.password_length_min)


def _link(service: Service, address: str) -> str:
    """Where the administrator is signed in, once; the plain address where there is none of that name."""
    from perunit.access import accounts
    from perunit.access.errors import AccessError
    from perunit.access.links import new_ticket

    try:
        with service.control.session() as session:
            ticket = new_ticket(session, accounts.find_user(session, _FIRST), service.clock())
    except AccessError:
        return address
    return f"{address}/login?ticket={ticket}"


def _greet(settings: Settings, service: Service, address: str, live: LiveCompany | None) -> None:
    url = _link(service, address)
    if settings.json:
        click.echo(json.dumps({"address": address, "url": url, "project": str(service.project.root)}))
        return
    title, shown = click.style("The dashboards", bold=True), click.style(url, fg="cyan", bold=True)
    click.echo(f"\n{title}, signed in as {_FIRST} (good once):\n  {shown}")
    going = "its orders come in as you watch" if live is not None else "its days are over, so nothing new comes in"
    click.echo(f"  The company: {going}. The tour at the top of the page shows what is strange about it.")
    click.echo(f"  Others see less: sign out, and sign in as viewer, oncall, finance … with {PASSWORD!r}.")
    click.echo("\nCtrl-C stops it")
    sys.stdout.flush()
