"""Asks exporters for their samples at an interval. Enters: the contract's `scrape`. Leaves: arrivals, and meters.

A scrape that fails, or finds the intake full, is let go: counters are counted from their last sample on, so the next
one has it all. Targets are asked at different moments of their interval, each always at its own.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prometheus_client import Counter, Gauge, Histogram

from perunit.contract.prometheus_check import seconds_of
from perunit.facts.doors.exposition import read_exposition
from perunit.live.calls import Caller, CallError
from perunit.live.intake import ClosedError
from perunit.live.prometheus import PrometheusDoor
from perunit.model.errors import PerunitError

if TYPE_CHECKING:
    from perunit.contract.shape import Scrape
    from perunit.live.meters import Meters
    from perunit.live.service import Service

__all__ = ["Scraper", "Target", "instance_of", "loops"]

_ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_OK = 200
_STOP_SECONDS = 5.0
_log = logging.getLogger(__name__)


def instance_of(url: str) -> str:
    """The `instance` label of a target, as Prometheus makes it: its host and port.

    >>> instance_of("https://node-1/metrics"), instance_of("http://[::1]:9100/metrics")
    ('node-1:443', '[::1]:9100')
    """
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    return f"{host}:{parts.port or {'http': 80, 'https': 443}[parts.scheme]}"


class ScrapeMeters:
    """What is measured of every target."""

    def __init__(self, meters: Meters) -> None:
        labels, registry = ("job", "instance"), meters.registry
        self.up = Gauge("perunit_scrape_up", "1 where the last scrape was taken in.", labels, registry=registry)
        self.seconds = Histogram("perunit_scrape_seconds", "How long scrapes took.", labels, registry=registry)
        self.samples = Gauge("perunit_scrape_samples", "Samples of the last scrape.", labels, registry=registry)
        self.failures = Counter("perunit_scrape_failures", "Scrapes that failed.", labels, registry=registry)


class Target:
    """One exporter of one job."""

    def __init__(self, service: Service, job: str, scrape: Scrape, url: str, meters: ScrapeMeters) -> None:
        self._service, self._scrape, self._url = service, scrape, url
        self._instance = instance_of(url)
        self._labels = {**scrape.labels, "job": job, "instance": self._instance}
        self._door = PrometheusDoor(service, "scrape")
        self._caller = Caller(scrape, service.project.root)
        self._named = (job, self._instance)
        self._meters = meters
        self._failing = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"perunit-scrape-{job}-{self._instance}", daemon=True)

    def start(self) -> None:
        """Begins to ask."""
        self._thread.start()

    def end(self) -> None:
        """Has it ask no more, without waiting for an answer that is on its way."""
        self._ending.set()

    def join(self) -> None:
        """Returns when it asks no more, or soon: an answer that still comes is not taken in any more."""
        self._thread.join(_STOP_SECONDS)
        self._caller.close()

    def scrape(self) -> int:
        """Asks once and returns how many samples were taken in; raises PerunitError where none were."""
        at = (self._service.clock() - _EPOCH) // _MICROSECOND
        seconds = seconds_of(self._scrape.timeout)
        headers = {"Accept": _ACCEPT, "Accept-Encoding": "gzip", "X-Prometheus-Scrape-Timeout-Seconds": str(seconds)}
        answer = self._caller.call(
            "GET", self._url, seconds_max=seconds, bytes_max=self._scrape.bytes_max, headers=headers
        )
        if self._ending.is_set():
            raise ClosedError
        if answer.status != _OK:
            raise CallError(f"{self._url}: answers {answer.status}, must be {_OK}; see the exporter's log")
        content_type = answer.headers.get("content-type", "")
        hides = bool(self._service.project.contract.privacy.pseudonymize)
        rows = read_exposition(answer.body, at, content_type=content_type, target=self._labels, hides=hides)
        outcomes = [each.result() for each in self._door.submit(rows, self._instance)]
        self._door.judge(rows, outcomes)
        return len(rows)

    def _run(self) -> None:
        while not self._ending.wait(self._seconds_to_wait()):
            with self._meters.seconds.labels(*self._named).time():
                try:
                    self._came(self.scrape())
                except ClosedError:
                    return
                except PerunitError as error:
                    self._failed(error)
                except Exception as error:  # noqa: BLE001 - logged whole
                    # The loop must go on: one target's trouble is nobody else's.
                    _log.exception("scrape of %s failed by a bug", self._url)
                    self._failed(error)

    def _seconds_to_wait(self) -> float:
        """Until this target's moment of the interval, which its name decides."""
        every = seconds_of(self._scrape.every)
        digest = blake2b(f"{self._named}{self._url}".encode(), digest_size=4).digest()
        moment = int.from_bytes(digest, "big") / 2**32 * every
        return every - (self._service.clock().timestamp() - moment) % every

    def _came(self, samples: int) -> None:
        self._meters.up.labels(*self._named).set(1)
        self._meters.samples.labels(*self._named).set(samples)
        if self._failing:
            _log.info("scrape of %s works again", self._url)
        self._failing = False

    def _failed(self, error: Exception) -> None:
        """Counts every failure, and logs the first of a row."""
        self._meters.up.labels(*self._named).set(0)
        self._meters.samples.labels(*self._named).set(0)
        self._meters.failures.labels(*self._named).inc()
        if not self._failing:
            _log.warning("scrape of %s failed: %s", self._url, error)
        self._failing = True


class Scraper:
    """The loop of all targets."""

    def __init__(self, service: Service) -> None:
        meters = ScrapeMeters(service.meters)
        jobs = service.project.contract.scrape.items()
        self._targets = [Target(service, job, scrape, url, meters) for job, scrape in jobs for url in scrape.url]

    def start(self) -> None:
        """Begins to ask every target at its moment."""
        for target in self._targets:
            target.start()

    def stop(self) -> None:
        """Ends; answers that are on their way are waited for a little, and not taken in after it."""
        for target in self._targets:
            target.end()
        for target in self._targets:
            target.join()


def loops(service: Service) -> tuple[Scraper, ...]:
    """The loop, where the contract asks for it."""
    return (Scraper(service),) if service.project.contract.scrape else ()
