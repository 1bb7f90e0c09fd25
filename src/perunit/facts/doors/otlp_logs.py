"""Records of a logs request as rows. Enters: an ExportLogsServiceRequest. Leaves: columns of ``otlp_logs``.

OTLP gives a record no id. Here it is a digest of all the record says and of its resource, so a record sent again is
known again; two records that are the same in everything, to the nanosecond, are taken for one.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from perunit.facts.doors.otlp_values import Maps, Shared, ids, text_of, texts, times

if TYPE_CHECKING:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

__all__ = ["log_columns"]


def log_columns(request: ExportLogsServiceRequest) -> dict[str, pa.Array]:
    """The records in the order of the message. A record without a time has that of its observation."""
    records: list[LogRecord] = []
    digests: list[str] = []
    shared, attributes = Shared(), Maps()
    for of_resource in request.resource_logs:
        shared.resource(of_resource.resource.attributes)
        whose = blake2b(of_resource.resource.SerializeToString(deterministic=True), digest_size=32).digest()
        for of_scope in of_resource.scope_logs:
            shared.scope(of_scope.scope.name, len(of_scope.log_records))
            records += of_scope.log_records
            digests += [_digest(whose, record) for record in of_scope.log_records]
    for record in records:
        attributes.add(record.attributes)
    observed = np.array([record.observed_time_unix_nano for record in records], np.uint64)
    time = np.array([record.time_unix_nano for record in records], np.uint64)
    return {
        "id": pa.array(digests, pa.string()),
        "time": times(np.where(time == 0, observed, time)),
        "observed_time": times(observed),
        "severity": texts([record.severity_text for record in records]),
        "severity_number": pa.array([record.severity_number or None for record in records], pa.int32()),
        "body": pa.array([text_of(record.body) for record in records], pa.string()),
        "event_name": texts([record.event_name for record in records]),
        "trace_id": ids([record.trace_id for record in records]),
        "span_id": ids([record.span_id for record in records]),
        "attributes": attributes.column(),
        **shared.columns(),
    }


def _digest(whose: bytes, record: LogRecord) -> str:
    return blake2b(record.SerializeToString(deterministic=True), key=whose, digest_size=16).hexdigest()
