"""What is strange about the company, so that a person can look for it. Enters: the calendar. Leaves: short stories."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perunit.simulate.scenario import Scenario

__all__ = ["stories_of"]


def stories_of(scenario: Scenario) -> list[dict[str, str]]:
    """Each with a name, what happened, and where it shows."""
    begin, end = (_instant(edge) for edge in scenario.outage)
    change = _instant(scenario.change)
    heavy = scenario.releases[scenario.heavy_release]
    return [
        _story(
            "losing region",
            "Renders are delivered to sa-east-1 uncompressed: 36 times the egress of us-east-1, at a higher price.",
            "contribution_margin by region; egress_bytes of sa-east-1",
        ),
        _story(
            "free plan",
            "Free orders use machines and models and charge nothing.",
            "contribution_margin where plan = 'free'",
        ),
        _story(
            "heavy release",
            f"Release {heavy} needs 40 % more processor time for each order.",
            f"cpu_seconds per order by release, {heavy} against the others",
        ),
        _story(
            "price change",
            f"From {change} processor time costs about 10 % more and written tokens 20 % more.",
            "variable_cost by day",
        ),
        _story(
            "payment outage",
            f"From {begin} to {end} most payments from ios fail; many are retried with the same intent.",
            "success_rate by hour where channel = 'ios'",
        ),
        _story("partner refunds", "Orders from partners are refunded four times as often.", "refund_rate by channel"),
        _story(
            "restated bill",
            "Version 2 of each bill puts five days of eu-west-1 machines right and gives a credit.",
            "cost_variance after importing it",
        ),
    ]


def _story(name: str, what: str, where: str) -> dict[str, str]:
    return {"name": name, "what": what, "where": where}


def _instant(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, tz=UTC).isoformat().replace("+00:00", "Z")
