"""Questions answered from sums by day have the same answers, whatever is asked together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.faces.api.v1.conftest import made

from perunit.engine.duckdb import Snapshot
from perunit.measures import coarse
from perunit.measures.coarse import summed_by_day
from perunit.measures.filters import parse_filter
from perunit.measures.periods import Compare
from perunit.measures.query import Query, run_query
from perunit.model.window import Grain, Window
from perunit.wiring import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.wiring import Opened

START = datetime(2026, 9, 24, tzinfo=UTC)
WEEK = Window(START, START + timedelta(days=7))
MONEY = ("contribution_margin", "fully_loaded_margin", "revenue", "usage_cost", "fees", "unpriced_usage", "unconverted")
QUERIES = (
    Query((*MONEY, "units", "success_rate", "events"), window=WEEK),
    Query((*MONEY, "cpu_seconds", "cost_variance", "cost_per_unit_stddev"), window=WEEK, compare=Compare.PREVIOUS),
    Query((*MONEY, "units", "latency_ms_p95"), grain=Grain.DAY, window=WEEK),
    Query(MONEY, by=("region", "plan"), grain=Grain.MONTH, window=WEEK),
    Query(("revenue", "units"), grain=Grain.HOUR, window=WEEK),
    Query(("usage_cost", "unpriced_rate"), by=("meter",), window=WEEK),
    Query(("usage_cost",), by=("resource",), grain=Grain.DAY, window=WEEK),
    Query(
        ("revenue", "contribution_margin"), by=("release",), window=WEEK, filters=(parse_filter("region:eu-west-1,"),)
    ),
    Query(("usage_cost",), window=WEEK, filters=(parse_filter("meter!:cpu_seconds"),)),
    Query(("revenue",), window=WEEK, where="plan = 'pro'"),
    Query(("active_units", "revenue"), unit="user", grain=Grain.DAY, window=WEEK),
    Query(("shared_cost", "idle_cost", "unallocated_cost", "reconciliation_score"), window=WEEK),
    Query(MONEY, window=Window(WEEK.start, None)),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A small simulated company."""
    with opened(made(tmp_path_factory.mktemp("coarse")), purpose="query") as found:
        yield found


def test_sums_of_days_are_the_same_sums(project: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values, rows, states and notes of each question, asked alone and together."""
    monkeypatch.setattr(coarse, "_ROWS_MIN", 0)
    alone = [run_query(project.engine, project.contract, query) for query in QUERIES]
    snapshot = Snapshot(project.engine)
    with summed_by_day(snapshot, frozenset({WEEK, Window(WEEK.start, None)})):
        together = [run_query(snapshot, project.contract, query) for query in QUERIES]
        made = snapshot.value("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'by_day_%'")
    snapshot.close()
    assert made >= 5
    assert [result.as_json() for result in together] == [result.as_json() for result in alone]
    assert all(result.rows for result in alone)
