"""Lets rows of Stripe's through that wait no longer. Enters: the clock. Leaves: arrivals of no rows, with which they
come in: because their time is up, or because a file told of the charge they wait for.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from perunit.contract.stripe import STRIPE
from perunit.facts.arrivals import Arrival
from perunit.facts.doors.formats import schema_of
from perunit.facts.stripe_links import links_of
from perunit.live.repeating import Repeating

if TYPE_CHECKING:
    from perunit.live.service import Service

__all__ = ["StripeRelease", "loops"]

_EVERY_SECONDS = 15.0
_FAILED = "rows that wait no longer could not be let through"
_log = logging.getLogger(__name__)


class StripeRelease(Repeating):
    """A loop; what waits stays in the store when it ends."""

    def __init__(self, service: Service, every_seconds: float = _EVERY_SECONDS) -> None:
        super().__init__(self._release, every_seconds, name="stripe-release", log=_log, failed=_FAILED)
        self._service = service
        self._waiting = Gauge(
            "perunit_waiting_stripe_rows", "Rows of Stripe's that wait for the charge they follow.", ("source",),
            registry=service.meters.registry,
        )  # fmt: skip

    def _release(self) -> None:
        intake, now = self._service.intake, self._service.clock()
        contract = intake.project.contract
        for links in filter(None, [links_of(name, contract) for name in contract.sources]):
            waiting, due = intake.run(lambda engine, links=links: links.due(engine, now)).result()  # type: ignore[misc]
            self._waiting.labels(links.source).set(waiting)
            if due:
                intake.submit(Arrival(links.source, schema_of(STRIPE).empty_table(), "stripe-release")).result()


def loops(service: Service) -> tuple[StripeRelease, ...]:
    """The loop, whatever the contract says: it may come to name Stripe while perunit runs."""
    return (StripeRelease(service),)
