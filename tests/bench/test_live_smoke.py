"""The benchmark of what comes live at a small size: every event is stored and every figure is there; no timings."""

from __future__ import annotations

import pytest
from bench.live import main


@pytest.mark.slow
def test_every_event_is_stored_and_measured() -> None:
    """A few thousand events, through the intake and over HTTP."""
    figures = main(["--events", "4000", "--batch", "100", "--lag-seconds", "0.5"])
    assert figures["intake"]["facts"] == figures["events"]
    assert set(figures) == {"events", "batch", "senders", "bare_events_per_s", "intake", "http"}
    timed = {"events_per_s", "p50_ms", "p99_ms"}
    assert set(figures["intake"]["lag"]) == timed
    assert set(figures["intake"]) == timed | {"cpu_us_per_event", "lag", "facts", "peak_rss_mb", "of_bare"}
    assert set(figures["http"]) == timed | {"peak_rss_mb", "server_cpu_us_per_event", "of_bare"}
