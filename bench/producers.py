"""What instrumentation costs the service it is in. Leaves: a table, and as its last line JSON.

    python -m bench.producers [--events 20000]

Times of `emit` are of single calls, in a process whose sending thread works against a server that counts and keeps
nothing, so they include the time that thread takes away. Each figure is the median of three runs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import TracerProvider

from perunit.client import Events, Limits
from perunit.otel import ConsistentSampler, CriticalSampler, UnitSpanProcessor, unit

if TYPE_CHECKING:
    from collections.abc import Callable

_ROUNDS = 3
_SPANS = 20_000


class Counting(BaseHTTPRequestHandler):
    """Says that it has everything."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Reads the body and answers with nothing but 204."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def serve() -> None:
    """The server, in a process of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    print(server.server_address[1], flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown())).start()
    server.serve_forever()


def emitted(url: str, count: int, spooled: bool, fsync: Any) -> dict[str, float]:
    """Microseconds of one `emit`, and events per second until the server has the last one."""
    limits = Limits(fsync=fsync, when_full="block", block_seconds=60)
    data = {"order_id": "o-123456", "user_id": "u-12345", "plan": "pro", "region": "eu", "total": Decimal("12.30")}
    with tempfile.TemporaryDirectory() as folder:
        events = Events(url, "/bench", spool=folder if spooled else None, limits=limits)
        times, started = [], time.perf_counter()
        for _ in range(count):
            before = time.perf_counter()
            events.emit("order.completed", data)
            times.append(time.perf_counter() - before)
        assert events.flush(120)
        seconds = time.perf_counter() - started
        events.close()
    cuts = statistics.quantiles(times, n=1000)
    micro = {"p50_us": cuts[499] * 1e6, "p99_us": cuts[989] * 1e6, "p999_us": cuts[998] * 1e6}
    return {"mean_us": statistics.mean(times) * 1e6, **micro, "events_per_s": count / seconds}


def spans(provider: TracerProvider, *, within: bool) -> dict[str, float]:
    """Microseconds of one span, started and ended, within a `unit` of its own or without."""
    tracer = provider.get_tracer("bench")
    started = time.perf_counter()
    for number in range(_SPANS):
        if within:
            with unit(order=number, user="u-1", segments={"plan": "pro"}):
                tracer.start_span("work").end()
        else:
            tracer.start_span("work").end()
    return {"mean_us": (time.perf_counter() - started) / _SPANS * 1e6}


def with_units(sampler: Any = None) -> TracerProvider:
    """A provider with the processor, and without an exporter."""
    provider = TracerProvider(sampler=sampler)
    provider.add_span_processor(UnitSpanProcessor())
    return provider


def median(measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    runs = [measure() for _ in range(_ROUNDS)]
    return {name: round(statistics.median(run[name] for run in runs), 1) for name in runs[0]}


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve()
        return
    critical = CriticalSampler({"segment.plan": {"enterprise"}}, ConsistentSampler(0.1))
    found: dict[str, dict[str, float]] = {}
    with Popen([sys.executable, "-m", "bench.producers", "--serve"], stdin=PIPE, stdout=PIPE, text=True) as server:
        assert server.stdin
        assert server.stdout
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        for name, spooled, fsync in (
            ("memory", False, "never"),
            ("spool", True, "second"),
            ("spool, no fsync", True, "never"),
        ):
            found[f"emit, {name}"] = median(lambda s=spooled, f=fsync: emitted(url, chosen.events, s, f))
        found["emit, spool, fsync always"] = median(lambda: emitted(url, max(100, chosen.events // 20), True, "always"))
        server.stdin.close()
    found["span, plain SDK"] = median(lambda: spans(TracerProvider(), within=False))
    found["span, UnitSpanProcessor"] = median(lambda: spans(with_units(), within=False))
    found["span in unit(…), UnitSpanProcessor"] = median(lambda: spans(with_units(), within=True))
    found["span in unit(…), a tenth sampled"] = median(lambda: spans(with_units(critical), within=True))
    for name, figures in found.items():
        print(f"{name:<36}", "  ".join(f"{key} {value:,}" for key, value in figures.items()))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
