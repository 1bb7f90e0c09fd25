"""The way of what comes live: arrivals of one source are staged and committed as one group. Enters: arrivals.
Leaves: an outcome for each, after the commit; their sums follow with `pipeline.sum_up`.

The order of a group's steps is the one of files (`pipeline.py`), but for its sums.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from perunit.facts.arrivals import Arrival, Outcome, after_all, grouped, outcomes
from perunit.facts.doors import counters, label_sets
from perunit.facts.doors.formats import COUNTED_FORMATS, DOOR_COLUMNS, schema_of
from perunit.facts.files import Group, Opened
from perunit.facts.load import load_group, stage_group
from perunit.facts.privacy.seals import seals_of
from perunit.facts.stripe_links import Links, links_of
from perunit.facts.tables import match_sql
from perunit.facts.traces import Traces, traces_of
from perunit.model.errors import UsageError
from perunit.pipeline import CLOUDEVENTS, aware, batch_of, names_of, newest_event, planner_of, unknown_source
from perunit.store.progress import note_change

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from perunit.contract.project import Project
    from perunit.engine.duckdb import Engine
    from perunit.facts.staging import Plan
    from perunit.model.window import Clock

__all__ = ["Feed"]

Waits = Traces | Links
_SERIES_KEPT = timedelta(days=30)


class Feed:
    """What is kept between one group of arrivals and the next: names, plans and watermarks.

    One engine's, after `start`; used by one thread.
    """

    def __init__(self, project: Project, engine: Engine, clock: Clock) -> None:
        self._project, self._engine, self._clock = project, engine, clock
        self._names, self._seals = names_of(engine, project), seals_of(project)
        self._run_id = uuid.uuid4().hex
        self._groups = 0
        self._forgotten: date | None = None
        self._watermarks: dict[str, datetime | None] = {}
        self._planners: dict[str, tuple[datetime, Callable[[bool], Plan]]] = {}

    def take_in(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Stages arrivals of one source and door and commits them as one group; the outcome of each.

        Their sums follow with `sum_up`.

        Raises what stands against all of them, ConfigurationError for instance; nothing of them is kept then.
        """
        source, now = arrivals[0].source, self._clock()
        self._groups += 1
        for arrival in arrivals:
            if arrival.before:
                arrival.before(self._engine)
        group, waits = self._group(arrivals, now)
        batch = batch_of(self._project, self._run_id, source, arrivals[0].door, now, self._watermark(source))
        batch = replace(batch, producers=tuple(arrival.producer or arrival.door for arrival in arrivals))
        plan = stage_group(self._engine, group, self._planner(source, now))
        with self._engine.transaction():
            counts = load_group(self._engine, self._names, group, batch, plan)
            if counts.guard_changed:
                note_change(self._engine)
            if self._format(source) in COUNTED_FORMATS:
                counters.keep(self._engine, source)
                if self._project.contract.sources[source].labels_from:
                    label_sets.keep(self._engine, source, self._seals)
            for arrival in arrivals:
                if arrival.within:
                    arrival.within(self._engine)
            waiting = waits.keep(self._engine, now) if waits else {}
            found = outcomes(self._engine, arrivals, batch, counts, waiting)
        self._tidy(now)
        self._watermarks[source] = max(filter(None, (batch.watermark, aware(counts.watermark))), default=None)
        return found

    def _group(self, arrivals: Sequence[Arrival], now: datetime) -> tuple[Group, Waits | None]:
        """The rows of arrivals as one group; where rows wait for what others say, those that wait no longer."""
        source = arrivals[0].source
        schema, digest = schema_of(self._format(source)), f"{self._run_id}:{self._groups}"
        if self._format(source) in COUNTED_FORMATS:
            return self._counted(source, grouped(arrivals, schema, digest, counters.ARRIVED), now), None
        waits = self._waits(source)
        if waits is None:
            return grouped(arrivals, schema, digest), None
        arrived = grouped(arrivals, schema, digest, "arrived")

        def attach(engine: Engine) -> None:
            arrived.attach(engine)
            waits.hold_back(engine, now, after_all(arrivals))

        return replace(arrived, attach=attach), waits

    def _waits(self, source: str) -> Waits | None:
        """How rows of a source wait for others that say to whom they belong; None where they do not."""
        if source == CLOUDEVENTS:
            return None
        contract = self._project.contract
        return traces_of(source, contract.sources[source], self._seals) or links_of(source, contract, self._seals)

    def _tidy(self, now: datetime) -> None:
        """Once a day, forgets series that have long ended."""
        if now.date() != self._forgotten:
            counters.forget(self._engine, now - _SERIES_KEPT)
            self._forgotten = now.date()

    def _counted(self, source: str, group: Group, now: datetime) -> Group:
        """A group of samples, which only say where a series stands, with what each series has grown by and held."""
        limits = self._project.contract.limits
        latest = now + timedelta(hours=limits.future_hours)
        mapped = self._project.contract.sources[source]
        if mapped.labels_from:
            group = label_sets.labelled(group, source, mapped.labels_from, self._seals)
        match = match_sql(mapped)
        return counters.counted(group, source, match, latest, limits.hold_seconds, self._seals)

    def _format(self, source: str) -> str:
        if source == CLOUDEVENTS:
            return CLOUDEVENTS
        if source not in self._project.contract.sources:
            raise UsageError(unknown_source(self._project, source))
        return self._project.contract.sources[source].format

    def _watermark(self, source: str) -> datetime | None:
        if source not in self._watermarks:
            self._watermarks[source] = newest_event(self._engine, source)
        return self._watermarks[source]

    def _planner(self, source: str, now: datetime) -> Callable[[bool], Plan]:
        """The plans of a source, made anew by the minute because they hold how far ahead an event may be."""
        minute = now.replace(second=0, microsecond=0)
        made, planner = self._planners.get(source, (None, None))
        if planner is None or made != minute:
            columns = DOOR_COLUMNS.get(self._format(source), {})
            planner = planner_of(self._project, self._names, source, Opened(columns, False, 0, iter(())), now)
            self._planners[source] = minute, planner
        return planner
