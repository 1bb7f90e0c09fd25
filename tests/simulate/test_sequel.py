"""The company after its simulated days."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perunit.model.errors import UsageError
from perunit.simulate.options import SimulationOptions
from perunit.simulate.scenario import Scenario
from perunit.simulate.sequel import Sequel

OPTIONS = SimulationOptions(events=20_000, days=10, start=date(2026, 9, 1))
END = datetime(2026, 9, 11, tzinfo=UTC)


def events_until(*moments: datetime) -> list[dict[str, object]]:
    """What the stretches up to these instants bring."""
    sequel = Sequel(OPTIONS)
    try:
        return [json.loads(line) for moment in moments for line in sequel.until(moment).splitlines()]
    finally:
        sequel.close()


WHOLE = events_until(END + timedelta(days=2))


def test_it_goes_on_where_the_days_ended() -> None:
    """At about the pace of the first days, with orders of its own."""
    assert 3_000 < len(WHOLE) < 6_500
    assert all(str(event["time"]) >= "2026-09-11" for event in WHOLE)
    assert all(str(event["recordedtime"]) < "2026-09-13" for event in WHOLE)
    orders = {event["data"].get("order_id") for event in WHOLE}  # type: ignore[attr-defined]
    numbers = [int(str(order).removeprefix("o-")) - 100_000_000 for order in orders if order]
    assert min(numbers) >= Scenario(OPTIONS).orders


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 2 * 86_400), max_size=5))
def test_the_stretches_make_no_difference(seconds: list[int]) -> None:
    """However often it is asked, the same events come, each in the stretch in which it arrives."""
    cuts = [END + timedelta(seconds=second) for second in sorted(seconds)]
    assert events_until(*cuts, END + timedelta(days=2)) == WHOLE


def test_time_runs_one_way() -> None:
    """An instant before the last one is refused."""
    with pytest.raises(UsageError, match="must not lie before"):
        events_until(END + timedelta(hours=2), END + timedelta(hours=1))
