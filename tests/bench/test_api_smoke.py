"""The benchmarks of the API at a small size: everything that is asked is answered; no timings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench import api, stream, viewers
from perunit.wiring import opened

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_everything_asked_is_answered() -> None:
    """Of a few thousand events, each dashboard and each page."""
    figures = api.main(["--events", "4000", "--rounds", "2"])
    assert set(figures["dashboards"]) == {"executive", "on-call", "debug"}
    assert len(figures["pages"]) == 7
    assert api.shown(figures)


@pytest.mark.slow
def test_a_company_is_taken_in_while_it_is_made(tmp_path: Path) -> None:
    """Each line of its files once; none of them stays."""
    told = stream.taken_in(tmp_path, 3_000, 30)
    with opened(tmp_path, purpose="test") as project:
        held = project.engine.value(
            "SELECT (SELECT count(*) FROM events) + (SELECT sum(duplicate + conflict + rejected) FROM batches)"
        )
        assert held == sum(each["lines"] for each in told)
    assert not (tmp_path / "stream").exists()


@pytest.mark.slow
def test_viewers_and_senders_are_both_served() -> None:
    """Facts are taken in while viewers look."""
    words = ["--events", "4000", "--viewers", "6", "--seconds", "2", "--pause", "0.2", "--rate", "200", "--batch", "20"]
    figures = viewers.main(words)
    assert figures["viewing"]["answers"] >= 6
    assert figures["ingest_alone_per_s"] > 0
    assert figures["ingest_beside_per_s"] > 0
