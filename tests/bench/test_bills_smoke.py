"""The bills benchmark at a small size: the sum is kept, every line is allocated, the yardsticks are measured."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LINES = 5_000


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    """The line of JSON that the benchmark ends with; the peer has an environment of its own and is left out."""
    command = [sys.executable, "-m", "bench.bills", "--lines", str(LINES), "--usage", str(LINES), "--skip-peer"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.slow
def test_the_bill_comes_to_what_bare_duckdb_sums(figures: dict[str, Any]) -> None:
    """The imported total and the allocated parts are the sum of the file's own column, to the last digit."""
    assert figures["sum_kept"]
    assert figures["conserved"]
    by_kind = {kind: Decimal(amount) for kind, amount in figures["perunit"]["by_kind"].items()}
    assert sum(by_kind.values()) == Decimal(figures["sum"])
    assert by_kind["usage"] > 0
    assert by_kind["idle"] > 0
    assert by_kind["direct"] > 0


@pytest.mark.slow
def test_the_figures_of_the_goals_are_there(figures: dict[str, Any]) -> None:
    """Seconds, memory and the ratio to bare reading are measured; the same file again changes nothing."""
    assert figures["lines"] == LINES
    assert min(figures["import_allocate_s"], figures["peak_rss_mb"], figures["ratio_to_bare"]) > 0
    assert figures["perunit"]["again"] == "unchanged"
    assert figures["perunit"]["usage_rows"] > 0
