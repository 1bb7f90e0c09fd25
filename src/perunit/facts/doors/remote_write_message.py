"""The message of Prometheus remote write 1.0, described in code: ``prometheus.WriteRequest``.

Only what is read or sent is described; fields beyond it (exemplars, native histograms) stay unknown and are counted.
Field numbers: https://prometheus.io/docs/specs/prw/remote_write_spec/, section "Protocol".
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

__all__ = ["WriteRequest"]

_FIELD = descriptor_pb2.FieldDescriptorProto
_FIELDS: dict[str, tuple[tuple[str, int, int, str | None], ...]] = {
    "Label": (("name", 1, _FIELD.TYPE_STRING, None), ("value", 2, _FIELD.TYPE_STRING, None)),
    "Sample": (("value", 1, _FIELD.TYPE_DOUBLE, None), ("timestamp", 2, _FIELD.TYPE_INT64, None)),
    "TimeSeries": (
        ("labels", 1, _FIELD.TYPE_MESSAGE, "Label"),
        ("samples", 2, _FIELD.TYPE_MESSAGE, "Sample"),
        # Their content is not read, so bytes are enough to count them.
        ("exemplars", 3, _FIELD.TYPE_BYTES, None),
        ("histograms", 4, _FIELD.TYPE_BYTES, None),
    ),
    "WriteRequest": (("timeseries", 1, _FIELD.TYPE_MESSAGE, "TimeSeries"), ("metadata", 3, _FIELD.TYPE_BYTES, None)),
}
_SINGLE = {"Label", "Sample"}


def _described() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="perunit/remote_write.proto", package="perunit.remote_write", syntax="proto3"
    )
    for message, fields in _FIELDS.items():
        described = file.message_type.add(name=message)
        for name, number, type_, of in fields:
            described.field.add(
                name=name,
                number=number,
                type=type_,
                label=_FIELD.LABEL_OPTIONAL if message in _SINGLE else _FIELD.LABEL_REPEATED,
                type_name=f".perunit.remote_write.{of}" if of else None,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("perunit.remote_write.WriteRequest"))


WriteRequest: Any = _described()
