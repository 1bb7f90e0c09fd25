"""How fresh the facts are, as metrics. Enters: the store. Leaves: per source, when its newest event happened and came.

Lag is ``time()`` less the one or the other: an alert of Prometheus' own, which also works when nothing comes any more.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from prometheus_client.core import GaugeMetricFamily

from perunit.engine.duckdb import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.live.service import Service

__all__ = ["Freshness", "loops"]

_NEWEST = (
    "SELECT source, epoch(max(watermark)), epoch(max(ingested_at) FILTER (accepted > 0)) FROM batches "
    "GROUP BY source ORDER BY source"
)
_WAITING = "SELECT source, kind, count(*) FROM quarantine WHERE replayed_in IS NULL GROUP BY ALL ORDER BY ALL"


def loops(service: Service) -> tuple[Freshness, ...]:
    """Always."""
    return (Freshness(service),)


class Freshness:
    """A collector of the service's registry between `start` and `stop`; it reads on a connection of its own."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reading = threading.Lock()
        self._connection: Any = None

    def start(self) -> None:
        """From now on the metrics are there."""
        self._connection = self._service.intake.run(Engine.sibling).result()
        self._service.meters.registry.register(self)

    def stop(self) -> None:
        """The store can be closed."""
        self._service.meters.registry.unregister(self)
        with self._reading:
            self._connection.close()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metrics, read now."""
        with self._reading:
            newest, waiting = self._connection.rows(_NEWEST), self._connection.rows(_WAITING)
        happened = GaugeMetricFamily(
            "perunit_newest_event_timestamp_seconds", "When the newest accepted event happened.", labels=["source"]
        )
        came = GaugeMetricFamily(
            "perunit_newest_commit_timestamp_seconds", "When an event was last committed.", labels=["source"]
        )
        for source, event_time, ingested_at in newest:
            for family, value in ((happened, event_time), (came, ingested_at)):
                if value is not None:
                    family.add_metric([source], value)
        kept = GaugeMetricFamily("perunit_quarantined_rows", "Rows that wait in quarantine.", labels=["source", "kind"])
        for source, kind, rows in waiting:
            kept.add_metric([source, kind], rows)
        yield from (happened, came, kept)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing beforehand, so that registering reads nothing."""
        return iter(())
