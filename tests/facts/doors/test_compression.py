"""Compressed bodies: what they say, within a limit."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from perunit.facts.arrivals import DoorError
from perunit.facts.doors.compression import decompressed

if TYPE_CHECKING:
    from collections.abc import Callable

ZSTD = zstandard.ZstdCompressor()
COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": ZSTD.compress}
MIB = 1 << 20


@pytest.mark.parametrize("coding", COMPRESS)
@given(st.binary(max_size=5000), st.binary(max_size=50))
def test_what_was_compressed_comes_back(coding: str, body: bytes, more: bytes) -> None:
    """Also of several members or frames, one after the other."""
    compress = COMPRESS[coding]
    assert decompressed(compress(body), coding, 6000) == body
    assert decompressed(compress(body) + compress(more), coding, 6000) == body + more


@pytest.mark.parametrize("coding", [None, "", "identity"])
def test_a_plain_body_is_itself(coding: str | None) -> None:
    """No coding, or the one that is none."""
    assert decompressed(b"plain", coding, 3) == b"plain"


@pytest.mark.parametrize("coding", COMPRESS)
def test_the_limit_is_inclusive(coding: str) -> None:
    """A body of just as many bytes passes, one more does not."""
    body = COMPRESS[coding](b"x" * 1000)
    assert len(decompressed(body, coding, 1000)) == 1000
    with pytest.raises(DoorError) as refused:
        decompressed(body, coding, 999)
    assert (refused.value.status, "999 bytes" in refused.value.detail) == (413, True)


@pytest.mark.parametrize("coding", COMPRESS)
def test_a_bomb_costs_its_limit(coding: str) -> None:
    """What would be a gigabyte of a few kilobytes is given up at the limit, without being made."""
    import tracemalloc

    if coding == "zstd":
        chunk = zstandard.ZstdCompressor().compressobj(size=1024 * MIB)
        bomb = b"".join(chunk.compress(bytes(MIB)) for _ in range(1024)) + chunk.flush()
    else:
        bomb = gzip.compress(bytes(64 * MIB))
    tracemalloc.start()
    with pytest.raises(DoorError) as refused:
        decompressed(bomb, coding, 4 * MIB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.status == 413
    assert peak < 40 * MIB


@pytest.mark.parametrize("coding", COMPRESS)
@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_cut_or_broken_body_is_refused(coding: str, cut: int) -> None:
    """An end that is missing, bytes that are others, and bytes that are none of it."""
    body = COMPRESS[coding](bytes(range(256)) * 20)
    for wrong in (body[:-cut], body[:3] + b"\xff\xff" + body[5:], b"not compressed", body + b"rest"):
        with pytest.raises(DoorError) as refused:
            decompressed(wrong, coding, MIB)
        assert refused.value.status == 400
        assert coding in refused.value.detail


@given(st.sampled_from(sorted(COMPRESS)), st.binary(max_size=300))
def test_any_bytes_are_decompressed_or_refused(coding: str, body: bytes) -> None:
    """Nothing but DoorError comes of any bytes."""
    try:
        made = decompressed(body, coding, 1000)
    except DoorError:
        return
    assert len(made) <= 1000


def test_another_coding_is_named() -> None:
    """What is not known is said, with what is."""
    with pytest.raises(DoorError, match="got 'br', must be gzip or zstd") as refused:
        decompressed(b"", "br", 10)
    assert refused.value.status == 415
