"""The benchmark of pseudonyms at a small size: every way is taken in; no timings."""

from __future__ import annotations

import pytest
from bench.privacy import WAYS, main


@pytest.mark.slow
def test_every_way_is_measured() -> None:
    """Against the plain one."""
    figures = main(["--events", "4000", "--rounds", "1"])
    assert set(figures["ratio"]) == set(WAYS)
    assert figures["ratio"]["plain"] == 1
