"""Lets spans through whose trace has not said in time what their mapping needs. Enters: the clock. Leaves: arrivals of
no rows, with which the spans that have waited long enough come in.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from perunit.facts.arrivals import Arrival
from perunit.facts.doors.formats import schema_of
from perunit.facts.privacy.seals import seals_of
from perunit.facts.traces import forget, review, stranded, traces_of
from perunit.live.repeating import Repeating

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.live.service import Service

__all__ = ["TraceRelease", "loops"]

_DOOR = "trace-release"
_EVERY_SECONDS = 2.0
_FAILED = "spans that have waited long enough could not be let through"
_log = logging.getLogger(__name__)


class TraceRelease(Repeating):
    """A loop; what waits stays in the store when it ends."""

    def __init__(self, service: Service, every_seconds: float = _EVERY_SECONDS) -> None:
        super().__init__(self._release, every_seconds, name="trace-release", log=_log, failed=_FAILED)
        self._service = service
        self._noticed: set[str] = set()
        self._waiting = Gauge(
            "perunit_waiting_spans", "Spans that wait for another of their trace.", ("source",),
            registry=service.meters.registry,
        )  # fmt: skip

    def _release(self) -> None:
        intake, now = self._service.intake, self._service.clock()
        sources = intake.project.contract.sources
        every = [traces for name, source in sources.items() if (traces := traces_of(name, source))]
        for name, waiting in intake.run(lambda engine: review(engine, every, now)).result().items():
            self._waiting.labels(name).set(waiting.spans)
            if waiting.due:
                intake.submit(Arrival(name, schema_of("otlp_spans").empty_table(), _DOOR)).result()
        self._release_stranded({traces.source for traces in every}, now)

    def _release_stranded(self, waiting: set[str], now: datetime) -> None:
        """Lets spans through that waited under a contract of before, whose source does not wait any more."""
        intake, sources = self._service.intake, self._service.intake.project.contract.sources
        seals = seals_of(intake.project)
        for name, rows in intake.run(lambda engine: stranded(engine, waiting, now, seals)).result().items():
            self._waiting.labels(name).set(rows.num_rows)
            if name in sources and sources[name].format == "otlp_spans":
                intake.submit(Arrival(name, rows, _DOOR, within=partial(forget, source=name, until=now))).result()
            elif name not in self._noticed:
                self._noticed.add(name)
                _log.warning("%s spans wait for source %s, which is not in perunit.yaml any more", rows.num_rows, name)


def loops(service: Service) -> tuple[TraceRelease, ...]:
    """The loop, whatever the contract says: it may come to name traces while perunit runs."""
    return (TraceRelease(service),)
