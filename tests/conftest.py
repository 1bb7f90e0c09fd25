"""Shared fixtures: the third-party samples (skipped where absent) and the trap for money as float."""

from __future__ import annotations

import decimal
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parent.parent.parent / "shared" / "data"

# Comparing or building a Decimal from a float is how a cent is lost; any test that does it fails.
decimal.getcontext().traps[decimal.FloatOperation] = True
decimal.DefaultContext.traps[decimal.FloatOperation] = True


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of third-party samples, which lies beside the repository and is not part of it."""
    if not SAMPLES.is_dir():
        pytest.skip(f"third-party samples are not at {SAMPLES}")
    return SAMPLES
