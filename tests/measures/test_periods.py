"""Buckets and the periods figures are compared with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perunit.measures.periods import Compare, bucket_end, bucket_of, comparison, one_before
from perunit.model.errors import UsageError
from perunit.model.window import Grain, Window, parse_instant

TIMED = [grain for grain in Grain if grain is not Grain.TOTAL]


def window(start: str, end: str) -> Window:
    """A closed window."""
    return Window(parse_instant(start), parse_instant(end))


@given(st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2100-01-01")), st.sampled_from(TIMED))
def test_a_bucket_holds_its_instant(instant: datetime, grain: Grain) -> None:
    """Every instant lies in its bucket, and a bucket's start in its own."""
    aware = instant.replace(tzinfo=UTC)
    start = bucket_of(aware, grain)
    assert start <= aware < bucket_end(start, grain)
    assert bucket_of(start, grain) == start


def test_previous_is_the_window_of_the_same_length_before() -> None:
    """A week is compared with the week before."""
    assert comparison(window("2026-03-08", "2026-03-15"), Grain.DAY, Compare.PREVIOUS).window == window(
        "2026-03-01", "2026-03-08"
    )


def test_previous_months_are_calendar_months() -> None:
    """At grain month, February and March are compared with December and January."""
    shift = comparison(window("2026-02-01", "2026-04-01"), Grain.MONTH, Compare.PREVIOUS)
    assert shift.window == window("2025-12-01", "2026-02-01")
    assert shift.back(parse_instant("2026-03-01")) == parse_instant("2026-01-01")
    assert shift.forth(parse_instant("2026-01-01")) == parse_instant("2026-03-01")


def test_previous_at_grain_month_needs_whole_months() -> None:
    """Half a month has no calendar counterpart."""
    with pytest.raises(UsageError, match="whole months"):
        comparison(window("2026-02-01", "2026-03-15"), Grain.MONTH, Compare.PREVIOUS)


@given(st.integers(1, 60))
def test_week_keeps_the_weekday(days: int) -> None:
    """The week comparison steps back by whole weeks and never overlaps the window."""
    start = parse_instant("2026-03-04")
    shift = comparison(Window(start, start + timedelta(days=days)), Grain.DAY, Compare.WEEK)
    assert shift.window.start is not None
    assert shift.window.end is not None
    assert shift.window.start.weekday() == start.weekday()
    assert shift.window.end <= start
    assert start - shift.window.end < timedelta(days=7)


def test_a_year_earlier_is_a_calendar_year() -> None:
    """The 29th of February is compared with the 28th."""
    shift = comparison(window("2024-02-29", "2024-03-01"), Grain.DAY, Compare.YEAR)
    assert shift.window == window("2023-02-28", "2023-03-01")


def test_an_open_window_cannot_be_compared() -> None:
    """Without both ends there is no length to step back by."""
    with pytest.raises(UsageError, match="give --from and --to"):
        comparison(Window(None, None), Grain.DAY, Compare.PREVIOUS)


def test_the_step_before_a_month_is_a_month() -> None:
    """Cost variance at grain month looks at calendar months, over an open window too."""
    shift = one_before(Window(None, parse_instant("2026-04-01")), Grain.MONTH)
    assert shift.window == Window(None, parse_instant("2026-03-01"))
    assert shift.back(parse_instant("2026-03-01")) == parse_instant("2026-02-01")
