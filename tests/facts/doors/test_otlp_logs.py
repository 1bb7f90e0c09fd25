"""Log records as rows, and the digest that stands for an id."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from tests.facts.doors.otlp_messages import NOON, any_value, pairs

from perunit.facts.doors.otlp import LOGS, read_message


def row_of(
    *, service: str = "shop", body: Any = "paid", attributes: dict[str, Any] | None = None, **fields: Any
) -> Any:
    """The row of one record."""
    request = ExportLogsServiceRequest()
    of_resource = request.resource_logs.add()
    of_resource.resource.attributes.extend(pairs({"service.name": service}))
    record = of_resource.scope_logs.add().log_records.add(**{"time_unix_nano": NOON, **fields})
    record.body.CopyFrom(any_value(body))
    record.attributes.extend(pairs(attributes or {}))
    return read_message(LOGS, request).to_pylist()[0]


def test_a_record_becomes_a_row() -> None:
    """Severity, body, event name and attributes stand in their columns."""
    row = row_of(
        severity_number=9, severity_text="INFO", event_name="order.paid", attributes={"order.id": "o-1"}, body={"n": 1}
    )
    expected = {
        "time": datetime(2026, 9, 1, 12),  # noqa: DTZ001 - UTC without a zone
        "severity": "INFO",
        "severity_number": 9,
        "event_name": "order.paid",
        "body": '{"n":1}',
        "attributes": [("order.id", "o-1")],
        "service": "shop",
    }
    assert {key: row[key] for key in expected} == expected


def test_a_record_without_a_time_has_that_of_its_observation() -> None:
    """OTLP says to use the observed time where the event's own is unknown."""
    row = row_of(time_unix_nano=0, observed_time_unix_nano=NOON + 5000)
    assert row["time"] == row["observed_time"]
    assert row["time"] is not None


def test_a_record_is_known_again_by_all_it_says() -> None:
    """The same record has the same id; a difference anywhere makes another."""
    base = row_of()["id"]
    others = [
        row_of(body="refunded"),
        row_of(service="pay"),
        row_of(attributes={"a": "1"}),
        row_of(time_unix_nano=NOON + 1),
        row_of(trace_id=bytes([1] * 16)),
    ]
    assert row_of()["id"] == base
    assert len({base, *(row["id"] for row in others)}) == 6
