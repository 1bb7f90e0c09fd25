"""Builds what the verbs work with: the project as written, and the engine on its data."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from perunit import pipeline
from perunit.access.permit import OWNER
from perunit.contract.read import read_project
from perunit.model.window import Clock, system_clock
from perunit.store.control.database import open_control
from perunit.store.project_store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from perunit.access.permit import Permit
    from perunit.contract.project import Project
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.store.control.database import ControlStore

__all__ = ["LENDER", "PERMIT", "WITNESS", "Lender", "Opened", "control_of", "open_control_of", "opened"]


@dataclass(frozen=True, slots=True)
class Opened:
    """A project with its data open; `engine` answers as of now, or as of the instant that was asked for.

    `permit` is what whoever asks may see: all, unless they come with a key.
    """

    project: Project
    engine: Engine
    clock: Clock
    permit: Permit = OWNER

    @property
    def contract(self) -> Contract:
        """The contract, for short."""
        return self.project.contract


class Lender(Protocol):
    """Whoever has a project open in this process and lets verbs work with it."""

    def lends(self, directory: Path) -> bool:
        """Whether the project in `directory` is the one it has open."""
        ...

    def lend(
        self, directory: Path, *, purpose: str, as_of: datetime | None, clock: Clock
    ) -> AbstractContextManager[Opened]:
        """As `opened`, for a project it has."""
        ...


# Set where verbs are done for others: in a server, around each of them.
LENDER: ContextVar[Lender | None] = ContextVar("lender", default=None)
# What a verb runs under: set around each that comes with a key.
PERMIT: ContextVar[Permit] = ContextVar("permit", default=OWNER)
# Told of the project once its data are open, before a verb works with them; it writes down what is about to be done.
WITNESS: ContextVar[Callable[[Project], None] | None] = ContextVar("witness", default=None)


@contextmanager
def opened(
    directory: Path, *, purpose: str, as_of: datetime | None = None, clock: Clock = system_clock
) -> Iterator[Opened]:
    """The project in `directory`, its store brought in line with its contract and price books.

    With `as_of` the engine's tables are those known at that instant; nothing of the store is changed then.
    Raises ConfigurationError with every fault of what was written, StoreError where the data cannot be opened.
    """
    if (lender := LENDER.get()) and lender.lends(directory):
        with lender.lend(directory, purpose=purpose, as_of=as_of, clock=clock) as lent:
            _witnessed(lent.project)
            yield replace(lent, permit=PERMIT.get())
        return
    project = read_project(directory)
    contract = project.contract
    names = (tuple(contract.units), contract.dimensions(), contract.meter_names())
    with open_store(project.data, *names, purpose=purpose) as engine:
        pipeline.start(project, engine, clock)
        if as_of is not None:
            pipeline.look_back(project, engine, as_of)
        _witnessed(project)
        yield Opened(project, engine, clock, PERMIT.get())


def _witnessed(project: Project) -> None:
    if (witness := WITNESS.get()) is not None:
        witness(project)


def control_of(project: Project) -> ControlStore:
    """The control database of a project: in its data, or the PostgreSQL that the environment names."""
    return open_control(project.data, os.environ.get(project.contract.control.url_env) or None)


def open_control_of(directory: Path) -> ControlStore:
    """The control database of the project in `directory`; a server may have it open meanwhile."""
    return control_of(read_project(directory))
