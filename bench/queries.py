"""The standard queries. Enters: a project with its data. Leaves: how long each takes, mixed, on the open store.

The window is what people look at: the whole month, its last week, its last day. Everything goes through the measures'
one door, as `perunit query` does, without the start of a process.
"""

from __future__ import annotations

import json
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.measure import percentile
from perunit.measures.periods import Compare
from perunit.measures.query import Query, run_query
from perunit.model.window import Grain, Window
from perunit.wiring import opened

__all__ = ["QUERIES"]

ROUNDS = 12
_END = datetime(2026, 10, 1, tzinfo=UTC)
_MONTH, _WEEK, _DAY = (Window(_END - timedelta(days=days), _END) for days in (30, 7, 1))
_PNL = ("gross_revenue", "discounts", "refunds", "fees", "variable_cost", "contribution_margin")

QUERIES = {
    "P&L of the month": Query((*_PNL, "units"), window=_MONTH),
    "P&L by day": Query(_PNL, grain=Grain.DAY, window=_MONTH),
    "P&L by day and plan": Query(_PNL, by=("plan",), grain=Grain.DAY, window=_MONTH),
    "losing segments": Query(
        ("contribution_margin", "units"),
        by=("plan", "region", "channel"),
        window=_MONTH,
        order=("contribution_margin",),
        limit=10,
    ),
    "loaded margin by plan": Query(("fully_loaded_margin", "shared_cost", "idle_cost"), by=("plan",), window=_MONTH),
    "cost per unit by release": Query(("cost_per_unit", "cpu_seconds_per_unit"), by=("release",), window=_MONTH),
    "last day by hour": Query(("gross_revenue", "units", "success_rate"), grain=Grain.HOUR, window=_DAY),
    "week against the week before": Query(
        ("revenue", "contribution_margin_per_unit"), by=("channel",), window=_WEEK, compare=Compare.PREVIOUS
    ),
    "usage cost by meter": Query(("usage_cost",), by=("meter",), grain=Grain.DAY, window=_MONTH),
    "latency by region": Query(("latency_ms_p50", "latency_ms_p95", "latency_ms_p99"), by=("region",), window=_WEEK),
    "one segment by day": Query(
        ("revenue", "variable_cost"), grain=Grain.DAY, window=_MONTH, where="plan = 'pro' and region = 'sa-east-1'"
    ),
    "quality of the data": Query(
        ("orphan_rate", "duplicate_rate", "late_rate", "unpriced_rate"), grain=Grain.DAY, window=_WEEK
    ),
    "active users by day": Query(("active_units",), unit="user", grain=Grain.DAY, window=_WEEK),
}


def main() -> None:
    """`PROJECT`: every query in every round once, in an order that is mixed anew each round."""
    took: dict[str, list[float]] = {name: [] for name in QUERIES}
    mixed = random.Random(7)
    with opened(Path(sys.argv[1]), purpose="bench") as project:
        for _ in range(ROUNDS):
            for name in mixed.sample(list(QUERIES), len(QUERIES)):
                start = time.perf_counter()
                result = run_query(project.engine, project.contract, QUERIES[name])
                took[name].append((time.perf_counter() - start) * 1000)
                if not result.rows:
                    raise AssertionError(f"query {name!r} found no rows")
    every = [value for values in took.values() for value in values]
    answer = {f"p{share}": round(percentile(every, share), 2) for share in (50, 95, 99)}
    medians = {name: round(percentile(values, 50), 2) for name, values in took.items()}
    print(json.dumps({**answer, "runs": len(every), "median_ms": medians}))


if __name__ == "__main__":
    main()
