"""The sums of events: latency buckets, openings of units, and what a repeated or early event does to them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.invariants.company import START, Company, Event
from tests.invariants.oracle import bucket

from perunit.economics.rollup.compute import prepare

if TYPE_CHECKING:
    from pathlib import Path


def visit(name: str, hours: float, **given: Any) -> str:
    """A visit, some hours after the start."""
    time = START + timedelta(hours=hours)
    return Event(name, "user.visited", time, recorded=time, order_id=None, **given).line()


def openings(company: Company) -> dict[tuple[int, str | None], int]:
    """(hour after the start, shown plan) → users opened, where not 0."""
    return {
        (hour, plan): opened
        for hour, plan, opened in company.engine.rows(
            "SELECT date_diff('hour', $start, u.window_start), shown_plan, sum(opened) AS n FROM rollup_units u "
            "JOIN cells USING (cell_id) WHERE unit_type = 'user' GROUP BY ALL HAVING n <> 0",
            {"start": START.replace(tzinfo=None)},
        )
    }


def test_a_latency_falls_on_the_right_side_of_every_bound(tmp_path: Path) -> None:
    """Up to 18 hours, to the microsecond, against exact arithmetic; powers of two lie on a bound.

    Further up a microsecond is less than a double can tell apart, and a value that near to a bound may be either's.
    """
    values = {Decimal(0), *(Decimal(2) ** power for power in range(-6, 27))}
    for index in range(-600, 831):
        micro = _floor_microseconds(index + 1)
        values |= {Decimal(micro + step).scaleb(-6) for step in (0, 1) if micro + step > 0}
    company = Company(tmp_path)
    prepare(company.engine)
    company.engine.execute("CREATE TEMP TABLE v (v DECIMAL(18, 6))")
    company.engine.connection.executemany("INSERT INTO v VALUES (?)", [[str(value)] for value in sorted(values)])
    wrong = [(v, found) for v, found in company.engine.rows("SELECT v, latency_bucket(v) FROM v") if found != bucket(v)]
    assert wrong == []


def _floor_microseconds(index: int) -> int:
    """The greatest whole number of microseconds at or below the bound 2^(index/32) milliseconds."""
    low, high = 0, 1 << 60
    while low < high:
        middle = (low + high + 1) // 2
        fits = Fraction(middle, 1_000_000) ** 32 <= Fraction(2) ** index
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def test_a_unit_is_opened_once_where_it_happened_first(tmp_path: Path) -> None:
    """An event that comes later but happened earlier takes the opening with it, segment and all."""
    company = Company(tmp_path)
    company.deliver([visit("e1", 5, plan="a"), visit("e2", 7, plan="b")])
    assert openings(company) == {(5, "a"): 1}
    company.deliver([visit("e3", 3, plan="b")])
    assert openings(company) == {(3, "b"): 1}
    company.deliver([visit("e4", 4, plan="a"), visit("e5", 3, plan="b", user_id="u2")])
    assert openings(company) == {(3, "b"): 2}


def test_a_unit_opened_twice_at_one_instant_is_opened_once(tmp_path: Path) -> None:
    """Whichever comes first: two events of one instant in two segments give one opening, the same one."""
    found = []
    for order in (("a", "b"), ("b", "a")):
        folder = tmp_path / order[0]
        folder.mkdir()
        company = Company(folder)
        for plan in order:
            company.deliver([visit(plan, 5, plan=plan)])
        found.append(openings(company))
    assert sum(found[0].values()) == 1
    assert found[0] == found[1]


def test_a_repeat_counts_as_a_delivery_and_nothing_else(tmp_path: Path) -> None:
    """Events, openings and unit days are of the event; duplicates tell how often it came again."""
    company = Company(tmp_path)
    company.deliver([visit("e1", 5)] * 3, [visit("e1", 5)])
    assert company.engine.rows("SELECT sum(events), sum(duplicates) FROM rollup") == [(1, 3)]
    assert company.engine.rows("SELECT sum(events) FROM unit_days") == [(1,)]
    assert openings(company) == {(5, None): 1}
