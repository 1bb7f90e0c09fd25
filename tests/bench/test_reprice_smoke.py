"""The repricing benchmark at a small size: its figures are there and the preview is right; no timings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_preview_of_a_doubled_price_is_right_to_the_last_digit() -> None:
    """The change of the margin is what the doubled price had made of the month's usage."""
    command = [sys.executable, "-m", "bench.reprice", "--events", "200000", "--repeats", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["rows"]["rollup_usage"] == 720 * 3 * figures["cells"]
    assert float(figures["error"]) == 0
    assert {"reprice_s", "bare_group_by_s", "ratio_to_bare"} <= set(figures)
