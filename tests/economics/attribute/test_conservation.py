"""Invariants of allocation over any rules, bill and usage: nothing is lost, nothing depends on order."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

# Times as the store keeps them: UTC, without a zone.
instant = datetime.fromisoformat

QUANTUM = Decimal(1).scaleb(-18)
DAY = instant("2026-05-01")
RULES: list[dict[str, Any]] = [
    {
        "name": "tagged",
        "method": "direct",
        "match": "tags['order'] is not null",
        "unit": "order",
        "key": "tags['order']",
    },
    {
        "name": "cpu",
        "method": "usage",
        "match": "resource_id is not null",
        "meter": "cpu_seconds",
        "resource": "resource_id",
        "capacity": "consumed_quantity",
    },
    {"name": "all cpu", "method": "usage", "match": "service_name = 'cluster'", "meter": "cpu_seconds"},
    {"name": "tax", "method": "proportional", "match": "charge_category = 'Tax'", "to": "variable_cost"},
    {"name": "sales", "method": "proportional", "match": "service_name = 'ads'", "to": "revenue"},
    {
        "name": "floored",
        "method": "usage",
        "match": "service_name = 'cluster'",
        "meter": "cpu_seconds",
        "at_least": "requested",
        "idle": "share",
    },
    {
        "name": "blend",
        "method": "usage",
        "match": "resource_id = 'i-2'",
        "resource": "resource_id",
        "meters": {
            "cpu_seconds": {"weight": 9, "capacity": "consumed_quantity"},
            "requested": {"weight": 1_000_000, "capacity": "7"},
        },
    },
    {
        "name": "game",
        "method": "shapley",
        "match": "service_name = 'ads'",
        "unit": "order",
        "costs": [{"units": ["o-1"], "cost": 3}, {"units": ["o-2"], "cost": 7}, {"units": ["o-3", "o-1"], "cost": 8}],
    },
    {
        "name": "licence",
        "method": "even",
        "match": "service_name is null",
        "unit": "order",
        "horizon": {"months": 3},
    },
    {"name": "credits", "method": "follow", "match": "charge_category = 'Credit'", "of": "resource_id = 'i-1'"},
    {"name": "vat", "method": "follow", "match": "charge_category = 'Tax'"},
    {"name": "rest", "method": "even", "match": "true"},
]
# A rule hands on only to a rule after it, so the two stay together.
STEPS: list[dict[str, Any]] = [
    {
        "name": "departments",
        "method": "step_down",
        "match": "charge_category = 'Usage'",
        "unit": "order",
        "weights": {"rule:seats": 1, "o-2": 2},
    },
    {"name": "seats", "method": "fixed", "match": "false", "unit": "order", "weights": {"o-1": 3, "o-2": 4}},
]
amounts = st.one_of(
    st.integers(-(10**30), 10**30),
    st.integers(-10, 10),
    st.sampled_from([0, 1, -1, 10**18, -(10**18) // 3, 10**31 - 1, -(10**31) + 1]),
).map(lambda quanta: Decimal(quanta).scaleb(-18))
quantities = st.one_of(st.integers(0, 10**12), st.sampled_from([0, 1, 10**26, -5])).map(
    lambda quanta: Decimal(quanta).scaleb(-9)
)
hours = st.integers(0, 30)
lines = st.fixed_dictionaries(
    {
        "billed": amounts,
        "effective": amounts,
        "hour": hours,
        "hours": st.sampled_from([1, 24, 744]),
        "resource_id": st.sampled_from([None, "i-1", "i-2"]),
        "service_name": st.sampled_from([None, "cluster", "ads"]),
        "charge_category": st.sampled_from(["Usage", "Tax", "Credit"]),
        "consumed_quantity": st.one_of(st.none(), st.integers(-5, 10**6).map(Decimal)),
        "commitment_discount_status": st.sampled_from([None, "Used", "Unused"]),
        "sub_account_id": st.sampled_from([None, "a-1"]),
        "tags": st.sampled_from([None, {"order": "o-1"}, {"team": "x"}]),
    }
)
facts = st.lists(st.tuples(st.integers(1, 3), quantities, st.sampled_from([None, "i-1", "i-2"]), hours), max_size=8)
rule_lists = st.permutations([STEPS, *([rule] for rule in RULES)]).flatmap(
    lambda groups: st.integers(0, len(groups)).map(lambda count: [rule for group in groups[:count] for rule in group])
)


@pytest.fixture(autouse=True)
def _decimal_of_38_digits() -> Any:
    from perunit.model.money import exact

    with exact():
        yield


def add_line(store: Any, line: dict[str, Any]) -> None:
    """Puts a generated line into bill 1."""
    columns = {name: value for name, value in line.items() if name not in {"billed", "effective", "hour", "hours"}}
    start = DAY + timedelta(hours=line["hour"])
    store.charge(f"{line['billed']:f}", f"{line['effective']:f}", start=start, hours=line["hours"], **columns)


def add_fact(store: Any, fact: tuple[int, Decimal, str | None, int]) -> None:
    """Puts generated usage with its revenue, price and unit into the sums."""
    cell, quantity, resource, hour = fact
    at = DAY + timedelta(hours=hour)
    store.usage(cell, f"{quantity:f}", resource, at=at)
    store.usage(cell, "3", resource, at=at, meter="requested")
    store.amounts(cell, at=at, revenue="7", refund=f"{hour}", fee="0.3")
    store.priced(cell, "0.1", resource, at=at)
    store.opened(cell, 1, at=at)


def in_any_pool(store: Any) -> list[tuple[Any, ...]]:
    """(bill, pool, billed, effective, billed parts, effective parts) of every pool."""
    return store.engine.rows(
        "SELECT p.bill_id, p.pool_id, p.billed, p.effective, a.billed, a.effective FROM (SELECT bill_id, pool_id, "
        "sum(billed_cost) AS billed, sum(effective_cost) AS effective FROM pool_lines JOIN charges "
        "USING (bill_id, line) GROUP BY ALL) p LEFT JOIN (SELECT bill_id, pool_id, sum(billed_cost) AS billed, "
        "sum(effective_cost) AS effective FROM allocations GROUP BY ALL) a USING (bill_id, pool_id)"
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, min_size=1, max_size=6), facts, rule_lists)
def test_every_cent_of_every_pool_is_somewhere(
    make_store: Callable[[], Any], bill: list[dict[str, Any]], usage: list[Any], rules: list[dict[str, Any]]
) -> None:
    """Per pool, bill and currency the parts sum to the charges to the last digit, for any amounts and rules."""
    store = make_store()
    for line in bill:
        add_line(store, line)
    for fact in usage:
        add_fact(store, fact)
    report = store.allocate(*rules)
    for _bill, _pool, billed, effective, billed_parts, effective_parts in in_any_pool(store):
        assert (billed, effective) == (billed_parts, effective_parts)
    assert store.engine.value("SELECT count(*) FROM pool_lines") == len(bill)
    assert sum(billed for billed, _ in report.by_kind().values()) == sum(line["billed"] for line in bill)
    assert sum(effective for _, effective in report.by_rule().values()) == sum(line["effective"] for line in bill)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, min_size=1, max_size=5), facts, rule_lists, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_no_digit(
    make_store: Callable[[], Any],
    bill: list[dict[str, Any]],
    usage: list[Any],
    rules: list[dict[str, Any]],
    chance: random.Random,
) -> None:
    """Bill first or usage first, allocated in between or once, in any order of rows: the same parts."""
    at_once, stepwise = make_store(), make_store()
    for line in bill:
        add_line(at_once, line)
    for fact in usage:
        add_fact(at_once, fact)
    at_once.allocate(*rules)
    for fact in chance.sample(usage, len(usage)):
        add_fact(stepwise, fact)
    stepwise.allocate(*rules)
    for line in chance.sample(bill, len(bill)):
        add_line(stepwise, line)
    stepwise.allocate(*rules)
    columns = "rule, kind, day, cell_id, unit_key, meter, resource, reason, billed_cost, effective_cost"
    assert stepwise.parts(columns) == at_once.parts(columns)
    superseded = "SELECT window_start, cell_id, resource, superseded FROM rollup_priced ORDER BY ALL"
    assert stepwise.engine.rows(superseded) == at_once.engine.rows(superseded)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts, st.lists(st.integers(1, 10**17), min_size=3, max_size=3))
def test_a_part_is_within_one_quantum_of_its_exact_share(
    make_store: Callable[[], Any], amount: Decimal, weights: list[int]
) -> None:
    """Splitting in whole quanta of 10^-18 moves no part by as much as one of them."""
    store = make_store()
    store.charge(f"{amount:f}", resource_id="i-1")
    for cell, weight in enumerate(weights, start=1):
        store.usage(cell, f"{Decimal(weight).scaleb(-9):f}")
    store.allocate(RULES[1])
    parts = dict(store.parts("cell_id, billed_cost"))
    for cell, weight in enumerate(weights, start=1):
        exact_share = Fraction(amount) * weight / sum(weights)
        assert abs(Fraction(parts[cell]) - exact_share) < Fraction(QUANTUM)


def test_weights_too_large_for_18_digits_still_split_exactly(store: Any) -> None:
    """Quantities of 10^26 units are scaled down together; the parts still sum and keep their order."""
    store.charge("9999999999999.999999999999999999", resource_id="i-1")
    for cell, quantity in ((1, "1e26"), (2, "2e26"), (3, "0.000000001")):
        store.usage(cell, f"{Decimal(quantity):f}")
    store.allocate(RULES[1])
    costs = [cost for _, cost in store.parts("cell_id, billed_cost")]
    assert sum(costs) == Decimal("9999999999999.999999999999999999")
    assert all(cost >= 0 for cost in costs)
    assert [earlier > later for earlier, later in pairwise((costs[1], costs[0], costs[2]))] == [True, True]
