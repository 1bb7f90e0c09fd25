"""What `perunit users` and `perunit keys` share: the control database, who does it, and how rows are written."""

from __future__ import annotations

import getpass
import json
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from perunit.access.permit import Viewer
    from perunit.contract.project import Project
    from perunit.store.control.database import ControlStore

__all__ = ["ACTOR", "ROWS", "actor", "address_of", "at", "control_at", "in_table", "record", "rows_of"]

ROWS = click.option(
    "--rows", multiple=True, metavar="DIMENSION=VALUE[,VALUE…]", help="The only values that are seen; may be repeated."
)
# Who a key is, around a verb that comes with one.
ACTOR: ContextVar[Viewer | None] = ContextVar("actor", default=None)
_USUAL_ADDRESS = "http://127.0.0.1:8321"


@contextmanager
def control_at(directory: Path) -> Iterator[tuple[Project, ControlStore]]:
    """The project's control database; a server may have it open meanwhile."""
    from contextlib import closing

    from perunit.contract.read import read_project
    from perunit.wiring import control_of

    project = read_project(directory)
    with closing(control_of(project)) as control:
        yield project, control


def actor() -> Viewer:
    """Whose key the command line comes with; without one whoever can run it on the project's files, who may all."""
    from perunit.access.permit import OWNER, Viewer

    if (viewer := ACTOR.get()) is not None:
        return viewer
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "owner"
    return Viewer(None, name, None, OWNER, "owner")


def record(control: ControlStore, action: str, target: str, **details: Any) -> None:
    """Writes down in the audit what was done from the command line."""
    from contextlib import closing

    from perunit.access.audit import Audit
    from perunit.model.window import system_clock

    with closing(Audit(control, system_clock)) as audit:
        audit.record(actor(), action, target, details)


def rows_of(given: Sequence[str]) -> dict[str, list[str]]:
    """``region=eu,us`` as rows. Raises UsageError."""
    from perunit.model.errors import UsageError

    found: dict[str, list[str]] = {}
    for each in given:
        dimension, equals, values = each.partition("=")
        if not dimension or not equals:
            raise UsageError(f"--rows: got {each!r}, must be DIMENSION=VALUE[,VALUE…]; write for example region=eu,us")
        found.setdefault(dimension, []).extend(values.split(","))
    return found


def address_of(project: Project) -> str:
    """Where people reach it: as the contract says, or the server that runs, or where one would."""
    from perunit.store.project_store import LOCK_NAME

    if project.contract.access.url is not None:
        return project.contract.access.url.rstrip("/")
    try:
        said = json.loads((project.data / LOCK_NAME).read_text(encoding="utf-8")).get("address")
    except (OSError, ValueError, AttributeError):
        said = None
    return str(said or _USUAL_ADDRESS)


def at(time: datetime | None) -> str:
    """A time as a person reads it."""
    return "" if time is None else f"{time:%Y-%m-%d %H:%M}"


def in_table(names: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Prints them under their names."""
    from rich.table import Table
    from rich.text import Text

    from perunit.faces.cli.query import print_table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name)
    for line in lines:
        # As text: a name with brackets is no markup.
        cells: list[Any] = [Text(each) for each in line]
        table.add_row(*cells)
    print_table(table)
