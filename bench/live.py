"""Events per second as they come live: through the intake alone, and over HTTP into `perunit serve`.

Enters: how many events of the simulated company. Leaves: JSON of events per second, how long an acknowledgement
took, how long until sums could be queried, memory, and the ratio to bare DuckDB that commits the same lines in as many
transactions. Client and server share the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import urllib3

from bench.company import prepared
from bench.measure import ROOT, percentile
from perunit.facts.arrivals import Arrival
from perunit.live.intake import Intake
from perunit.wiring import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from perunit.engine.duckdb import Engine

_POLL_SECONDS = 0.01
_BYTES_PER_MB = 1_000_000


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.live", description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--batch", type=int, default=500, help="events a request")
    parser.add_argument("--senders", type=int, default=16, help="requests under way at once")
    parser.add_argument("--rate", type=int, default=20_000, help="events per second while the lag of sums is measured")
    parser.add_argument("--lag-seconds", type=float, default=10.0, help="for how long it is measured")
    return parser.parse_args(arguments)


def _batches(directory: Path, options: argparse.Namespace) -> list[list[str]]:
    """The company's lines as they come, in batches."""
    batches: list[list[str]] = []
    for path in sorted((directory / "events").iterdir()):
        with path.open(encoding="utf-8") as file:
            while batch := [line.rstrip("\n") for line in islice(file, options.batch)]:
                batches.append(batch)
    return batches[: options.events // options.batch]


def _table(lines: list[str]) -> pa.Table:
    return pa.table({"position": pa.array(range(len(lines)), pa.int64()), "line": pa.array(lines, pa.string())})


def bare(batches: list[list[str]], folder: Path) -> float:
    """Lines a second that DuckDB alone commits, a transaction a batch."""
    connection = duckdb.connect(str(folder / "bare.duckdb"))
    connection.execute("CREATE TABLE lines (position BIGINT, line VARCHAR)")
    began = time.perf_counter()
    for lines in batches:
        connection.register("came", _table(lines))
        connection.execute("INSERT INTO lines FROM came")
    seconds = time.perf_counter() - began
    connection.close()
    return sum(map(len, batches)) / seconds


def through_intake(directory: Path, batches: list[list[str]], options: argparse.Namespace) -> dict[str, Any]:
    """All but the last batches at once, then the rest at a steady rate with the lag of their sums."""
    paced = min(len(batches) // 2, int(options.rate * options.lag_seconds / options.batch))
    with opened(directory, purpose="bench") as project:
        intake = Intake(project.project, project.engine, project.clock)

        def send(lines: list[str]) -> int:
            return intake.submit(Arrival("cloudevents", _table(lines), "bench")).result().batch_id

        began = time.process_time()
        found = sent(send, batches[: len(batches) - paced], options)
        found["cpu_us_per_event"] = round((time.process_time() - began) / found.pop("events") * 1e6, 1)
        with closing(project.engine.sibling()) as reader:
            found["lag"] = lagging(send, batches[len(batches) - paced :], options, reader)
        intake.close()
        found["facts"] = project.engine.value("SELECT sum(received) FROM batches")
    found["peak_rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _BYTES_PER_MB)
    return found


def sent(send: Callable[[Any], object], bodies: list[Any], options: argparse.Namespace) -> dict[str, Any]:
    """Sends all, some at once; events a second from the first to the last acknowledgement, and how long each took."""
    waits: list[float] = []

    def one(body: Any) -> None:
        began = time.perf_counter()
        send(body)
        waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    with ThreadPoolExecutor(options.senders) as senders:
        list(senders.map(one, bodies))
    events = len(bodies) * options.batch
    return {
        "events": events,
        "events_per_s": round(events / (time.perf_counter() - began)),
        "p50_ms": round(percentile(waits, 50) * 1000, 1),
        "p99_ms": round(percentile(waits, 99) * 1000, 1),
    }


def lagging(
    send: Callable[[list[str]], int], batches: list[list[str]], options: argparse.Namespace, reader: Engine
) -> dict[str, Any]:
    """Sends at a steady rate; from an event's sending until another connection sees it in the sums."""
    sent_at: dict[int, float] = {}
    lags: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set() or sent_at:
            summed = int(reader.value("SELECT value FROM store_state WHERE key = 'summed'"))
            now = time.perf_counter()
            lags.extend(now - sent_at.pop(batch) for batch in [each for each in list(sent_at) if each <= summed])
            time.sleep(_POLL_SECONDS)

    def one(lines: list[str], began: float) -> None:
        batch = send(lines)
        sent_at[batch] = min(began, sent_at.get(batch, began))

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    with ThreadPoolExecutor(options.senders) as senders:
        for number, lines in enumerate(batches):
            due = began + number * options.batch / options.rate
            time.sleep(max(0.0, due - time.perf_counter()))
            senders.submit(one, lines, due)
    seconds = time.perf_counter() - began
    done.set()
    watcher.join()
    return {
        "events_per_s": round(len(batches) * options.batch / seconds),
        "p50_ms": round(percentile(lags, 50) * 1000, 1),
        "p99_ms": round(percentile(lags, 99) * 1000, 1),
    }


@contextmanager
def _served(directory: Path, senders: int) -> Iterator[tuple[urllib3.HTTPConnectionPool, int]]:
    """`perunit serve` on a free port: connections to it, and its process."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "perunit.faces.cli.main", "-C", str(directory), "--json", "serve", "--port", "0"]
    with (directory / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, cwd=ROOT)
        try:
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["address"]
            host, port = address.removeprefix("http://").split(":")
            with urllib3.HTTPConnectionPool(host, int(port), maxsize=senders) as pool:
                pool.request("GET", "/readyz", retries=urllib3.Retry(connect=50, backoff_factor=0.05))
                yield pool, server.pid
        finally:
            server.terminate()
            server.communicate(timeout=60)


def over_http(directory: Path, batches: list[list[str]], options: argparse.Namespace) -> dict[str, Any]:
    """The same lines as requests of NDJSON, from this process to the server's."""
    bodies = ["\n".join(lines).encode() for lines in batches]
    with _served(directory, options.senders) as (pool, pid):

        def send(body: bytes) -> None:
            answer = pool.request("POST", "/v1/events", body=body, headers={"content-type": "application/x-ndjson"})
            if answer.status not in {200, 202}:
                raise RuntimeError(f"{answer.status}: {answer.data[:300]!r}")

        found = sent(send, bodies, options)
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        found["peak_rss_mb"] = round(int(peak.split()[1]) * 1024 / _BYTES_PER_MB)
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        found["server_cpu_us_per_event"] = round(used / found.pop("events") * 1e6, 1)
    return found


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """All figures, each part on a copy of the company's project."""
    options = _options(arguments)
    company = prepared(options.events).directory
    batches = _batches(company, options)
    found: dict[str, Any] = {"events": sum(map(len, batches)), "batch": options.batch, "senders": options.senders}
    parts: dict[str, Callable[[Path], Any]] = {
        "intake": lambda folder: through_intake(folder, batches, options),
        "http": lambda folder: over_http(folder, batches, options),
    }
    with tempfile.TemporaryDirectory() as folder:
        found["bare_events_per_s"] = round(bare(batches, Path(folder)))
        for name, measure in parts.items():
            copy = copytree(company, Path(folder, name), ignore=ignore_patterns("events", "data"))
            found[name] = measure(copy)
            found[name]["of_bare"] = round(found[name]["events_per_s"] / found["bare_events_per_s"], 3)
    return found


if __name__ == "__main__":
    print(json.dumps(main(), indent=1))
