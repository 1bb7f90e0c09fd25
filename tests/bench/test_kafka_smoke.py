"""The benchmark of Kafka at a small size: every message is committed and every figure is there; no timings."""

from __future__ import annotations

import pytest
from bench.kafka import main


@pytest.mark.slow
def test_every_message_is_committed_and_measured() -> None:
    """A few thousand messages are read whole."""
    figures = main(["--messages", "3000"])
    assert figures["messages"] == 3_000
    assert set(figures) == {
        *("messages", "message_bytes", "first_committed_s", "messages_per_s", "mb_per_s", "peak_rss_mb"),
    }
    assert figures["message_bytes"] > 200
    assert figures["peak_rss_mb"] > 0
