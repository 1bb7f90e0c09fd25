"""Samples of time series as rows of the door format ``prometheus``. Enters: labels, times and values, one by one.
Leaves: an Arrow table of them.

Values stay text: what is no decimal number (NaN, +Inf, more than 26 digits) is then refused row by row where rows are
judged, with its reason, like any other value of a wrong type. A stale marker has no value at all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b

import pyarrow as pa

from perunit.facts.doors.formats import schema_of

__all__ = ["Samples", "series_key"]

# What a time beyond all calendars becomes, so that the rule of event times refuses it by what it is.
_MICROSECONDS_MIN = int(datetime(1, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_MICROSECONDS_MAX = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * 1_000_000


def series_key(metric: str, labels: dict[str, str]) -> str:
    """A digest of a metric and its labels, whatever their order; 32 hexadecimal digits.

    >>> series_key("up", {"job": "a", "instance": "b"}) == series_key("up", {"instance": "b", "job": "a"})
    True
    """
    # 0xff is in no UTF-8 text, so no two series are the same bytes.
    parts = [metric, *(part for pair in sorted(labels.items()) for part in pair)]
    return blake2b(b"\xff".join(part.encode() for part in parts), digest_size=16).hexdigest()


class Samples:
    """Collects samples series by series."""

    def __init__(self) -> None:
        self._series: list[str] = []
        self._metrics: list[str] = []
        self._keys: list[str] = []
        self._labels: list[str] = []
        self._ends: list[int] = [0]
        self._of: list[int] = []
        self._times: list[int] = []
        self._values: list[str | None] = []

    def open(self, metric: str, labels: dict[str, str]) -> None:
        """Begins a series; the samples that follow are its own."""
        self._series.append(series_key(metric, labels))
        self._metrics.append(metric)
        self._keys += labels.keys()
        self._labels += labels.values()
        self._ends.append(len(self._keys))

    def add(self, microseconds: int, value: str | None) -> None:
        """A sample of the series opened last, at a Unix time; without a value it says that the series ended."""
        self._of.append(len(self._series) - 1)
        self._times.append(min(max(microseconds, _MICROSECONDS_MIN), _MICROSECONDS_MAX))
        self._values.append(value)

    def table(self) -> pa.Table:
        """All samples in the order in which they came, one row each."""
        of = pa.array(self._of, pa.int64())
        labels = pa.MapArray.from_arrays(
            pa.array(self._ends, pa.int32()), pa.array(self._keys, pa.string()), pa.array(self._labels, pa.string())
        )
        columns = {
            "position": pa.array(range(len(self._of)), pa.int64()),
            "id": pa.array(
                [f"{self._series[of]}:{at}" for of, at in zip(self._of, self._times, strict=True)], pa.string()
            ),
            "metric": pa.array(self._metrics, pa.string()).take(of),
            "labels": labels.take(of),
            "time": pa.array(self._times, pa.timestamp("us")),
            "value": pa.array(self._values, pa.string()),
            "increase": pa.nulls(len(self._of), pa.string()),
            "series": pa.array(self._series, pa.string()).take(of),
            "start_time": pa.nulls(len(self._of), pa.timestamp("us")),
        }
        return pa.table(columns, schema=schema_of("prometheus"))
