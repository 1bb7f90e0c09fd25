"""The headline benchmark at a small size: every figure is there and nothing differs from the truth; no timings."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
EVENTS = 20_000
GOALS = ("events", "events_per_s", "ratio_to_bare", "recompute_ratio", "query_p95_ms", "peak_rss_mb", "error")


@pytest.fixture(scope="module")
def said() -> list[str]:
    """What the benchmark prints, line by line."""
    command = [sys.executable, "-m", "bench.headline", "--events", str(EVENTS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def figures(said: list[str]) -> dict[str, Any]:
    """The line of JSON."""
    answer: dict[str, Any] = json.loads(said[-1])
    return answer


@pytest.mark.slow
def test_every_figure_of_the_goals_is_in_the_last_line(figures: dict[str, Any]) -> None:
    """The last line is JSON with a positive number for each goal, the error aside."""
    assert set(GOALS) <= set(figures)
    assert all(figures[name] > 0 for name in GOALS if name != "error")
    assert figures["events"] > EVENTS


@pytest.mark.slow
def test_nothing_differs_from_the_truth(figures: dict[str, Any]) -> None:
    """Every figure of every day and segment is exactly the truth's, as ingested and as computed anew."""
    assert figures["error"] == 0, (figures["first_difference"], figures["perunit"]["after_recompute"]["figures"])
    compared = figures["perunit"]["after_recompute"]["tables"]
    assert set(compared) >= {"rollups", "measures", "machines", "orders", "bills", "allocated by rule"}
    assert all(cells > 0 for cells in compared.values())


@pytest.mark.slow
def test_the_events_hold_what_makes_them_hard(figures: dict[str, Any]) -> None:
    """Duplicates, conflicts and late events were there to be found."""
    counts = figures["perunit"]["counts"]
    assert counts["received"] == figures["events"]
    assert min(counts["duplicate"], counts["conflict"], counts["late"]) > 0
    assert counts["rejected"] == 0


@pytest.mark.slow
def test_a_peer_is_measured_or_says_why_not(figures: dict[str, Any]) -> None:
    """Each peer that is installed fills the daily P&L within a cent of the truth; any other is skipped by name."""
    peers = figures["peers"]
    assert set(peers) == {"pandas", "postgres", "chdb"}
    for peer in peers.values():
        if "skipped" in peer:
            assert not peer["skipped"].startswith("failed"), peer["skipped"]
        else:
            assert peer["cells"] > 0
            assert Decimal(peer["error_largest"]) < Decimal("0.01")


@pytest.mark.slow
def test_people_get_a_table_first(said: list[str]) -> None:
    """The goals stand above the line of JSON with what was measured."""
    assert any("ratio to bare DuckDB" in line for line in said[:-1])


def test_a_difference_is_counted_and_named() -> None:
    """The comparison sees a changed digit, a missing row and an extra one; it is not blind."""
    sys.path.insert(0, str(ROOT))
    try:
        from bench.truth import Differences, compared
    finally:
        sys.path.remove(str(ROOT))
    true = {("a",): {"x": Decimal("0.1")}, ("b",): {"x": Decimal(2)}}
    found = {("a",): {"x": Decimal("0.10000000000000000000000001")}, ("c",): {"x": Decimal(3)}}
    differences = Differences()
    compared(differences, "table", found, true, ("x",))
    assert (differences.cells, differences.differing, differences.largest) == (3, 3, Decimal(3))
    assert differences.first is not None
    assert differences.first.startswith("table: x of a is 0.1000")
    assert differences.figures == {"table.x": 3}
