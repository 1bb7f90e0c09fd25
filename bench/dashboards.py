"""What dashboards ask. Enters: the end of what facts there are. Leaves: bodies of POST /queries, as pages send them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

__all__ = ["dashboards"]

Body = dict[str, Any]


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def dashboards(end: datetime, filters: tuple[str, ...] = ()) -> dict[str, Body]:
    """Each dashboard by name. `end` is a midnight, as costs that rest on bills are known by the day."""
    return {
        "executive": {"queries": [each | {"filters": list(filters)} for each in _executive(end)]},
        "on-call": {"queries": [each | {"filters": list(filters)} for each in _on_call(end)]},
        "debug": {"queries": [each | {"filters": list(filters)} for each in _debug(end)]},
    }


def _executive(end: datetime) -> list[Body]:
    month = {"from": _at(end - timedelta(days=30)), "to": _at(end)}
    kpis = ["contribution_margin", "fully_loaded_margin", "revenue", "variable_cost", "cost_per_unit", "units"]
    return [
        {**month, "measures": kpis, "compare": "previous"},
        {**month, "measures": ["contribution_margin", "revenue", "variable_cost"], "grain": "day"},
        {**month, "measures": ["cost_per_unit", "revenue_per_unit", "cost_variance"], "grain": "day"},
        {**month, "measures": ["contribution_margin", "units"], "by": ["region"], "compare": "previous"},
        {**month, "measures": ["contribution_margin", "units"], "by": ["plan"]},
        {
            **month,
            "measures": ["contribution_margin", "contribution_margin_per_unit", "units"],
            "by": ["plan", "region", "channel"],
            "order": ["contribution_margin"],
            "limit": 10,
        },
        {**month, "measures": ["usage_cost"], "by": ["meter"]},
        {**month, "measures": ["shared_cost", "idle_cost", "unallocated_cost", "reconciliation_score"]},
    ]


def _on_call(end: datetime) -> list[Body]:
    day = {"from": _at(end - timedelta(days=1)), "to": _at(end)}
    hour = {"from": _at(end - timedelta(hours=1)), "to": _at(end)}
    return [
        {**day, "measures": ["success_rate", "attempts", "failures"], "compare": "week"},
        {**day, "measures": ["success_rate", "attempts", "failures"], "grain": "hour"},
        {**hour, "measures": ["success_rate", "failures", "events"], "grain": "minute"},
        {**day, "measures": ["latency_ms_p50", "latency_ms_p95", "latency_ms_p99"]},
        {**day, "measures": ["success_rate", "failures"], "by": ["release"]},
        {**day, "measures": ["success_rate", "failures"], "by": ["region"], "order": ["-failures"], "limit": 10},
        {**day, "measures": ["orphan_rate", "duplicate_rate", "late_rate"]},
    ]


def _debug(end: datetime) -> list[Body]:
    week = {"from": _at(end - timedelta(days=7)), "to": _at(end)}
    return [
        {**week, "measures": ["cost_per_unit", "cpu_seconds_per_unit"], "by": ["release"]},
        {**week, "measures": ["usage_cost"], "by": ["meter"], "grain": "day"},
        {**week, "measures": ["cost_per_unit"], "by": ["release"], "grain": "day"},
        {**week, "measures": ["usage_cost"], "by": ["resource"], "order": ["-usage_cost"], "limit": 20},
        {**week, "measures": ["latency_ms_p95", "success_rate"], "by": ["release", "region"]},
        {**week, "measures": ["units", "events"], "by": ["source"]},
    ]
