"""What Prometheus writes to a remote store becomes rows, and rows become what it reads. Enters: the body of a request
of remote write 1.0, a snappy block of a protobuf WriteRequest. Leaves: rows of the door format ``prometheus``.

Specification: https://prometheus.io/docs/specs/prw/remote_write_spec/.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from google.protobuf.message import DecodeError

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.remote_write_message import WriteRequest
from perunit.facts.doors.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["STALE", "Sent", "Written", "read_write_request", "write_request"]

# The one NaN by which Prometheus says that a series has ended.
_STALE_BITS = 0x7FF0000000000002
STALE = struct.unpack(">d", _STALE_BITS.to_bytes(8, "big"))[0]

_SNAPPY = pa.Codec("snappy")
# Its longest copy is 64 bytes said in three, so a snappy block says at most 22 bytes in one.
_EXPANSION_MAX = 22
_LENGTH_BYTES_MAX = 5
# Prometheus sends some thousand samples at once. Empty ones take two bytes, so bytes alone bound no work.
_SAMPLES_MAX = 100_000
_LABELS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Written:
    """The samples of a request, and how much of it is none: each part that is passed over, by its name."""

    rows: pa.Table
    passed_over: dict[str, int]


@dataclass(frozen=True, slots=True)
class Sent:
    """A sample to be sent: labels with ``__name__``, a Unix time in milliseconds, a value."""

    labels: Mapping[str, str]
    milliseconds: int
    value: float


def read_write_request(body: bytes, bytes_max: int) -> Written:
    """The samples of a request's body, which may decompress to `bytes_max` bytes.

    Raises DoorError: 413 for a body that decompresses to more or has too many samples, 400 for no WriteRequest.
    """
    message = _parsed(_decompressed(body, bytes_max))
    _refuse_many(message)
    samples = Samples()
    passed_over = {"metadata": len(message.metadata), "exemplars": 0, "histograms": 0}
    for number, series in enumerate(message.timeseries):
        labels = {label.name: label.value for label in series.labels}
        if len(labels) != len(series.labels) or "" in labels:
            raise _refused(f"timeseries {number}: {list(series.labels)!r:.200}", "must have each label once, by name")
        passed_over["exemplars"] += len(series.exemplars)
        passed_over["histograms"] += len(series.histograms)
        if series.samples:
            samples.open(labels.pop("__name__", ""), labels)
        for sample in series.samples:
            samples.add(sample.timestamp * 1000, _text(sample.value))
    return Written(samples.table(), {name: count for name, count in passed_over.items() if count})


def _refuse_many(message: Any) -> None:
    series = len(message.timeseries)
    if series <= _SAMPLES_MAX:
        if any(len(each.labels) > _LABELS_MAX for each in message.timeseries):
            raise _refused("a series", f"must have at most {_LABELS_MAX:,} labels")
        if sum(len(each.samples) for each in message.timeseries) <= _SAMPLES_MAX:
            return
    rule = f"must have at most {_SAMPLES_MAX:,} series and samples; lower max_samples_per_send"
    raise DoorError(413, "Too much at once", f"body: {series:,} series, {rule}")


def _text(value: float) -> str | None:
    """A double as the shortest text that means it; None for the stale marker."""
    if value == value:  # false for NaN alone
        return repr(value)
    return None if struct.pack(">d", value) == _STALE_BITS.to_bytes(8, "big") else "NaN"


def _parsed(content: bytes) -> Any:
    message = WriteRequest()
    try:
        message.ParseFromString(content)
    except DecodeError as error:
        raise _refused(f"{len(content)} bytes", "must be a protobuf prometheus.WriteRequest") from error
    return message


def _decompressed(body: bytes, bytes_max: int) -> bytes:
    length = _length(body)
    if length > bytes_max:
        raise DoorError(
            413,
            "Too much at once",
            f"body: decompresses to {length} bytes, must be at most {bytes_max}; lower max_samples_per_send",
        )
    if length > _EXPANSION_MAX * len(body):
        raise _refused(f"a length of {length} bytes in a body of {len(body)}", "must be a snappy block")
    try:
        return _SNAPPY.decompress(body, length, asbytes=True)  # type: ignore[no-any-return]
    except (OSError, pa.ArrowInvalid) as error:
        raise _refused(f"{len(body)} bytes", "must be a snappy block (not framed)") from error


def _length(body: bytes) -> int:
    """What a snappy block says its decompressed length is: a little-endian base-128 number."""
    length = 0
    for place, byte in enumerate(body[:_LENGTH_BYTES_MAX]):
        length |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return length
    raise _refused(f"{len(body)} bytes", "must be a snappy block")


def _refused(got: str, rule: str) -> DoorError:
    return DoorError(400, "Not a remote write", f"body: {got}, {rule}; send remote write 1.0")


def write_request(samples: Iterable[Sent]) -> bytes:
    """The body of a request that writes samples, one series each, its labels in the order the protocol asks for."""
    message = WriteRequest()
    for sample in samples:
        series = message.timeseries.add()
        for name in sorted(sample.labels):
            series.labels.add(name=name, value=sample.labels[name])
        series.samples.add(value=sample.value, timestamp=sample.milliseconds)
    return _SNAPPY.compress(message.SerializeToString(), asbytes=True)  # type: ignore[no-any-return]
