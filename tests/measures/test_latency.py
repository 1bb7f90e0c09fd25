"""Latency percentiles against exact ones, at the stated error."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perunit.measures.fine import fine_source
from perunit.measures.latency import RELATIVE_ERROR, ZERO_BUCKET, estimate
from perunit.measures.query import Query, run_query
from perunit.measures.sums import Fact
from perunit.model.window import Grain, Window, parse_instant

LEAST, MOST = Decimal("0.000001"), Decimal(10) ** 12
WINDOW = Window(parse_instant("2026-03-01"), parse_instant("2026-03-02"))


def test_the_error_is_the_published_one() -> None:
    """At scale 5 the relative error is (g − 1) / (g + 1) with g = 2^(1/32): 1.08 %."""
    assert round(RELATIVE_ERROR, 4) == 0.0108


@given(st.floats(1e-3, 1e9))
def test_every_value_of_a_bucket_is_within_the_error(value: float) -> None:
    """The bucket's estimate is no further from a value in it than stated."""
    bucket = math.ceil(math.log2(value) * 32) - 1
    shown = float(estimate(bucket, LEAST, MOST))
    assert abs(shown - value) <= value * RELATIVE_ERROR * (1 + 1e-9) + 1e-6


def test_zeros_are_zero() -> None:
    """The bucket of zeros stands for 0 whatever was observed besides."""
    assert estimate(ZERO_BUCKET, Decimal(0), Decimal(9)) == 0


def add_latencies(store: Any, latencies: list[str], when: str = "2026-03-01T10:00") -> None:
    """One event for each latency, all in one cell and minute."""
    cell = store.cell(plan="pro")
    for number, latency in enumerate(latencies):
        store.add(
            "events", event_key=number, id=str(number), event_time=parse_instant(when).replace(tzinfo=None), batch_id=1,
            cell_id=cell, late=False, unit_order=str(number), latency_ms=Decimal(latency),
        )  # fmt: skip


def test_a_bound_lies_in_the_bucket_below(store: Any) -> None:
    """Upper bounds are inclusive: 1, 2, 4 … 2^40 end their buckets, a millionth more begins the next."""
    powers = [2**power for power in range(40)]
    add_latencies(store, [str(power) for power in powers] + [f"{power}.000001" for power in powers])
    start, end = (parse_instant(text).replace(tzinfo=None) for text in ("2026-03-01", "2026-03-02"))
    sql = fine_source(store.contract, "order", Fact.LATENCY)
    rows = dict(store.engine.rows(f"SELECT latency_min, bucket FROM ({sql})", {"start": start, "end": end}))
    for exponent, power in enumerate(powers):
        assert rows[Decimal(power)] == exponent * 32 - 1
        if exponent < 30:  # further up a double cannot tell a millionth
            assert rows[Decimal(power) + Decimal("0.000001")] == exponent * 32


@pytest.mark.parametrize("shape", ["lognormal", "pareto"])
def test_percentiles_are_within_the_error_of_the_exact_ones(store: Any, shape: str) -> None:
    """On a heavy tail too, the nearest-rank percentile is met to 1.08 %."""
    random = np.random.default_rng(7)
    drawn = random.lognormal(4, 1.2, 3000) if shape == "lognormal" else (random.pareto(1.1, 3000) + 1) * 20
    latencies = sorted(Decimal(f"{each:.6f}") for each in drawn.tolist())
    add_latencies(store, [str(each) for each in latencies])
    names = ("latency_ms_p50", "latency_ms_p95", "latency_ms_p99")
    row = run_query(store.engine, store.contract, Query(names, grain=Grain.HOUR, window=WINDOW)).rows[0]
    for name, share in zip(names, (50, 95, 99), strict=True):
        exact = latencies[-(-len(latencies) * share // 100) - 1]
        assert abs(float(row.values[name]) / float(exact) - 1) <= RELATIVE_ERROR * 1.000001, name


def test_histograms_merge_over_days_and_segments(store: Any) -> None:
    """Days are summed before the percentile is taken: 90 fast and 10 slow observations have a fast median."""
    pro, free = store.cell(plan="pro"), store.cell(plan="free")
    for day, cell, bucket, count, latency in [
        ("2026-03-01", pro, 212, 45, "100"), ("2026-03-02", free, 212, 45, "100"), ("2026-03-02", pro, 319, 9, "1000"),
        ("2026-03-02", pro, None, 1, "0"),
    ]:  # fmt: skip
        store.add(
            "rollup_latency", day=parse_instant(day).replace(tzinfo=None), cell_id=cell, bucket=bucket,
            observations=count, latency_sum=Decimal(latency), latency_min=Decimal(latency),
            latency_max=Decimal(latency),
        )  # fmt: skip
    result = run_query(store.engine, store.contract, Query(("latency_ms_p50", "latency_ms_p95")))
    assert [round(float(value), 0) for value in result.rows[0].values.values()] == [100, 1000]
    slow = run_query(store.engine, store.contract, Query(("latency_ms_p50",), by=("plan",)))
    assert [round(float(row.values["latency_ms_p50"]), 0) for row in slow.rows] == [100, 100]
