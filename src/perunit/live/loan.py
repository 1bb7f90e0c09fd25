"""Lets a verb work with the project that a running perunit has open. Enters: what the verb is for. Leaves: an engine.

A verb that only reads gets a second connection, on which the project stands still while doors go on. One that writes
borrows the writer's own: what comes through doors waits until it is given back.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING

from perunit import pipeline
from perunit.contract.read import read_project
from perunit.economics.rollup.compute import prepare
from perunit.engine.duckdb import Engine, Snapshot
from perunit.store.project_store import add_columns, room_needed
from perunit.wiring import Opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from perunit.contract.project import Project
    from perunit.live.service import Service
    from perunit.model.window import Clock

__all__ = ["READING", "Loan"]

# Purposes that change nothing of the store; any other borrows the writer.
READING = frozenset({
    "query", "receipt", "reconcile", "reconcile entries", "reconcile locks", "restatements", "verify",
    "bills list", "bills show", "fx list", "fx show", "prices list", "prices check", "prices diff", "prices preview",
    "quality", "quarantine list", "quarantine show", "export prometheus", "privacy reveal", "privacy scan",
})  # fmt: skip


class Loan:
    """What one verb is lent; a `wiring.Lender`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lent: Engine | None = None
        # What is interrupted must still be lent: the writer's next statement is somebody else's.
        self._changing = threading.Lock()

    def lends(self, directory: Path) -> bool:
        """Whether the running perunit has the project in `directory` open."""
        return directory.resolve() == self._service.project.root

    def interrupt(self) -> None:
        """Ends the statement that the verb is at, if any, with an exception."""
        with self._changing:
            if self._lent is not None:
                self._lent.connection.interrupt()

    @contextmanager
    def lend(self, directory: Path, *, purpose: str, as_of: datetime | None, clock: Clock) -> Iterator[Opened]:
        """The project as it is written now, its store brought in line with it; raises what `wiring.opened` does."""
        project = read_project(directory)
        lent = self._snapshot(project, purpose, clock) if purpose in READING else self._whole(project, clock)
        with room_needed(project.data), lent as engine:
            self._note(engine)
            try:
                if as_of is not None:
                    pipeline.look_back(project, engine, as_of)
                yield Opened(project, engine, clock)
            finally:
                self._note(None)

    def _note(self, engine: Engine | None) -> None:
        with self._changing:
            self._lent = engine

    @contextmanager
    def _snapshot(self, project: Project, purpose: str, clock: Clock) -> Iterator[Engine]:
        """Taken on the writer, between two groups, when all that came before is summed.

        Bills are allocated over it only where that is to be verified: it takes too long to be done for every query.
        """

        def taken(engine: Engine) -> Snapshot:
            self._bring_in_line(engine, project, clock)
            (pipeline.settle if purpose == "verify" else pipeline.sum_up)(project, engine)
            return Snapshot(engine)

        snapshot = self._service.intake.run_alone(taken).result()
        try:
            prepare(snapshot)
            yield snapshot
        finally:
            snapshot.close()

    @contextmanager
    def _whole(self, project: Project, clock: Clock) -> Iterator[Engine]:
        """The writer's engine, while the writer does nothing."""
        lent: Future[Engine] = Future()
        given_back = threading.Event()

        def hand_over(engine: Engine) -> None:
            self._bring_in_line(engine, project, clock)
            pipeline.settle(project, engine)
            lent.set_result(engine)
            given_back.wait()
            # What the verb has taken in or priced is news to the intake.
            self._service.intake.adopt(self._service.intake.project)
            self._service.intake.sum_soon()

        done = self._service.intake.run_alone(hand_over)
        done.add_done_callback(lambda ended: None if lent.done() else lent.set_exception(ended.exception()))
        engine = lent.result()
        try:
            yield engine
        finally:
            given_back.set()
            done.result()

    def _bring_in_line(self, engine: Engine, project: Project, clock: Clock) -> None:
        """As opening does; a contract that was changed holds from now on for the doors too."""
        contract, known = project.contract, self._service.intake.project
        if contract != known.contract or project.schemas != known.schemas:
            with engine.transaction():
                add_columns(engine, tuple(contract.units), contract.dimensions(), contract.meter_names())
            pipeline.align(project, engine, clock)
            self._service.intake.adopt(read_project(known.root))
        else:
            pipeline.align(project, engine, clock)
