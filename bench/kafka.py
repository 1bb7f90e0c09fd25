"""Messages per second from a broker to committed: CloudEvents in four partitions, read by `perunit serve`.

Enters: how many messages. Leaves: one line of JSON: messages per second, megabytes per second, how long until the
first ones were committed, and the server's peak memory. The broker is noida-db on the same machine, so its share of the
processors is counted in.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import urllib3
from tests.live.broker import Broker, running

from bench.measure import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PARTITIONS = 4
_CONTRACT = """\
version: 1
currency: USD
units:
  order: {{owner: shop, key: order_id, segments: [plan, region]}}
events:
  order.completed:
    {{unit: order, outcome: success, amounts: {{revenue: data.total}}, usage: {{cpu_seconds: data.cpu_seconds}}}}
meters: {{cpu_seconds: {{unit: s, priced: false}}}}
kafka:
  bench: {{brokers: {address}, topics: bench, group: bench, format: cloudevents}}
"""


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Fills a topic, then reads all of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.kafka", description=__doc__)
    parser.add_argument("--messages", type=int, default=500_000)
    count = parser.parse_args(arguments).messages
    with tempfile.TemporaryDirectory(prefix="perunit-bench-") as folder, running(Path(folder) / "broker") as broker:
        sent_bytes = _fill(broker, count)
        project = Path(folder) / "project"
        project.mkdir()
        (project / "perunit.yaml").write_text(_CONTRACT.format(address=broker.address), encoding="utf-8")
        with _served(project) as (address, pid):
            first = _reached(address, 1)
            began = time.perf_counter()
            at_first = _committed(address)
            _reached(address, count)
            seconds = time.perf_counter() - began
            peak = _peak_mb(pid)
    rest = count - at_first
    return {
        "messages": count,
        "message_bytes": round(sent_bytes / count),
        "first_committed_s": round(first, 2),
        "messages_per_s": round(rest / seconds) if rest else 0,
        "mb_per_s": round(sent_bytes * rest / count / seconds / 1e6, 1) if rest else 0.0,
        "peak_rss_mb": peak,
    }


def _fill(broker: Broker, count: int) -> int:
    """Sends the messages; their bytes in all."""
    broker.make("bench", _PARTITIONS)
    total = 0
    for number in range(_PARTITIONS):
        values = [_event(each) for each in range(number, count, _PARTITIONS)]
        total += sum(map(len, values))
        broker.send("bench", values, partition=number)
    return total


def _event(number: int) -> str:
    data = {
        "order_id": f"order-{number}",
        "plan": ("free", "pro", "team")[number % 3],
        "region": ("eu", "us")[number % 2],
        "total": f"{number % 10_000 / 100:.2f}",
        "cpu_seconds": f"0.{number % 1000:03}",
    }
    minute, hour, day = number // 60 % 60, number // 3_600 % 24, 1 + number // 86_400 % 28
    return json.dumps({
        "specversion": "1.0", "id": f"event-{number}", "source": "/shop", "type": "order.completed",
        "time": f"2026-09-{day:02}T{hour:02}:{minute:02}:{number % 60:02}Z", "data": data,
    })  # fmt: skip


@contextmanager
def _served(project: Path) -> Iterator[tuple[str, int]]:
    """`perunit serve` on the project; its address and its process."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    words = ["-C", str(project), "--json", "serve", "--port", "0", "--grpc-port", "0", "--log", "json"]
    command = [sys.executable, "-m", "perunit.faces.cli.main", *words]
    with (
        (project / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, cwd=ROOT) as server,
    ):
        try:
            assert server.stdout is not None
            yield json.loads(server.stdout.readline())["address"], server.pid
        finally:
            server.terminate()
            server.wait(60)


def _reached(address: str, count: int) -> float:
    """Waits until so many messages are committed; how long that took."""
    began = time.perf_counter()
    while _committed(address) < count:
        time.sleep(0.02)
    return time.perf_counter() - began


def _committed(address: str) -> int:
    for line in urllib3.request("GET", f"{address}/metrics").data.decode().splitlines():
        if line.startswith("perunit_kafka_messages_total"):
            return int(float(line.split()[-1]))
    return 0


def _peak_mb(pid: int) -> float:
    """The most memory the process has had (VmHWM), in 10^6 bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    kibibytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return round(kibibytes * 1024 / 1e6, 1)


if __name__ == "__main__":
    print(json.dumps(main()))
