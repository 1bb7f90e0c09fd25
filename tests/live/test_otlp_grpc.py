"""What the gRPC server answers: partial success, and codes that tell an exporter whether to send again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from tests.facts.doors.otlp_messages import trace_request
from tests.live.arriving import waiting_together
from tests.live.otlp_sent import listening, submitted
from tests.live.test_otlp import NOON, company_of

from perunit.access.keys import make_key
from perunit.access.permit import OWNER, Permission, Viewer
from perunit.live.intake import Limits
from perunit.live.otlp_grpc import OtlpGrpc
from perunit.live.service import Service
from perunit.model.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

AT = {"start_time_unix_nano": NOON, "end_time_unix_nano": NOON + 1, "kind": 2}


def spans(*fields: dict[str, Any]) -> Any:
    """A request of server spans of one order."""
    return trace_request(*({**AT, "attributes": {"order.id": "o-1"}, **each} for each in fields))


def test_refused_spans_are_a_partial_success(tmp_path: Path) -> None:
    """The others are stored; the answer counts the refused ones and says why the first was."""
    company = company_of(tmp_path, "spans")
    with listening(company) as where, grpc.insecure_channel(where.grpc) as channel:
        good = TraceServiceStub(channel).Export(spans({}))
        answer = TraceServiceStub(channel).Export(spans({}, {"span_id": b"123"}, {"end_time_unix_nano": NOON - 1}))
    assert good == ExportTraceServiceResponse()
    assert answer.partial_success.rejected_spans == 2
    assert "span 1: span_id: got '313233', must be 8 bytes" in answer.partial_success.error_message
    assert company.engine.value("SELECT count(*) FROM quarantine") == 2


def test_bytes_that_are_no_request_are_an_invalid_argument(tmp_path: Path) -> None:
    """An exporter does not send them again."""
    with listening(company_of(tmp_path, "spans")) as where, grpc.insecure_channel(where.grpc) as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        with pytest.raises(grpc.RpcError) as refused:
            export(b"\xff\xff")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "must be a ExportTraceServiceRequest" in refused.value.details()


def test_what_cannot_be_taken_now_says_when_to_come_again(tmp_path: Path) -> None:
    """RESOURCE_EXHAUSTED with RetryInfo, which exporters honour."""
    company = company_of(tmp_path, "spans")
    with listening(company, limits=Limits(waiting_rows=1)) as where, grpc.insecure_channel(where.grpc) as channel:
        with waiting_together(where.service.intake):
            first = submitted(where, spans({"span_id": b"x" * 8}))
            with pytest.raises(grpc.RpcError) as refused:
                TraceServiceStub(channel).Export(spans({}))
        assert first.result(30).accepted == 1
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    details = dict(refused.value.trailing_metadata())["grpc-status-details-bin"]
    retry = RetryInfo()
    assert Status.FromString(details).details[0].Unpack(retry)
    assert 1 <= retry.retry_delay.seconds <= 60


def test_a_message_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    """Memory is bounded: 16 MiB a message, also when it was compressed."""
    request = spans({"attributes": {"order.id": "x" * (17 << 20)}})
    with listening(company_of(tmp_path, "spans")) as where, grpc.insecure_channel(where.grpc) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            TraceServiceStub(channel).Export(request, compression=grpc.Compression.Gzip)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert TraceServiceStub(channel).Export(spans({})) == ExportTraceServiceResponse()


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    """The option and the mend are named."""
    with listening(company_of(tmp_path, "spans")) as where:
        service = Service(where.service.project, where.service.intake, where.service.clock, where.service.meters)
        other = OtlpGrpc(service, "127.0.0.1", int(where.grpc.rpartition(":")[2]))
        with pytest.raises(UsageError, match="--grpc-port"):
            other.start()


def test_where_others_reach_it_a_key_is_needed(tmp_path: Path) -> None:
    """As metadata, and one that may send; an exporter is told not to try again."""
    with listening(company_of(tmp_path, "spans")) as where:
        service = replace(where.service, settings=replace(where.service.settings, host="10.0.0.1"))
        server = OtlpGrpc(service, "127.0.0.1", 0)
        server.start()
        owner = Viewer(None, "tests", None, OWNER, "owner")
        with service.control.session() as session:
            sends, looks = (
                make_key(session, owner, service.clock(), name="k", scopes=[scope])[1]
                for scope in (Permission.INGEST, Permission.OPERATIONAL)
            )
        codes = []
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            export = TraceServiceStub(channel).Export
            for given in ("", "Bearer pu_no", f"Basic {sends}", f"Bearer {looks}", f"Bearer {sends}"):
                metadata = (("authorization", given),) if given else ()
                try:
                    export(ExportTraceServiceRequest(), metadata=metadata)
                    codes.append(grpc.StatusCode.OK)
                except grpc.RpcError as error:
                    codes.append(error.code())
        server.stop()
    status = grpc.StatusCode
    assert codes == [status.UNAUTHENTICATED] * 3 + [status.PERMISSION_DENIED, status.OK]
