"""perunit's measurements of itself. Enters: what happens to arrivals. Leaves: metrics in a registry of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

if TYPE_CHECKING:
    from perunit.facts.arrivals import Arrival, Outcome

__all__ = ["Meters"]

_ROWS = ("accepted", "duplicate", "conflict", "rejected", "ignored")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Meters:
    """The metrics of one process, in a `registry` that no other shares; loops and doors add their own to it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("source", "door")
        self.rows = Counter(
            "perunit_rows", "Rows that came through doors, by what became of them.", (*labels, "outcome"),
            registry=self.registry,
        )  # fmt: skip
        self.orphans = Counter(
            "perunit_orphans", "Accepted events without a key they should carry.", labels, registry=self.registry
        )
        self.late = Counter("perunit_late", "Accepted events that came late.", labels, registry=self.registry)
        self.unmatched = Counter(
            "perunit_unmatched_rows", "Rows that came through a door and are none of any source's.", ("door", "kind"),
            registry=self.registry,
        )  # fmt: skip
        self.groups = Counter("perunit_groups", "Groups of arrivals committed.", labels, registry=self.registry)
        self.refused = Counter(
            "perunit_overloads", "Arrivals turned away because too much was waiting.", registry=self.registry
        )
        self.waiting_rows = Gauge("perunit_waiting_rows", "Rows that wait for the writer.", registry=self.registry)
        self.waiting_bytes = Gauge("perunit_waiting_bytes", "Bytes that wait for the writer.", registry=self.registry)
        self.acknowledged = Histogram(
            "perunit_acknowledgement_seconds", "From an arrival's coming to its commit.",
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.summed = Histogram(
            "perunit_summing_seconds", "From a group's commit until its sums can be queried.",
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip

    def committed(self, arrival: Arrival, outcome: Outcome) -> None:
        """Counts what became of an arrival."""
        for name in _ROWS:
            self.rows.labels(arrival.source, arrival.door, name).inc(getattr(outcome, name))
        self.orphans.labels(arrival.source, arrival.door).inc(outcome.orphan)
        self.late.labels(arrival.source, arrival.door).inc(outcome.late)
