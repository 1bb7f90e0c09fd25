"""OTLP's way into the store, whichever transport a request came by. Enters: rows of a request. Leaves: what became of
them, once they are committed, as the protocol's partial success says it.

Every source of the contract whose format is the request's kind sees all of its rows. Rows that are no source's are not
an error of the sender: they are counted, and logged once a kind.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perunit.facts.arrivals import Arrival

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    import pyarrow as pa
    from google.protobuf.message import Message

    from perunit.contract.shape import Source
    from perunit.facts.arrivals import Outcome
    from perunit.facts.doors.otlp import Signal
    from perunit.live.service import Service

__all__ = ["OtlpDoor", "Verdict"]

_ELEMENTS = {"traces": "span", "metrics": "data point", "logs": "log record"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many elements were refused, and why the first was; 0 and nothing where all were taken."""

    rejected: int = 0
    message: str = ""

    def response(self, signal: Signal) -> Message:
        """The protocol's answer; without a partial success where all were taken, as it wants."""
        made = signal.response()
        if self.rejected:
            setattr(made.partial_success, signal.rejected, self.rejected)  # type: ignore[attr-defined]
            made.partial_success.error_message = self.message  # type: ignore[attr-defined]
        return made


class OtlpDoor:
    """Hands requests to the intake; `name` is how they are told apart by the way they came."""

    def __init__(self, service: Service, name: str) -> None:
        self._service, self._name = service, name
        self._noticed: set[str] = set()

    def submit(self, signal: Signal, rows: pa.Table) -> list[Future[Outcome]]:
        """An arrival for each source of the request's kind; none where the contract has none.

        Raises what the intake raises where it cannot take more. What an earlier source took then stays, and is a
        duplicate when the request is sent again.
        """
        if not rows.num_rows:
            return []
        sources = [name for name, each in self._sources() if each.format == signal.format]
        if not sources:
            self._notice(signal, rows.num_rows)
        producer = _producer(rows)
        return [self._service.intake.submit(Arrival(name, rows, self._name, producer)) for name in sources]

    def _sources(self) -> Iterable[tuple[str, Source]]:
        return self._service.intake.project.contract.sources.items()

    def verdict(self, signal: Signal, rows: pa.Table, outcomes: Iterable[Outcome]) -> Verdict:
        """What became of the rows over all sources that saw them."""
        found = list(outcomes)
        if found:
            self._notice(signal, max(0, rows.num_rows - sum(each.received for each in found)))
        rejected = min(rows.num_rows, sum(each.rejected + each.conflict for each in found))
        first = next((problem for each in found for problem in each.problems), None)
        if not rejected or first is None:
            return Verdict(rejected)
        element = _ELEMENTS[signal.name]
        message = (
            f"{element} {first.position}: {first.place}: got {first.got!r}, {first.expected} (rule {first.rule!r}); "
            f"refused ones of this request wait in quarantine: {rejected}"
        )
        return Verdict(rejected, message)

    def _notice(self, signal: Signal, rows: int) -> None:
        """Counts rows that no source took, and says so once."""
        if not rows:
            return
        self._service.meters.unmatched.labels(self._name, signal.name).inc(rows)
        if signal.name not in self._noticed:
            self._noticed.add(signal.name)
            _log.warning(
                "%s came that are no source's: none in perunit.yaml has format %s and a match that takes them; "
                "they are counted in perunit_unmatched_rows_total and not kept",
                signal.name,
                signal.format,
            )


def _producer(rows: pa.Table) -> str | None:
    """The service the rows are of, where it is one; a collector sends those of many."""
    services = rows["service"].unique()
    return services[0].as_py() if len(services) == 1 else None
