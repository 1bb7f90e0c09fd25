"""Prometheus' way into the store, scraped or written. Enters: samples. Leaves: an arrival for each source of theirs.

Every source sees all samples and its `match` says which are its own. A Prometheus sends all that it has, so samples of
no source are no error; they are counted, and logged once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from perunit.facts.arrivals import Arrival

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    import pyarrow as pa

    from perunit.facts.arrivals import Outcome
    from perunit.live.service import Service

__all__ = ["PrometheusDoor"]

_FORMAT = "prometheus"
_log = logging.getLogger(__name__)


class PrometheusDoor:
    """Hands samples to the intake; `name` is how they are told apart by the way they came."""

    def __init__(self, service: Service, name: str) -> None:
        self._service, self._name = service, name
        self._noticed = False

    def submit(self, rows: pa.Table, producer: str | None = None) -> list[Future[Outcome]]:
        """An arrival for each source of the format; none where the contract has none.

        Raises what the intake raises where it cannot take more. What an earlier source took then stays, and is a
        duplicate when the same samples are sent again.
        """
        if not rows.num_rows:
            return []
        contract = self._service.intake.project.contract
        sources = [name for name, each in contract.sources.items() if each.format == _FORMAT]
        if not sources:
            self.notice(rows.num_rows)
        return [self._service.intake.submit(Arrival(name, rows, self._name, producer)) for name in sources]

    def judge(self, rows: pa.Table, outcomes: Iterable[Outcome]) -> None:
        """Counts samples that were of no source once all of them have answered."""
        found = list(outcomes)
        if found:
            self.notice(max(0, rows.num_rows - sum(each.received for each in found)))

    def notice(self, rows: int) -> None:
        """Counts rows that no source took, and says so once."""
        if not rows:
            return
        self._service.meters.unmatched.labels(self._name, _FORMAT).inc(rows)
        if not self._noticed:
            self._noticed = True
            _log.info(
                "samples came that are no source's: none in perunit.yaml has format prometheus and a match that takes "
                "them; they are counted in perunit_unmatched_rows_total and not kept"
            )
