"""What is noted of arrivals beside their rows, after they were acknowledged: the fields that producers send.

Enters: arrivals that were committed. Leaves: counts in `fields_seen`, from a sample of each source and producer every
few seconds; and rows of `deliveries` made one where their hour is over.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from perunit.facts.deliveries import compact_deliveries
from perunit.facts.fields import keep_fields, sample_of
from perunit.live.intake import ClosedError
from perunit.model.errors import PerunitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from perunit.engine.duckdb import Engine
    from perunit.facts.arrivals import Arrival
    from perunit.live.service import Service

__all__ = ["Watch", "loops"]

_EVERY_SECONDS = 5.0
# Sources and producers of which samples are held between two writes.
_SAMPLES_MAX = 200
_log = logging.getLogger(__name__)


class Watch:
    """A loop with `start` and `stop`; the intake shows it what it commits."""

    def __init__(self, service: Service, every_seconds: float = _EVERY_SECONDS) -> None:
        self._service, self._every = service, every_seconds
        self._samples: dict[tuple[str, str | None], pa.Table] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="perunit-watch", daemon=True)

    def start(self) -> None:
        """Begins to be shown what is committed."""
        self._service.intake.observers.append(self.see)
        self._thread.start()

    def stop(self) -> None:
        """Writes what it has seen, and ends."""
        self._service.intake.observers.remove(self.see)
        self._ending.set()
        self._thread.join()
        self._try_write()

    def see(self, arrivals: Sequence[Arrival]) -> None:
        """Samples the first arrival of each source and producer since the last write; on the writer."""
        for arrival in arrivals:
            key = (arrival.source, arrival.producer or arrival.door)
            if arrival.rows.num_rows and key not in self._samples and len(self._samples) < _SAMPLES_MAX:
                self._samples[key] = sample_of(arrival.rows)

    def _run(self) -> None:
        while not self._ending.wait(self._every):
            self._try_write()

    def _try_write(self) -> None:
        try:
            self._service.intake.run(self._write).result()
        except ClosedError:
            return
        except PerunitError:
            _log.warning("what fields came could not be noted; trying again", exc_info=True)

    def _write(self, engine: Engine) -> None:
        """On the writer, as `see` is, so that no sample is lost between the two."""
        samples, self._samples = self._samples, {}
        now = self._service.clock()
        if samples:
            with engine.transaction():
                for (source, producer), sample in samples.items():
                    keep_fields(engine, source, sample, producer, now)
        compact_deliveries(engine, now)


def loops(service: Service) -> tuple[Watch, ...]:
    """The loop, whatever the contract says."""
    return (Watch(service),)
