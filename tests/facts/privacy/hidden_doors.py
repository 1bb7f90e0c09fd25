"""A project in a directory with a source for each kind of OTLP and for Prometheus, served over HTTP and gRPC."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import urllib3
import uvicorn
from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from tests.facts.doors.otlp_messages import NANOS, as_otlp_json, pairs, trace_request
from tests.invariants.company import CONTRACT, START
from tests.live.test_scraper import answering, with_body

from perunit.contract.shape import Scrape
from perunit.faces.api.app import create_app
from perunit.facts.arrivals import Arrival
from perunit.facts.doors.formats import schema_of
from perunit.facts.doors.remote_write import Sent, write_request
from perunit.facts.privacy.keys import make_keys
from perunit.live.intake import Intake
from perunit.live.otlp_grpc import OtlpGrpc
from perunit.live.scraper import ScrapeMeters, Target
from perunit.live.service import Service
from perunit.model.errors import PerunitError
from perunit.wiring import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from google.protobuf.message import Message

ALICE = "alice.liddell@wonder.example"
BOB = "bob-of-the-hill-7731"
AT = int(START.timestamp()) * NANOS
SOURCES: dict[str, Any] = {
    "calls": {
        "format": "otlp_spans",
        "match": "kind = 'server'",
        "wait_seconds": 30,
        "event": {
            "units": {"user": "trace['user.id']", "order": "attributes['order.id']"},
            "segments": {"plan": "trace['plan']", "region": "attributes['region']"},
            "outcome": "attributes['result']",
            "resource": "resource['host.name']",
        },
    },
    "points": {
        "format": "otlp_metrics",
        "match": "metric = 'egress'",
        "event": {"units": {"user": "attributes['user.id']"}, "usage": {"egress_bytes": "increase"}},
    },
    "records": {
        "format": "otlp_logs",
        "event": {"units": {"user": "attributes['user.id']"}, "amounts": {"revenue": "attributes['total']"}},
    },
    "pods": {
        "format": "prometheus",
        "match": "metric = 'cpu_total'",
        "labels_from": {"metric": "pod_labels", "on": ["pod"]},
        "event": {
            "type": "'pod.used'",
            "units": {"user": "labels['label_user']"},
            "segments": {"channel": "labels['pod']"},
            "usage": {"cpu_seconds": "increase"},
        },
    },
}


def written(root: Path, *, hidden: bool) -> Path:
    """The project as a directory; with keys where users are hidden."""
    root.mkdir()
    secret = {"privacy": {"pseudonymize": ["user"]}} if hidden else {}
    (root / "perunit.yaml").write_text(json.dumps(CONTRACT | {"sources": SOURCES} | secret), encoding="utf-8")
    if hidden:
        make_keys(root / "privacy.keys")
    return root


@dataclass
class Hours:
    """A clock that stands until it is moved."""

    now: datetime = field(default=START + timedelta(hours=1))

    def __call__(self) -> datetime:
        """Its time."""
        return self.now


@dataclass
class Doors:
    """Where the project is served, and all that it has answered."""

    url: str
    grpc: str
    service: Service
    scrapes: ScrapeMeters
    answers: list[str] = field(default_factory=list)

    def post(self, path: str, body: bytes, content_type: str = "application/x-protobuf", **headers: str) -> None:
        """Sends a body."""
        given = {"Content-Type": content_type} | {name.replace("_", "-"): value for name, value in headers.items()}
        answer = urllib3.request("POST", f"{self.url}{path}", body=body, headers=given, retries=False)
        self.answers.append(f"{answer.status} {answer.data!r}")

    def spans(self, request: Any, over: str = "http") -> None:
        """Sends spans: over http, json or grpc."""
        if over == "grpc":
            with grpc.insecure_channel(self.grpc) as channel:
                self.answers.append(MessageToJson(TraceServiceStub(channel).Export(request)))
        elif over == "json":
            self.post("/v1/traces", json.dumps(as_otlp_json(request)).encode(), "application/json")
        else:
            self.post("/v1/traces", request.SerializeToString())

    def send(self, signal: str, request: Message) -> None:
        """Sends metrics or logs."""
        self.post(f"/v1/{signal}", request.SerializeToString())

    def write(self, *samples: Sent) -> None:
        """Writes samples by remote write."""
        version = {"Content_Encoding": "snappy", "X_Prometheus_Remote_Write_Version": "0.1.0"}
        self.post("/api/v1/write", write_request(samples), **version)

    def scrape(self, text: str) -> None:
        """Asks an exporter that answers this; always under the same name, whatever its port."""
        with answering(with_body(text.encode())) as url:
            target = Target(self.service, "app", Scrape(url=url), url, self.scrapes)
            target._labels |= {"instance": "exporter"}
            try:
                target.scrape()
            except PerunitError as error:
                self.answers.append(str(error))

    def release(self) -> None:
        """Lets spans through that have waited their time."""
        self.service.intake.submit(Arrival("calls", schema_of("otlp_spans").empty_table(), "release")).result(30)


@contextmanager
def served(root: Path, clock: Hours) -> Iterator[Doors]:
    """Serves the project over both protocols until the end of the block."""
    with opened(root, purpose="test", clock=clock) as found:
        intake = Intake(found.project, found.engine, clock)
        service = Service(found.project, intake, clock, intake.meters)
        server = uvicorn.Server(uvicorn.Config(create_app(service), port=0, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        rpc = OtlpGrpc(service, "127.0.0.1", 0)
        rpc.start()
        try:
            while not server.started:
                time.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            yield Doors(f"http://127.0.0.1:{port}", f"127.0.0.1:{rpc.port}", service, ScrapeMeters(intake.meters))
        finally:
            rpc.stop()
            server.should_exit = True
            thread.join()
            intake.close()


def calls(trace: int, *spans: dict[str, Any], of: str = ALICE, root: dict[str, Any] | None = None) -> Any:
    """Spans of a trace that name a person all over; `root` are the attributes of its root, which may come with them."""
    usual = {
        "trace_id": trace.to_bytes(16, "big"), "parent_span_id": b"\1" * 8, "kind": 2, "name": f"GET /users/{of}",
        "start_time_unix_nano": AT, "end_time_unix_nano": AT + NANOS, "trace_state": f"note={of[:5]}",
        "status": (1, f"hello {of}"),
    }  # fmt: skip
    said = {"order.id": f"{of}/1", "region": f"near {of}", "result": "success"}
    own = [{**usual, **each, "attributes": said | each.get("attributes", {})} for each in spans]
    if root is not None:
        own.append({**usual, "parent_span_id": b"", "span_id": b"\1" * 8, "kind": 3, "attributes": root})
    return trace_request(*own, resource={"service.name": "shop", "host.name": f"pod-of-{of}"})


def egress(of: str, seconds: int, value: int) -> ExportMetricsServiceRequest:
    """A cumulative counter of a person at a time."""
    request = ExportMetricsServiceRequest()
    of_resource = request.resource_metrics.add()
    of_resource.resource.attributes.extend(pairs({"service.name": "shop", "owner": of}))
    metric = of_resource.scope_metrics.add().metrics.add(name="egress", unit="By")
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = 2, True
    point = metric.sum.data_points.add(time_unix_nano=AT + seconds * NANOS, as_int=value)
    point.attributes.extend(pairs({"user.id": of}))
    return request


def record(of: str, total: str) -> ExportLogsServiceRequest:
    """A log record of a person."""
    request = ExportLogsServiceRequest()
    of_resource = request.resource_logs.add()
    of_resource.resource.attributes.extend(pairs({"service.name": "shop", "owner": of}))
    made = of_resource.scope_logs.add().log_records.add(time_unix_nano=AT, event_name=f"paid by {of}")
    made.body.string_value = f"{of} paid"
    made.attributes.extend(pairs({"user.id": of, "total": total}))
    return request


def pod_labels(of: str, seconds: int) -> Sent:
    """Whose a pod is."""
    labels = {"__name__": "pod_labels", "pod": f"pod-{of}", "label_user": of}
    return Sent(labels, (int(START.timestamp()) + seconds) * 1000, 1.0)


def cpu(of: str, seconds: int, value: float) -> Sent:
    """What a pod has used."""
    labels = {"__name__": "cpu_total", "pod": f"pod-{of}"}
    return Sent(labels, (int(START.timestamp()) + seconds) * 1000, value)
