"""``perunit serve`` from start to end, as a supervisor or a person sees it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
import urllib3
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.faces.serving import PERUNIT, command, event, serving

from perunit.faces.cli.init import write_project

if TYPE_CHECKING:
    from pathlib import Path


SPANS = """\
sources:
  traced:
    format: otlp_spans
    event: {units: {order: "attributes['order.id']"}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The template's shop."""
    write_project(tmp_path / "shop", "ecommerce")
    return tmp_path / "shop"


def test_it_says_where_it_is_and_how_to_try_it(project: Path) -> None:
    """A banner with lines to copy; the lock has the address; elsewhere than here keys are needed."""
    words = [
        *PERUNIT,
        "-C",
        str(project),
        "serve",
        "--port",
        "0",
        "--grpc-port",
        "0",
        "--host",
        "0.0.0.0",
        "--log",
        "text",
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        first = process.stdout.readline()
        address = first.split(" at ")[1].strip()
        lock = json.loads((project / "data" / "perunit.lock").read_text())
        assert lock == {"pid": process.pid, "purpose": "serve", "address": address}
        process.send_signal(signal.SIGINT)
        out, err = process.stdout.read(), process.stderr.read()
        assert process.wait(30) == 0
    assert first == f"perunit serves {project} at {address}\n"
    assert f"curl {address}/v1/events -H 'content-type: application/cloudevents+json' -d @" in out
    assert "Who sends events or scrapes needs a key: perunit keys add NAME --scope facts:write" in out
    assert "info    stopped" in err
    assert (project / "data" / "perunit.lock").read_text() == ""
    assert not (project / "data" / "perunit.sock").exists()


@pytest.mark.parametrize("option", ["--port", "--grpc-port"])
def test_a_port_in_use_is_said(project: Path, option: str) -> None:
    """Which one, and what to do; the project is free again."""
    contract = project / "perunit.yaml"
    contract.write_text(contract.read_text().replace("sources:\n", SPANS, 1))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        free = "--grpc-port" if option == "--port" else "--port"
        done = command("-C", str(project), "serve", option, str(port), free, "0", "--log", "json")
    assert done.returncode == 2
    assert f"{option}: " in done.stderr
    assert f":{port}" in done.stderr
    assert "choose another" in done.stderr
    assert command("-C", str(project), "query", "units").returncode == 0


def test_another_address_than_this_machine_s_is_said(project: Path) -> None:
    """The option, the value, the rule."""
    done = command("-C", str(project), "serve", "--host", "no.such.host.invalid", "--port", "0")
    assert done.returncode == 2
    assert "--host: got 'no.such.host.invalid', must be an address of this machine" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_what_was_acknowledged_is_stored_when_it_is_told_to_stop(project: Path, sig: signal.Signals) -> None:
    """It ends with 0, while clients go on sending, one of them never to the end."""
    acknowledged: set[str] = set()
    with serving(project) as served:
        ended = threading.Event()

        def send(client: int) -> None:
            for number in range(10_000):
                name = f"{client}-{number}"
                try:
                    answer = served.post(event(name))
                except urllib3.exceptions.HTTPError:
                    return
                if answer.status != 200:
                    return
                acknowledged.add(f"e{name}")
            ended.set()

        with ThreadPoolExecutor(4) as pool, socket.create_connection(served.endpoint) as slow:
            slow.sendall(b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n[")
            for client in range(4):
                pool.submit(send, client)
            while len(acknowledged) < 20:
                time.sleep(0.01)
            assert served.stop(sig) == 0
        assert not ended.is_set()
    asked = command("-C", str(project), "--json", "query", "units")
    assert json.loads(asked.stdout)["rows"][0]["units"] >= len(acknowledged)
    again = [json.loads(command("-C", str(project), "--json", "verify").stdout)["ok"]]
    assert again == [True]


def test_the_log_says_how_it_went_and_not_what_was_sent(project: Path) -> None:
    """JSON lines with the caller's request id; no event is in them."""
    with serving(project, "--log", "json") as served:
        answer = served.post(event("secret-order"), x_request_id="mine-1")
        served.post(event("bad", time="secret-time"))
        served.send("GET", "/v1/no/such/path")
        served.stop()
    assert answer.headers["x-request-id"] == "mine-1"
    text = (project / "serve.log").read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    requests = [entry for entry in entries if entry["message"] == "request"]
    assert [(entry["path"], entry["status"]) for entry in requests] == [
        ("/v1/events", 200), ("/v1/events", 422), ("/v1/no/such/path", 404),
    ]  # fmt: skip
    assert requests[0]["request_id"] == "mine-1"
    assert all({"time", "level", "logger", "ms", "client"} <= set(entry) for entry in requests)
    assert "secret" not in text


def test_it_traces_itself_where_it_is_told_where_to(project: Path) -> None:
    """A span a request, a child of the caller's; none of health checks."""
    spans = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        endpoint = f"http://127.0.0.1:{collector.server_port}"
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
        with serving(project, env=env) as served:
            parent = f"00-{'ab' * 16}-{'cd' * 8}-01"
            served.post(event("traced"), traceparent=parent)
            served.send("GET", "/readyz")
            served.stop()
        collector.shutdown()
        thread.join()
    assert [span.name for span in spans] == ["POST /v1/events"]
    assert (spans[0].trace_id.hex(), spans[0].parent_span_id.hex()) == ("ab" * 16, "cd" * 8)
    attributes = {each.key: each.value for each in spans[0].attributes}
    assert attributes["http.response.status_code"].int_value == 200
