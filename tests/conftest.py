"""Shared fixtures: the third-party samples (skipped where absent) and the trap for money as float."""

from __future__ import annotations

import decimal
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.postgres import postgres

from perunit.store.control.database import open_control

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.store.control.database import ControlStore

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


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL of this run's own, by the URL of its database; skipped where none is installed."""
    with postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of that database, emptied of what other tests left in it."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return postgres_server


@pytest.fixture(params=["sqlite", "postgresql"])
def control(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ControlStore]:
    """An empty control database, on each of the two."""
    with closing(_control(request, tmp_path)) as store:
        yield store


def _control(request: pytest.FixtureRequest, tmp_path: Path) -> ControlStore:
    if request.param == "sqlite":
        return open_control(tmp_path / "data")
    return open_control(tmp_path, request.getfixturevalue("postgres_url"))
