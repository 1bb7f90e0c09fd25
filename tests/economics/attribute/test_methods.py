"""What each allocation method does with a bill line."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from perunit.model.errors import ConfigurationError

# Times as the store keeps them: UTC, without a zone.
instant = datetime.fromisoformat

CPU = {"name": "cpu", "method": "usage", "meter": "cpu_seconds", "resource": "resource_id"}
TAGGED = {
    "name": "tagged",
    "method": "direct",
    "match": "tags['order'] is not null",
    "unit": "order",
    "key": "tags['order']",
}
SUPPORT = {"name": "support", "method": "proportional", "to": "variable_cost", "match": "charge_category = 'Tax'"}
EVEN = {"name": "even", "method": "even", "unit": "order"}


def decimals(*texts: str) -> list[Decimal]:
    """Texts as decimals."""
    return [Decimal(text) for text in texts]


def test_a_node_of_35_dollars_used_30_30_10_of_70_costs_15_15_5(store: Any) -> None:
    """OpenCost's published example: what a node's users requested shares its price in that ratio."""
    store.charge("35", resource_id="i-1")
    for cell, quantity in ((1, "30"), (2, "30"), (3, "10")):
        store.usage(cell, quantity)
    store.allocate(CPU)
    assert store.parts("cell_id, billed_cost") == [(1, 15), (2, 15), (3, 5)]


def test_a_capacity_leaves_the_rest_idle(store: Any) -> None:
    """Half of the node was measured, so half of its price is idle and in no cell."""
    store.charge("35", resource_id="i-1", consumed_quantity=Decimal(140))
    for cell, quantity in ((1, "30"), (2, "30"), (3, "10")):
        store.usage(cell, quantity)
    store.allocate(CPU | {"capacity": "consumed_quantity"})
    assert store.parts() == [
        ("idle", None, Decimal("17.5")),
        ("usage", 1, Decimal("7.5")),
        ("usage", 2, Decimal("7.5")),
        ("usage", 3, Decimal("2.5")),
    ]


@pytest.mark.parametrize("capacity", ["70", "60", "0", "-5", "null"])
def test_no_idle_where_all_capacity_was_used(store: Any, capacity: str) -> None:
    """Measured at or beyond the capacity, or no sensible capacity: the users bear the whole line."""
    store.charge("35", resource_id="i-1")
    store.usage(1, "70")
    store.allocate(CPU | {"capacity": capacity})
    assert store.parts() == [("usage", 1, 35)]


def test_shared_idle_is_borne_by_the_users(store: Any) -> None:
    """With idle: share there is no idle part, whatever the capacity."""
    store.charge("35", resource_id="i-1")
    store.usage(1, "1")
    store.allocate(CPU | {"capacity": "70", "idle": "share"})
    assert store.parts() == [("usage", 1, 35)]


def test_a_resource_measured_as_unused_is_idle(store: Any) -> None:
    """Nothing of a known capacity was used: all of it is idle; without a capacity no one can be named."""
    store.charge("35", resource_id="i-1")
    store.usage(1, "0")
    store.allocate(CPU | {"capacity": "70"})
    assert store.parts() == [("idle", None, 35)]
    store.allocate(CPU)
    assert store.parts("kind, reason") == [("unallocated", "usage of cpu_seconds on i-1 in the period is zero")]


def test_usage_counts_in_its_own_resource_and_charge_period_only(store: Any) -> None:
    """Usage at the period's end, before its start or on another resource bears nothing of it."""
    store.charge("10", resource_id="i-1", start=instant("2026-05-01T03:00"), hours=2)
    store.usage(1, "5", at=instant("2026-05-01T03:00"))
    store.usage(2, "5", at=instant("2026-05-01T04:30"))
    store.usage(3, "5", at=instant("2026-05-01T05:00"))
    store.usage(3, "5", at=instant("2026-05-01T02:59"))
    store.usage(3, "5", "i-2", at=instant("2026-05-01T03:00"))
    store.usage(3, "5", None, at=instant("2026-05-01T03:00"))
    store.allocate(CPU)
    assert store.parts("cell_id, billed_cost") == [(1, 5), (2, 5)]


def test_without_a_resource_the_meter_counts_on_all_of_them(store: Any) -> None:
    """A rule that names no resource spreads over every measurement, also those without one."""
    store.charge("10", resource_id="i-1")
    store.usage(1, "3")
    store.usage(2, "1", "i-2")
    store.usage(3, "1", None)
    store.allocate({name: value for name, value in CPU.items() if name != "resource"})
    assert store.parts("cell_id, billed_cost") == [(1, 6), (2, 2), (3, 2)]


def test_a_monthly_line_is_spread_over_the_days_of_its_usage(store: Any) -> None:
    """Parts carry the day of the usage, so that a daily margin sees a monthly bill where it belongs."""
    store.charge("31", resource_id="i-1", hours=24 * 31)
    for day in (1, 2, 31):
        store.usage(1, "1" if day < 31 else "2", at=instant(f"2026-05-{day:02}T23:00"))
    store.allocate(CPU)
    assert store.parts("day, billed_cost") == [
        (instant("2026-05-01"), Decimal("7.75")),
        (instant("2026-05-02"), Decimal("7.75")),
        (instant("2026-05-31"), Decimal("15.5")),
    ]


def test_a_direct_line_goes_to_its_unit_and_the_cell_it_opened_in(store: Any) -> None:
    """The unit is named even before any event of it is known; then it has no cell yet."""
    store.engine.execute("INSERT INTO units VALUES ('order', 'o-1', '2026-05-01', 2, 1)")
    store.charge("3", tags={"order": "o-1"})
    store.charge("4", tags={"order": "o-2"})
    store.allocate(TAGGED)
    assert store.parts("kind, unit_type, unit_key, cell_id, billed_cost") == [
        ("direct", "order", "o-1", 2, 3),
        ("direct", "order", "o-2", None, 4),
    ]


def test_a_direct_line_without_a_key_is_unallocated(store: Any) -> None:
    """A rule that matches but finds no key says so instead of naming an empty unit."""
    store.charge("3", tags={"order": ""})
    store.allocate(TAGGED | {"match": "true"})
    assert store.parts("kind, unit_key, reason") == [("unallocated", None, "the line names no order")]


def test_the_first_rule_that_matches_takes_the_line(store: Any) -> None:
    """A line goes to one rule only, and a null match is no match."""
    store.usage(1, "1")
    store.charge("3", resource_id="i-1", tags={"order": "o-1"})
    store.charge("4", resource_id="i-1")
    store.allocate(TAGGED, CPU)
    assert store.parts("rule, billed_cost") == [("cpu", 4), ("tagged", 3)]
    store.allocate(CPU, TAGGED)
    assert store.parts("rule, billed_cost") == [("cpu", 7)]


def test_support_follows_what_was_allocated_before_and_what_is_priced_by_list(store: Any) -> None:
    """variable_cost is recorded fees and costs, list-priced usage not taken over by a bill, and allocated usage."""
    store.charge("30", resource_id="i-1")
    store.charge("12", charge_category="Tax")
    store.usage(1, "2")
    store.usage(2, "1")
    store.priced(1, "1000")
    store.priced(3, "5", "i-2")
    store.amounts(3, fee="3", cost="2", revenue="500")
    store.allocate(SUPPORT, CPU)
    shared = store.engine.rows("SELECT cell_id, billed_cost FROM allocations WHERE kind = 'shared' ORDER BY cell_id")
    assert shared == [(1, 6), (2, 3), (3, 3)]


def test_an_hour_of_tax_follows_a_daily_usage_line(store: Any) -> None:
    """A cost allocated by the day is weight in each of its hours, one allocated by the hour only in its own."""
    store.charge("20", resource_id="i-1", hours=24)
    store.charge("80", resource_id="i-2", start=instant("2026-05-01T09:00"))
    store.usage(1, "1", at=instant("2026-05-01T07:00"))
    store.usage(2, "1", "i-2", at=instant("2026-05-01T09:00"))
    store.charge("1", start=instant("2026-05-01T09:00"), charge_category="Tax")
    store.charge("1", start=instant("2026-05-01T10:00"), charge_category="Tax")
    store.allocate(SUPPORT, CPU)
    shared = store.engine.rows(
        "SELECT pool_id, cell_id, billed_cost FROM allocations WHERE kind = 'shared' ORDER BY pool_id, cell_id"
    )
    assert [row[1:] for row in shared] == [(1, Decimal("0.2")), (2, Decimal("0.8")), (1, Decimal(1))]


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("revenue", [(1, 1), (2, 3)]),
        ("gross_revenue", [(1, 2), (2, 2)]),
        ("events", [(1, 1), (2, 2), (3, 1)]),
        ("attempts", [(1, 1), (2, 2), (3, 1)]),
        ("successes", [(1, Decimal("1.333333333333333334")), (2, Decimal("2.666666666666666666"))]),
        ("units", [(2, 4)]),
    ],
)
def test_proportional_follows_a_measure(store: Any, to: str, expected: list[tuple[int, Decimal]]) -> None:
    """Each supported measure is a weight; cells without any of it bear nothing."""
    store.charge("4")
    store.amounts(1, events=1, revenue="30", discount="10", refund="10")
    store.amounts(2, events=2, revenue="30")
    store.amounts(3, events=1)
    store.opened(2, 5)
    store.allocate(SUPPORT | {"match": "true", "to": to})
    assert store.parts("cell_id, billed_cost") == expected
    assert {kind for (kind,) in store.parts("kind")} == {"shared"}


def test_even_gives_every_unit_opened_the_same(store: Any) -> None:
    """Three orders opened share three dollars, whatever they earned; a taken-back opening does not count."""
    store.charge("3")
    store.opened(1, 1)
    store.opened(2, 3)
    store.opened(2, -1)
    store.opened(3, 7, unit="user")
    store.allocate(EVEN)
    assert store.parts() == [("shared", 1, 1), ("shared", 2, 2)]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (CPU, "no usage of cpu_seconds on i-1 in the period"),
        (CPU | {"resource": "null"}, "the line names no resource"),
        (SUPPORT | {"match": "true"}, "no variable_cost in the period"),
        (EVEN, "no order opened in the period"),
        (CPU | {"match": "false"}, "no rule matched"),
    ],
)
def test_what_no_one_can_bear_is_unallocated_with_its_reason(store: Any, rule: dict[str, str], reason: str) -> None:
    """Unknown is never spread over everyone: the whole line stays visible with why."""
    store.charge("3", resource_id="i-1")
    store.allocate(rule)
    assert store.parts("kind, billed_cost, reason") == [("unallocated", 3, reason)]


@pytest.mark.parametrize(("refund", "word"), [("10", "zero"), ("30", "negative")])
def test_a_measure_without_weight_bears_nothing(store: Any, refund: str, word: str) -> None:
    """Revenue that is all refunded cannot carry a share."""
    store.charge("3")
    store.amounts(1, revenue="10", refund=refund)
    store.allocate(SUPPORT | {"match": "true", "to": "revenue"})
    assert store.parts("kind, reason") == [("unallocated", f"revenue in the period is {word}")]


@pytest.mark.parametrize("column", ["billed_cost", "effective_cost", "billing_currency", "billing_account_id"])
def test_a_rule_reads_the_columns_that_a_bill_has_too(store: Any, column: str) -> None:
    """A line's own cost, currency and account are the line's, not the bill's."""
    store.charge("3", billing_account_id="a")
    store.amounts(1, revenue="10")
    store.allocate(SUPPORT | {"match": f"{column} is not null", "to": "revenue"})
    assert store.parts() == [("shared", 1, 3)]


def test_two_currencies_are_not_added_to_one_weight(store: Any) -> None:
    """Revenue in EUR and USD without an exchange rate has no common measure, so the line waits."""
    store.engine.execute("UPDATE cells SET currency = 'EUR' WHERE cell_id = 2")
    store.charge("3")
    store.amounts(1, revenue="10")
    store.amounts(2, revenue="10")
    store.allocate(SUPPORT | {"match": "true", "to": "revenue"})
    assert store.parts("kind, reason") == [("unallocated", "revenue in the period is in 2 currencies")]


def test_two_currencies_are_compared_at_the_rate_of_their_day(store: Any) -> None:
    """10 EUR at 1.50 are 15 of 25 dollars, so they bear 3 of 5; without a rate of the other they would wait."""
    store.engine.execute("UPDATE cells SET currency = 'EUR' WHERE cell_id = 2")
    store.engine.execute("INSERT INTO fx_rates VALUES ('EUR', 'USD', '2026-04-30', 1.5, 'ECB', '2026-06-01', NULL)")
    store.charge("5")
    store.amounts(1, revenue="10")
    store.amounts(2, revenue="10")
    store.allocate(SUPPORT | {"match": "true", "to": "revenue"})
    assert store.parts() == [("shared", 1, 2), ("shared", 2, 3)]
    store.engine.execute("UPDATE cells SET currency = 'CHF' WHERE cell_id = 3")
    store.amounts(3, revenue="1")
    store.allocate(SUPPORT | {"match": "true", "to": "revenue"})
    assert store.parts("kind, reason") == [("unallocated", "revenue in the period is in 3 currencies")]


def test_a_cell_below_zero_bears_and_gains_nothing(store: Any) -> None:
    """A cell that was refunded more than it sold is left out of the shares; the others bear the whole."""
    store.charge("3")
    store.amounts(1, revenue="10", refund="12")
    store.amounts(2, revenue="10")
    store.allocate(SUPPORT | {"match": "true", "to": "revenue"})
    assert store.parts() == [("shared", 2, 3)]


def test_billed_and_effective_cost_are_split_alike(store: Any) -> None:
    """A prepaid line has no billed cost but an effective one; both follow the same weights."""
    store.charge("0", "3", resource_id="i-1")
    store.usage(1, "2")
    store.usage(2, "1")
    store.allocate(CPU)
    assert store.parts("cell_id, billed_cost, effective_cost") == [(1, 0, 2), (2, 0, 1)]


def test_a_credit_is_split_like_a_charge(store: Any) -> None:
    """The parts of minus a dollar are the parts of a dollar, negated."""
    store.charge("1", resource_id="i-1", start=instant("2026-05-01"))
    store.charge("-1", resource_id="i-1", start=instant("2026-05-01T01:00"))
    for hour in (0, 1):
        for cell in (1, 2, 3):
            store.usage(cell, "1", at=instant(f"2026-05-01T{hour:02}:00"))
    store.allocate(CPU)
    sums = store.engine.rows("SELECT cell_id, sum(billed_cost) FROM allocations GROUP BY cell_id ORDER BY cell_id")
    assert sums == [(1, 0), (2, 0), (3, 0)]
    first = [
        cost for (cost,) in store.engine.rows("SELECT billed_cost FROM allocations WHERE billed_cost > 0 ORDER BY 1")
    ]
    assert first == decimals("0.333333333333333333", "0.333333333333333333", "0.333333333333333334")


def test_a_usage_rule_takes_over_from_list_rates_in_its_period_only(store: Any) -> None:
    """billed_usage names meter, resource and period; what it covers is superseded, and a repeat changes nothing."""
    store.charge("3", resource_id="i-1", start=instant("2026-05-01T01:00"))
    store.usage(1, "1", at=instant("2026-05-01T01:00"))
    for hour in (0, 1, 2):
        store.priced(1, "1", at=instant(f"2026-05-01T{hour:02}:00"))
    store.priced(1, "1", "i-2", at=instant("2026-05-01T01:00"))
    for _ in range(2):
        store.allocate(CPU)
        assert store.engine.rows("FROM billed_usage") == [
            ("cpu_seconds", "i-1", instant("2026-05-01T01:00"), instant("2026-05-01T02:00"))
        ]
        superseded = store.engine.rows("SELECT window_start, resource FROM rollup_priced WHERE superseded")
        assert superseded == [(instant("2026-05-01T01:00"), "i-1")]
    store.allocate()
    assert store.engine.value("SELECT count(*) FROM rollup_priced WHERE superseded") == 0


def test_a_credit_alone_does_not_replace_the_list_price(store: Any) -> None:
    """Only a usage line is the price of usage; a credit on the same resource leaves the estimate standing."""
    store.charge("-3", resource_id="i-1", charge_category="Credit")
    store.usage(1, "1")
    store.priced(1, "1")
    store.allocate(CPU)
    assert store.engine.value("SELECT count(*) FROM billed_usage") == 0
    assert store.engine.value("SELECT count(*) FROM rollup_priced WHERE superseded") == 0


def test_a_superseded_bill_is_allocated_to_no_one(store: Any) -> None:
    """Only the version in force counts."""
    store.bill(1, superseded=True)
    store.bill(2)
    store.charge("3", bill_id=1)
    store.charge("4", bill_id=2)
    store.allocate()
    assert store.parts("bill_id, billed_cost") == [(2, 4)]
    assert store.engine.rows("SELECT bill_id, line FROM pool_lines") == [(2, 1)]


def test_an_expression_that_fails_on_a_line_is_named(store: Any) -> None:
    """The person learns which rule and which expression, and what was allocated before stays."""
    store.charge("3", resource_id="i-1", tags={"cpus": "four"})
    store.usage(1, "1")
    store.allocate(CPU)
    with pytest.raises(ConfigurationError) as failure:
        store.allocate(CPU | {"capacity": "cast(tags['cpus'] as integer)"})
    (fault,) = failure.value.faults
    assert fault.place == "allocation.0.capacity"
    assert "four" in fault.rule
    assert store.parts() == [("usage", 1, 3)]


def test_the_report_says_where_each_bill_went(store: Any) -> None:
    """Sums by kind, rule and reason, per bill and currency; currencies stand apart."""
    store.bill(1)
    store.bill(2, "EUR")
    store.usage(1, "1")
    store.charge("3", resource_id="i-1")
    store.charge("4", bill_id=1)
    store.charge("5", bill_id=2)
    report = store.allocate(CPU | {"match": "resource_id is not null"})
    assert report.by_kind() == {
        (1, "USD", "usage"): (3, 3),
        (1, "USD", "unallocated"): (4, 4),
        (2, "EUR", "unallocated"): (5, 5),
    }
    assert report.by_rule() == {
        (1, "USD", "cpu"): (3, 3),
        (1, "USD", "unallocated"): (4, 4),
        (2, "EUR", "unallocated"): (5, 5),
    }
    assert list(report.unallocated()) == [
        ("EUR", "unallocated", "no rule matched"),
        ("USD", "unallocated", "no rule matched"),
    ]
