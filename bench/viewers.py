"""What fifty viewers of dashboards do to ingest, and ingest to them.

    python -m bench.viewers --viewers 50 --seconds 30

Enters: a simulated company, served with the first half of its events. Leaves: a line to read, and as the last one JSON:
events per second that are taken in without and with viewers, and how long viewers wait for a dashboard. Senders, server
and viewers share the machine; viewers are a process of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import urllib3

from bench.api import _END, Asker
from bench.company import WORK, prepared
from bench.dashboards import dashboards
from bench.measure import ROOT, percentile, run
from bench.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_SENDERS = 4
_SETTLING_SECONDS = 5.0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.viewers", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N", help="events of the company (1,000,000)")
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=30.0, help="for how long each is measured")
    parser.add_argument("--pause", type=float, default=2.0, help="how long a viewer looks before asking again")
    parser.add_argument(
        "--rate", type=int, default=2_000, help="events per second that senders send; 0 for all they can"
    )
    parser.add_argument("--batch", type=int, default=200, help="events a request")
    parser.add_argument("--watch", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _batches(files: list[Path], size: int) -> Iterator[bytes]:
    for path in files:
        with path.open("rb") as file:
            while batch := list(islice(file, size)):
                yield b"".join(batch)


class Senders:
    """Sends batches at a rate, some at once, and counts what was acknowledged."""

    def __init__(self, pool: urllib3.HTTPConnectionPool, batches: Iterator[bytes], options: argparse.Namespace) -> None:
        self._pool, self._batches, self._options = pool, batches, options
        self._lock = threading.Lock()
        self.acknowledged, self.ran_out = 0, False
        self.waits: list[float] = []

    def send_for(self, seconds: float) -> float:
        """Events per second that were acknowledged."""
        self.waits.clear()
        before, began = self.acknowledged, time.perf_counter()
        threads = [threading.Thread(target=self._send, args=(began + seconds,)) for _ in range(_SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (self.acknowledged - before) / (time.perf_counter() - began)

    def _send(self, until: float) -> None:
        pause = self._options.batch * _SENDERS / self._options.rate if self._options.rate else 0.0
        due = time.perf_counter()
        while time.perf_counter() < until:
            with self._lock:
                body = next(self._batches, None)
            if body is None:
                self.ran_out = True
                return
            began = time.perf_counter()
            answer = self._pool.request(
                "POST", "/v1/events", body=body, headers={"content-type": "application/x-ndjson"}
            )
            if answer.status not in {200, 202}:
                raise RuntimeError(f"{answer.status}: {answer.data[:300]!r}")
            with self._lock:
                self.waits.append(time.perf_counter() - began)
                self.acknowledged += self._options.batch
            due += pause
            time.sleep(max(0.0, due - time.perf_counter()))


def watch(address: str, options: argparse.Namespace) -> dict[str, Any]:
    """The viewers: each asks for one dashboard again and again, as its page does."""
    host, port = address.split(":")
    bodies = list(dashboards(_END).values())
    # The first answers of all are cold; what is measured is how it goes on.
    settled = time.perf_counter() + min(_SETTLING_SECONDS, options.seconds / 3)
    until, waits, first = time.perf_counter() + options.seconds, list[float](), list[float]()
    with urllib3.HTTPConnectionPool(host, int(port), maxsize=options.viewers, timeout=60) as pool:

        def look(number: int) -> None:
            asker = Asker(pool)
            time.sleep(random.Random(number).random() * options.pause)
            while time.perf_counter() < until:
                took, _ = asker.post(bodies[number % len(bodies)])
                (waits if time.perf_counter() > settled else first).append(took)
                time.sleep(options.pause)

        threads = [threading.Thread(target=look, args=(number,)) for number in range(options.viewers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return {
        "answers": len(waits),
        "first_max_ms": round(max(first, default=0.0), 1),
        **{f"p{share}_ms": round(percentile(waits, share), 1) for share in (50, 95, 99)},
    }


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """All figures."""
    options = _options(arguments)
    if options.watch:
        return watch(options.watch, options)
    company = prepared(options.events)
    project = company.project_at(WORK / f"viewers-{options.events}")
    files = company.events
    half = max(1, len(files) // 2)
    perunit = [sys.executable, "-m", "perunit.faces.cli.main", "-C", str(project), "--json"]
    try:
        run([*perunit, "ingest", *map(str, files[:half])])
        with served(project, _SENDERS) as pool:
            senders = Senders(pool, _batches(files[half:], options.batch), options)
            senders.send_for(min(2.0, options.seconds))
            alone = senders.send_for(options.seconds)
            alone_p99 = percentile(senders.waits, 99)
            viewers = _viewers(pool, options)
            beside = senders.send_for(options.seconds)
            seen = json.loads(viewers.communicate(timeout=options.seconds * 4 + 60)[0])
            return {
                "events": options.events,
                "viewers": options.viewers,
                "ingest_alone_per_s": round(alone),
                "ingest_beside_per_s": round(beside),
                "ingest_ratio": round(beside / alone, 3),
                "acknowledged_p99_ms": {
                    "alone": round(alone_p99 * 1000, 1), "beside": round(percentile(senders.waits, 99) * 1000, 1)
                },
                "ran_out": senders.ran_out,
                "viewing": seen,
            }  # fmt: skip
    finally:
        shutil.rmtree(project, ignore_errors=True)


def _viewers(pool: urllib3.HTTPConnectionPool, options: argparse.Namespace) -> subprocess.Popen[str]:
    words = ["--viewers", options.viewers, "--seconds", options.seconds, "--pause", options.pause]
    command = [sys.executable, "-m", "bench.viewers", "--watch", f"{pool.host}:{pool.port}", *map(str, words)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)


if __name__ == "__main__":
    figures = main()
    if "viewing" in figures:
        print(
            f"{figures['viewers']} viewers: p95 {figures['viewing']['p95_ms']} ms; ingest {figures['ingest_ratio']:.0%}"
        )
    print(json.dumps(figures))
