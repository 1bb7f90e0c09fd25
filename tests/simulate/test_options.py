"""Options are refused with the name of the option, the value, the rule and the mend."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from perunit.model.errors import UsageError
from perunit.simulate.options import SimulationOptions


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"events": -5}, "--events: got -5, must be 100 to"),
        ({"events": 99}, "--events: got 99"),
        ({"days": 0}, "--days: got 0, must be 1 to 366"),
        ({"days": 367}, "--days: got 367"),
        ({"seed": -1}, "--seed: got -1"),
        ({"parts": 0}, "--parts: got 0"),
        ({"events": 100, "parts": 11}, "--parts: got 11, must be 1 to 10;"),
        ({"duplicates": -0.1}, "--duplicates: got -0.1, must be 0 to 1"),
        ({"conflicts": 1.01}, "--conflicts: got 1.01"),
        ({"late": float("nan")}, "--late: got nan"),
        ({"start": date(1999, 12, 31)}, "--start: got 1999-12-31, must lie in 2000 to 2099"),
        ({"price_change": datetime(2026, 9, 1, tzinfo=UTC)}, "must be a whole millisecond between 2026-09-01 and"),
        ({"price_change": datetime(2026, 10, 1, tzinfo=UTC)}, "between 2026-09-01 and 2026-10-01"),
        ({"price_change": datetime(2026, 9, 9, 1, 2, 3, 7, tzinfo=UTC)}, "must be a whole millisecond"),
        ({"price_change": datetime(2026, 9, 9)}, "must state its offset from UTC"),  # noqa: DTZ001 - the fault
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any], message: str) -> None:
    """Each option out of range raises a UsageError that names it."""
    with pytest.raises(UsageError) as caught:
        SimulationOptions(**wrong)
    assert message in str(caught.value)


@pytest.mark.parametrize("days", [1, 7, 30, 366])
def test_prices_change_within_the_days_by_default(days: int) -> None:
    """Without an instant the change lies 14/30 into the range; for 30 days that is the 15th at midnight."""
    options = SimulationOptions(days=days)
    assert options.first < options.change < options.end
    assert SimulationOptions().change == datetime(2026, 9, 15, tzinfo=UTC)
