"""Bodies of remote write 1.0: what Prometheus sends comes out, what is none is refused."""

from __future__ import annotations

import struct

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.remote_write import STALE, Sent, read_write_request, write_request
from perunit.facts.doors.remote_write_message import WriteRequest
from perunit.facts.doors.samples import series_key

BYTES_MAX = 1 << 20
SNAPPY = pa.Codec("snappy")

NAME = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True)
LABELS = st.dictionaries(NAME, st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=4)
SAMPLE = st.builds(
    lambda name, labels, at, value: Sent({**labels, "__name__": name}, at, value),
    *(NAME, LABELS, st.integers(-(10**12), 10**13), st.floats(allow_nan=False)),
)


def refusal(body: bytes) -> DoorError | None:
    """Why a body is refused, if it is."""
    try:
        read_write_request(body, BYTES_MAX)
    except DoorError as error:
        return error
    return None


def packed(content: bytes) -> bytes:
    """A snappy block."""
    return SNAPPY.compress(content, asbytes=True)


@given(st.lists(SAMPLE, max_size=8))
def test_what_is_sent_is_read(samples: list[Sent]) -> None:
    """Any labels, any double, to the last bit; times to the millisecond."""
    rows = read_write_request(write_request(samples), BYTES_MAX).rows.to_pylist()
    assert [(row["metric"], dict(row["labels"])) for row in rows] == [
        (each.labels["__name__"], {k: v for k, v in each.labels.items() if k != "__name__"}) for each in samples
    ]
    assert [struct.pack("d", float(row["value"])) for row in rows] == [struct.pack("d", s.value) for s in samples]
    table = read_write_request(write_request(samples), BYTES_MAX).rows
    assert table["time"].cast("int64").to_pylist() == [each.milliseconds * 1000 for each in samples]
    assert table["series"].to_pylist() == [series_key(r["metric"], dict(r["labels"])) for r in rows]


def test_the_stale_marker_has_no_value_and_other_nan_says_nan() -> None:
    """A series that has ended is no fault; a value that is no number is one, and is judged where rows are."""
    body = write_request([Sent({"__name__": "a"}, 1, STALE), Sent({"__name__": "a"}, 2, float("nan"))])
    assert read_write_request(body, BYTES_MAX).rows["value"].to_pylist() == [None, "NaN"]


def test_what_is_no_sample_is_counted() -> None:
    """Metadata, exemplars and native histograms are passed over, each by its number."""
    message = WriteRequest(metadata=[b"", b""])
    message.timeseries.add(exemplars=[b""], histograms=[b"", b"", b""])
    written = read_write_request(packed(message.SerializeToString()), BYTES_MAX)
    assert written.rows.num_rows == 0
    assert written.passed_over == {"metadata": 2, "exemplars": 1, "histograms": 3}


def test_a_time_beyond_all_calendars_stays_one_row() -> None:
    """The rule of event times refuses it later, by itself."""
    body = write_request([Sent({"__name__": "a"}, 2**62, 1.0), Sent({"__name__": "a"}, -(2**62), 1.0)])
    assert [str(at) for at in read_write_request(body, BYTES_MAX).rows["time"].to_pylist()] == [
        "9999-12-31 00:00:00",
        "0001-01-01 00:00:00",
    ]


def test_a_body_that_decompresses_to_too_much_is_refused_before_it_is_decompressed() -> None:
    """413 names the limit; a length that no block of this size can have is refused as no block."""
    body = packed(b"\0" * (BYTES_MAX + 1))
    with pytest.raises(DoorError, match=f"at most {BYTES_MAX}") as refused:
        read_write_request(body, BYTES_MAX)
    assert refused.value.status == 413
    with pytest.raises(DoorError, match="snappy block") as refused:
        read_write_request(b"\xff\xff\x3f" + b"\0" * 8, BYTES_MAX)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"\x0a\x00" * 100_001, 413),
        (b"\x0a\xc2\x9a\x0c" + b"\x12\x00" * 100_001, 413),
        (b"\x0a\xd2\x0f" + b"\x0a\x00" * 1001, 400),
    ],
    ids=["series", "samples", "labels"],
)
def test_many_empty_parts_are_refused_before_they_are_read(content: bytes, status: int) -> None:
    """They take two bytes each, and would take much longer to be read than to be sent."""
    refused = refusal(packed(content))
    assert refused is not None
    assert refused.status == status
    assert "at most" in refused.detail


def test_labels_named_twice_or_not_at_all_are_refused() -> None:
    """As Prometheus refuses them; the protocol forbids both."""
    for names in (("a", "a"), ("",)):
        message = WriteRequest()
        series = message.timeseries.add()
        for name in names:
            series.labels.add(name=name, value="x")
        with pytest.raises(DoorError, match="timeseries 0"):
            read_write_request(packed(message.SerializeToString()), BYTES_MAX)


@pytest.mark.parametrize("body", [b"", b"\x80", b"\xff" * 20, b"\x05hello", packed(b"\x0a\xff"), b"\x0a\x01"])
def test_bytes_that_are_no_request_are_refused(body: bytes) -> None:
    """Bad lengths, no block, no message: always 400, which a sender does not repeat."""
    with pytest.raises(DoorError) as refused:
        read_write_request(body, BYTES_MAX)
    assert refused.value.status == 400


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(noise: bytes) -> None:
    """Neither as a body nor as a message within one."""
    for body in (noise, packed(noise)):
        refused = refusal(body)
        assert refused is None or refused.status in {400, 413}


@given(st.lists(SAMPLE, min_size=1, max_size=3), st.data())
def test_a_damaged_request_is_read_or_refused(samples: list[Sent], data: st.DataObject) -> None:
    """One wrong byte anywhere never escapes as another error."""
    body = bytearray(write_request(samples))
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    refused = refusal(bytes(body))
    assert refused is None or refused.status in {400, 413}
