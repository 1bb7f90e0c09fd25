"""What the OTLP routes answer: in the request's encoding, and so that an exporter knows whether to send again."""

from __future__ import annotations

import gzip
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tests.facts.doors.otlp_messages import as_otlp_json
from tests.live.arriving import waiting_together
from tests.live.otlp_sent import Listening, listening, submitted
from tests.live.test_otlp import company_of
from tests.live.test_otlp_grpc import spans

from perunit.live.intake import Limits

if TYPE_CHECKING:
    from pathlib import Path

PROTOBUF, JSON = "application/x-protobuf", "application/json"


def post(where: Listening, body: bytes, media_type: str = PROTOBUF, kind: str = "traces", **headers: str) -> Any:
    """The answer to a request as it came."""
    given = {"content-type": media_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return urllib3.request("POST", f"{where.url}/v1/{kind}", body=body, headers=given, retries=False)


def as_json(request: Any) -> bytes:
    """A request as OTLP/JSON."""
    return json.dumps(as_otlp_json(request)).encode()


def test_an_answer_has_the_encoding_of_its_request(tmp_path: Path) -> None:
    """Nothing is said where all was taken; what was sent before counts once."""
    company = company_of(tmp_path, "spans")
    with listening(company) as where:
        answers = [
            post(where, spans({}).SerializeToString()),
            post(where, as_json(spans({})), JSON),
            post(where, gzip.compress(spans({}).SerializeToString()), content_encoding="gzip"),
            post(where, as_json(spans({})), "application/json; charset=utf-8"),
        ]
    assert [(each.status, each.headers["content-type"], each.data) for each in answers] == [
        (200, PROTOBUF, b""), (200, JSON, b"{}"), (200, PROTOBUF, b""), (200, JSON, b"{}"),
    ]  # fmt: skip
    assert company.engine.rows("SELECT sum(accepted), sum(duplicate) FROM batches") == [(1, 3)]


def test_refused_spans_are_a_partial_success_in_both_encodings(tmp_path: Path) -> None:
    """Their number and why the first was refused; 64-bit numbers are text in JSON."""
    request = spans({}, {"span_id": b"123"})
    with listening(company_of(tmp_path, "spans")) as where:
        binary = ExportTraceServiceResponse.FromString(post(where, request.SerializeToString()).data)
        text = json.loads(post(where, as_json(request), JSON).data)
    assert binary.partial_success.rejected_spans == 1
    assert text["partialSuccess"]["rejectedSpans"] == "1"
    assert text["partialSuccess"]["errorMessage"] == binary.partial_success.error_message
    assert "span 1: span_id: got '313233', must be 8 bytes" in binary.partial_success.error_message


def test_a_body_that_is_no_request_is_answered_with_a_status(tmp_path: Path) -> None:
    """google.rpc.Status in the request's encoding says what is wrong and where."""
    with listening(company_of(tmp_path, "spans")) as where:
        binary = post(where, b"\xff\xff")
        text = post(where, b'{"resourceSpans":[{"scopeSpans":5}]}', JSON)
        broken = post(where, b"no gzip", content_encoding="gzip")
    assert (binary.status, text.status, broken.status) == (400, 400, 400)
    assert Status.FromString(binary.data).code == 3
    assert json.loads(text.data)["message"] == "resourceSpans[0].scopeSpans: got 5, must be an array; correct it"
    assert "gzip" in Status.FromString(broken.data).message


def test_other_types_and_codings_are_not_supported(tmp_path: Path) -> None:
    """415 names what is."""
    with listening(company_of(tmp_path, "spans")) as where:
        kind = post(where, b"", "text/plain")
        coding = post(where, b"", content_encoding="br")
    assert (kind.status, coding.status) == (415, 415)
    assert PROTOBUF in json.loads(kind.data)["detail"]
    assert "gzip" in Status.FromString(coding.data).message


def test_a_small_body_that_grows_without_end_is_refused(tmp_path: Path) -> None:
    """The limit holds for what a body decompresses to."""
    bomb = gzip.compress(bytes(100 << 20))
    with listening(company_of(tmp_path, "spans")) as where:
        assert post(where, bomb, content_encoding="gzip").status == 413
        assert post(where, spans({}).SerializeToString()).status == 200


@pytest.mark.parametrize("media_type", [PROTOBUF, JSON])
def test_what_cannot_be_taken_now_says_when_to_come_again(tmp_path: Path, media_type: str) -> None:
    """429 with Retry-After; nothing of it was kept, and later it is taken."""
    company = company_of(tmp_path, "spans")
    body = as_json(spans({}, {})) if media_type == JSON else spans({}, {}).SerializeToString()
    with listening(company, limits=Limits(waiting_rows=1)) as where:
        with waiting_together(where.service.intake):
            first = submitted(where, spans({"span_id": b"x" * 8}))
            refused = post(where, body, media_type)
        assert first.result(30).accepted == 1
        assert refused.status == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert post(where, body, media_type).status == 200
    assert company.engine.value("SELECT count(*) FROM events") == 3


def test_what_no_source_takes_is_counted_and_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not the sender's error: answered as a success, whether no source has the kind or none matches."""
    company = company_of(tmp_path, "spans")
    with caplog.at_level(logging.WARNING), listening(company) as where:
        for _ in range(2):
            assert post(where, spans({"kind": 3}, {}).SerializeToString()).status == 200
        empty = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{}, {}, {}]}]}]}
        assert post(where, json.dumps(empty).encode(), JSON, "logs").status == 200
        value = where.service.meters.registry.get_sample_value
        counted = [value("perunit_unmatched_rows_total", {"door": "otlp-http", "kind": k}) for k in ("traces", "logs")]
    assert counted == [2, 3]
    assert sorted(record.message.split()[0] for record in caplog.records if "no source" in record.message) == [
        "logs", "traces",
    ]  # fmt: skip


def test_the_routes_are_described(tmp_path: Path) -> None:
    """The application's OpenAPI has all three with both encodings."""
    with listening(company_of(tmp_path, "spans")) as where:
        described = urllib3.request("GET", f"{where.url}/api/v1/openapi.json").json()
    for kind in ("traces", "metrics", "logs"):
        route = described["paths"][f"/v1/{kind}"]["post"]
        assert set(route["requestBody"]["content"]) == {PROTOBUF, JSON}
        assert {"200", "400", "415", "429", "503"} <= set(route["responses"])
