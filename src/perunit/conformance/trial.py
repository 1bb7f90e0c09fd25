"""A store for the time of a check. Enters: arrivals, from files or through doors. Leaves: what became of them.

It is a project's contract, schemas and price books over an empty store in a temporary directory: the project's own data
is not touched, so the check runs beside a server, and leaves nothing behind.
"""

from __future__ import annotations

from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from perunit import pipeline
from perunit.contract.read import read_project
from perunit.facts.arrivals import Arrival
from perunit.facts.doors.formats import schema_of
from perunit.facts.traces import traces_of
from perunit.live.intake import Intake, OverloadedError
from perunit.model.window import Clock, system_clock
from perunit.store.project_store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future
    from datetime import datetime

    from perunit.contract.project import Project
    from perunit.engine.duckdb import Engine
    from perunit.facts.arrivals import Outcome

__all__ = ["RecordingIntake", "Trial", "trial"]


class RecordingIntake(Intake):
    """An intake that also keeps the text of CloudEvents, whose fields are looked at afterwards."""

    def __init__(self, project: Project, engine: Engine, clock: Clock) -> None:
        super().__init__(project, engine, clock)
        self.arrivals: list[Arrival] = []

    def submit(self, arrival: Arrival) -> Future[Outcome]:
        """As an intake does."""
        if arrival.source == pipeline.CLOUDEVENTS:
            self.arrivals.append(arrival)
        return super().submit(arrival)


@dataclass(slots=True)
class _MovedClock:
    """The clock, ahead by `ahead`."""

    clock: Clock
    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return self.clock() + self.ahead


@dataclass(frozen=True, slots=True)
class Trial:
    """What a check works with. `engine` belongs to the intake's writer until `finish` has returned."""

    project: Project
    engine: Engine
    intake: RecordingIntake
    clock: _MovedClock

    def take_in(self, arrivals: Iterable[Arrival]) -> None:
        """Hands arrivals to the intake as fast as it takes them, and waits for the last one."""
        waiting: list[Future[Outcome]] = []
        for arrival in arrivals:
            try:
                waiting.append(self.intake.submit(arrival))
            except OverloadedError:
                wait(waiting)
                waiting.append(self.intake.submit(arrival))
        for each in waiting:
            each.result()

    def finish(self) -> None:
        """Nothing more comes: spans that wait for what their trace says of its unit enter with what is known."""
        every = [traces_of(name, source) for name, source in self.project.contract.sources.items()]
        for traces in filter(None, every):
            self.clock.ahead = traces.wait + timedelta(seconds=1)
            none = schema_of("otlp_spans").empty_table()
            self.intake.submit(Arrival(traces.source, none, "waiting")).result()
        self.intake.close()


@contextmanager
def trial(directory: Path, *, clock: Clock = system_clock) -> Iterator[Trial]:
    """A trial of the project in `directory`. Raises ConfigurationError with every fault of what was written."""
    project, moved = read_project(directory), _MovedClock(clock)
    contract = project.contract
    names = (tuple(contract.units), contract.dimensions(), contract.meter_names())
    with (
        TemporaryDirectory(prefix="perunit-trial-") as data,
        open_store(Path(data), *names, purpose="contract test") as engine,
    ):
        pipeline.start(project, engine, moved)
        intake = RecordingIntake(project, engine, moved)
        try:
            yield Trial(project, engine, intake, moved)
        finally:
            intake.close()
