"""Spans per second over OTLP: a client process with bodies encoded beforehand, `perunit serve` on the same machine.
Enters: how many spans. Leaves: rates over HTTP and gRPC, and what reading alone takes beside bare protobuf.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import urllib3
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.measure import ROOT, percentile
from perunit.facts.doors.otlp import TRACES, read_protobuf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CONTRACT = """\
version: 1
currency: USD
units:
  order: {owner: checkout, key: order.id, segments: [plan]}
sources:
  checkout:
    format: otlp_spans
    match: "kind = 'server'"
    event:
      units: {order: "attributes['order.id']"}
      segments: {plan: "attributes['app.plan']"}
      usage: {input_tokens: "attributes['gen_ai.usage.input_tokens']"}
      resource: "resource['host.name']"
meters:
  input_tokens: {unit: "{token}"}
"""
_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_REPEATS = 5


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.otlp", description=__doc__)
    parser.add_argument("--spans", type=int, default=400_000)
    parser.add_argument("--batch", type=int, default=2000, help="spans a request; the SDK sends 512")
    parser.add_argument("--senders", type=int, default=16, help="requests under way at once")
    return parser.parse_args(arguments)


def request_of(size: int, number: int) -> bytes:
    """A request of `size` spans of eight attributes, four spans a trace; about 350 bytes a span."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    for key in ("service.name", "host.name", "deployment.environment.name"):
        of_resource.resource.attributes.add(key=key).value.string_value = f"{key}-1"
    of_scope = of_resource.scope_spans.add()
    of_scope.scope.name = "shop"
    start = time.time_ns() - 3_600_000_000_000
    for place in range(size):
        index = number * size + place
        span = of_scope.spans.add(
            trace_id=(index // 4 + 1).to_bytes(16, "big"), span_id=(index + 1).to_bytes(8, "big"),
            parent_span_id=b"parent-1", name="POST /orders", kind=2, start_time_unix_nano=start + index,
            end_time_unix_nano=start + index + 12_345_678,
        )  # fmt: skip
        span.status.code = 2 if index % 50 == 0 else 0
        texts = {"http.request.method": "POST", "http.route": "/orders", "url.scheme": "https"}
        texts |= {
            "server.address": "shop.example",
            "order.id": f"order-{index // 4}",
            "app.plan": ("free", "pro", "team")[index % 3],
        }
        for key, text in texts.items():
            span.attributes.add(key=key).value.string_value = text
        span.attributes.add(key="http.response.status_code").value.int_value = 200
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = index % 4000
    return request.SerializeToString()


def read_alone(body: bytes, spans: int) -> dict[str, float]:
    """Microseconds a span: bare protobuf, and rows in columns; the best of several, as both only compute."""
    found = {}
    for name, read in (
        ("protobuf_us", ExportTraceServiceRequest.FromString),
        ("rows_us", lambda given: read_protobuf(TRACES, given)),
    ):
        times = []
        for _ in range(_REPEATS):
            began = time.perf_counter()
            read(body)
            times.append(time.perf_counter() - began)
        found[name] = round(min(times) / spans * 1e6, 2)
    return found


@contextmanager
def _served(folder: Path) -> Iterator[tuple[str, int, int]]:
    """`perunit serve` on a new project, on free ports; its address, its gRPC port and its process."""
    (folder / "perunit.yaml").write_text(_CONTRACT, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    port = _free_port()
    words = ["-C", str(folder), "--json", "serve", "--port", "0", "--grpc-port", str(port), "--log", "json"]
    command = [sys.executable, "-m", "perunit.faces.cli.main", *words]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, cwd=ROOT)
        try:
            assert server.stdout is not None
            address = json.loads(server.stdout.readline())["address"]
            patient = urllib3.Retry(connect=50, backoff_factor=0.05)
            urllib3.request("GET", f"{address}/readyz", retries=patient)
            yield address, port, server.pid
        finally:
            server.terminate()
            server.wait(60)


def _free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _over_http(address: str) -> Callable[[bytes], None]:
    host, port = address.removeprefix("http://").split(":")
    pool = urllib3.HTTPConnectionPool(host, int(port), maxsize=64)

    def send(body: bytes) -> None:
        answer = pool.request("POST", "/v1/traces", body=body, headers={"content-type": "application/x-protobuf"})
        if answer.status != 200 or answer.data:
            raise RuntimeError(f"{answer.status}: {answer.data[:300]!r}")

    return send


def _over_grpc(port: int) -> Callable[[bytes], None]:
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    export = channel.unary_unary(_EXPORT)

    def send(body: bytes) -> None:
        if answer := export(body):
            raise RuntimeError(repr(answer[:300]))

    return send


def _sent(send: Callable[[bytes], None], bodies: list[bytes], options: argparse.Namespace) -> dict[str, float]:
    """Sends all bodies; spans a second from the first request to the last acknowledgement, and how long each took."""
    waits: list[float] = []
    lock = threading.Lock()

    def one(body: bytes) -> None:
        began = time.perf_counter()
        send(body)
        with lock:
            waits.append(time.perf_counter() - began)

    began, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(options.senders) as senders:
        list(senders.map(one, bodies))
    seconds, used = time.perf_counter() - began, time.process_time() - used
    spans = len(bodies) * options.batch
    return {
        "spans_per_s": round(spans / seconds),
        "client_cpu_us_per_span": round(used / spans * 1e6, 1),
        "p50_ms": round(percentile(waits, 50) * 1000, 1),
        "p99_ms": round(percentile(waits, 99) * 1000, 1),
    }


def _cpu_seconds(pid: int) -> float:
    """What a process has used of all cores so far: that does not hang on who else is on the machine."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    count = options.spans // options.batch
    found: dict[str, Any] = {"spans": count * options.batch, "batch": options.batch, "senders": options.senders}
    bodies = [request_of(options.batch, number) for number in range(count)]
    found["bytes_per_span"] = round(sum(map(len, bodies)) / found["spans"])
    found["read"] = read_alone(bodies[0], options.batch)
    for name in ("http", "grpc"):
        with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as (address, port, pid):
            send = _over_http(address) if name == "http" else _over_grpc(port)
            began = _cpu_seconds(pid)
            found[name] = _sent(send, bodies, options)
            found[name]["server_cpu_us_per_span"] = round((_cpu_seconds(pid) - began) / found["spans"] * 1e6, 1)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Prints the figures as one line of JSON."""
    sys.stdout.write(json.dumps(measured(_options(arguments))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
