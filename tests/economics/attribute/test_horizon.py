"""What is bought for months is fixed cost of each of them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

instant = datetime.fromisoformat
YEAR = {
    "name": "licence",
    "method": "even",
    "unit": "order",
    "match": "true",
    "horizon": {"months": 3},
}


def test_a_line_is_spread_over_months_by_their_days(store: Any) -> None:
    """92 for May, June and July: 31, 30 and 31; May is shared by who was there, July is still to come."""
    store.charge("92")
    store.opened(1, 1)
    store.opened(2, 3)
    store.opened(1, 5, at=instant("2026-06-30T23:00"))
    store.amounts(1, at=instant("2026-06-30T23:00"))
    store.allocate(YEAR)
    assert store.parts("day, kind, cell_id, effective_cost, reason") == [
        (instant("2026-05-01"), "fixed", 1, Decimal("7.75"), None),
        (instant("2026-05-01"), "fixed", 2, Decimal("23.25"), None),
        (instant("2026-06-30"), "fixed", 1, 30, None),
        (instant("2026-07-01"), "unallocated", None, 31, "the month is still to come"),
    ]


def test_billed_cost_stays_in_the_month_it_was_billed(store: Any) -> None:
    """An invoice is not spread: its billed cost is borne in the first month, its effective cost over all."""
    store.charge("92")
    store.opened(1, 1)
    store.allocate(YEAR)
    rows = store.engine.rows("SELECT day, sum(billed_cost) FROM allocations GROUP BY 1 ORDER BY 1")
    assert rows == [(instant("2026-05-01"), 92), (instant("2026-06-01"), 0), (instant("2026-07-01"), 0)]


def test_months_that_begin_amid_a_month_are_cut_at_its_end(store: Any) -> None:
    """Three months from 16 May: 16 days, 30, 31, and 15 days of August, 92 in all; stated weights need no usage."""
    store.charge("92", start=instant("2026-05-16T10:00"))
    rule = {"name": "l", "method": "fixed", "match": "true", "unit": "order", "weights": {"o-1": 1}}
    store.allocate(rule | {"horizon": {"months": 3}})
    assert store.parts("day, kind, unit_key, effective_cost") == [
        (instant("2026-05-16"), "fixed", "o-1", 16),
        (instant("2026-06-01"), "fixed", "o-1", 30),
        (instant("2026-07-01"), "fixed", "o-1", 31),
        (instant("2026-08-01"), "fixed", "o-1", 15),
    ]


def test_a_month_with_nothing_to_split_by_says_so(store: Any) -> None:
    """June has passed without an order, which is not the same as still to come."""
    store.charge("92")
    store.opened(1, 1)
    store.amounts(1, at=instant("2026-07-02"))
    store.allocate(YEAR)
    reasons = store.engine.rows("SELECT day, reason FROM allocations WHERE kind = 'unallocated' ORDER BY day")
    assert reasons == [(instant(f"2026-0{month}-01"), "no order opened in the period") for month in (6, 7)]
