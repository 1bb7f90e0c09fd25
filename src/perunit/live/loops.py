"""The loops of a running perunit: what fetches or listens by itself beside the HTTP doors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from perunit.live import (
    expiry,
    freshness,
    kafka,
    otlp_grpc,
    remote_writer,
    scraper,
    stripe_release,
    trace_release,
    watch,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from perunit.live.service import Service

__all__ = ["LOOPS", "Loop", "running"]


class Loop(Protocol):
    """Something that runs between `start` and `stop`, both of which return soon."""

    def start(self) -> None:
        """Begins; raises PerunitError where it cannot."""
        ...

    def stop(self) -> None:
        """Ends: nothing is submitted any more when it has returned."""
        ...


# Each makes the loops that a service's contract and settings ask for.
LOOPS: tuple[Callable[[Service], tuple[Loop, ...]], ...] = (
    kafka.loops,
    otlp_grpc.loops,
    trace_release.loops,
    scraper.loops,
    freshness.loops,
    remote_writer.loops,
    stripe_release.loops,
    watch.loops,
    expiry.loops,
)


@contextmanager
def running(service: Service) -> Iterator[None]:
    """Within it every loop of the service runs; those that were started are stopped, whatever happens."""
    started: list[Loop] = []
    try:
        for loop in (loop for make in LOOPS for loop in make(service)):
            loop.start()
            started.append(loop)
        yield
    finally:
        for loop in reversed(started):
            loop.stop()
