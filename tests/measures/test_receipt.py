"""Receipts on a small store: every line, and that units add up to their segment."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from perunit.contract.shape import Contract
from perunit.measures.query import Query, run_query
from perunit.measures.receipt import Receipt, receipt
from perunit.measures.receipt_events import Pricing
from perunit.model.errors import UsageError
from perunit.model.window import Grain, Window, parse_instant

D = Decimal
DAY = Window(parse_instant("2026-03-01"), parse_instant("2026-03-02"))


@pytest.fixture
def contract() -> Contract:
    """Orders of users, and a rule that splits support by revenue."""
    return Contract.model_validate(
        {
            "version": 1,
            "units": {
                "order": {"owner": "checkout", "key": "order_id", "parent": "user", "segments": ["plan"]},
                "user": {"owner": "growth", "key": "user_id", "counted": "active"},
            },
            "events": {
                "order.completed": {
                    "unit": "order", "amounts": {"revenue": "data.total"},
                    "usage": {"cpu_seconds": "data.cpu", "steps": "data.steps"},
                }
            },
            "meters": {"cpu_seconds": {"unit": "s"}, "steps": {"unit": "{step}", "priced": False}},
            "allocation": [
                {"name": "support", "method": "proportional", "to": "revenue"},
                {"name": "rent", "method": "even", "unit": "order"},
            ],
        }
    )  # fmt: skip


@pytest.fixture
def shop(till: Any) -> Any:
    """The store of `till`: two orders of one user; the price changes at 10:15, a bill has taken over from 11:00."""
    return till


def total(found: Receipt, name: str) -> Decimal:
    """A total that has to be known."""
    value = found.totals[name]
    assert value is not None
    return value


def test_each_event_is_priced_at_its_own_time(shop: Any) -> None:
    """Before the price change 10 s cost 1.00, after it 2.5 s cost 0.50; unpriced and unpriceable usage are told."""
    found = receipt(shop.engine, shop.contract, "order", "o1")
    lines = [
        (line.meter, line.quantity, line.pricing, line.rate_id, line.amount) for e in found.events for line in e.usage
    ]
    assert lines == [
        ("cpu_seconds", D(10), Pricing.LIST, "cloud@1/rates/1", D("1.0")),
        ("steps", D(4), Pricing.MEASURED, None, None),
        ("@revenue", D("30.5"), Pricing.LIST, "pay@1/fees/1/percentage", D("0.61")),
        ("cpu_seconds", D("2.5"), Pricing.LIST, "cloud@1/rates/2", D("0.5")),
    ]
    assert [event.id for event in found.events] == ["e0", "e1"]
    assert found.segments == {"plan": "pro"}
    assert [(parent.unit_type, parent.unit_key, parent.events) for parent in found.parents] == [("user", "u1", 2)]


def test_a_bill_takes_the_place_of_list_prices(shop: Any) -> None:
    """Usage a bill covers keeps its list amount in sight, and counts at the unit's share of the bill."""
    found = receipt(shop.engine, shop.contract, "order", "o2")
    assert next(line.pricing for event in found.events for line in event.usage) is Pricing.BILLED
    share = next(share for share in found.shares if share.kind == "usage")
    assert (share.part, share.whole, share.whole_cost, share.cost) == (D("7.5"), D(20), D(4), D("1.5"))
    assert total(found, "usage_cost") == D("1.5")
    assert found.status == "billed"


def test_shared_cost_follows_the_weight_of_its_rule(shop: Any) -> None:
    """Support is split by revenue, 30.5 of 40; rent evenly, one of two orders opened that day."""
    found = receipt(shop.engine, shop.contract, "order", "o1")
    shares = {share.rule: (share.basis, share.part, share.whole, share.cost) for share in found.shares}
    assert shares["support"] == ("revenue", D("30.5"), D(40), D("1.525"))
    assert shares["rent"] == ("order units", D(1), D(2), D(3))


def test_a_user_bears_the_parts_of_its_orders(shop: Any) -> None:
    """What is split evenly among orders falls on a user by the orders it opened; here it opened all of them."""
    found = receipt(shop.engine, shop.contract, "user", "u1")
    share = next(share for share in found.shares if share.rule == "rent")
    assert (share.basis, share.part, share.whole, share.cost) == ("order units", D(2), D(2), D(6))


def test_cost_that_follows_variable_cost_counts_bills(contract: Contract, till: Any) -> None:
    """Variable cost as a weight is what the measure says: list prices, fees and the parts of bills."""
    rules = [rule.model_dump() | {"to": "variable_cost"} for rule in contract.allocation if rule.name == "support"]
    follows = Contract.model_validate(contract.model_dump(by_alias=True) | {"allocation": rules})
    found = receipt(till.engine, follows, "order", "o1")
    support = next(share for share in found.shares if share.rule == "support")
    row = run_query(till.engine, follows, Query(("variable_cost",), window=DAY)).rows[0]
    assert (support.part, support.whole) == (total(found, "variable_cost"), row.values["variable_cost"])


def test_a_bill_line_with_the_key_is_the_units_own(shop: Any) -> None:
    """A direct allocation stands with the bill lines behind it, on the receipt of the order and of its user."""
    order, user = (receipt(shop.engine, shop.contract, *which) for which in (("order", "o1"), ("user", "u1")))
    for found in (order, user):
        (bill,) = found.bill_lines
        assert (bill.rule, bill.effective_cost, bill.line_count) == ("tags", D("0.25"), 1)
        assert bill.lines[0]["service_name"] == "Simple Storage"
    assert [(child.unit_key, child.events) for child in user.children] == [("o1", 2), ("o2", 1)]


def test_totals_are_the_measures_formulas(shop: Any) -> None:
    """30.50 less the fee 0.61, list prices 1.50, the share 2.50 and the own line 0.25."""
    found = receipt(shop.engine, shop.contract, "order", "o1")
    assert total(found, "variable_cost") == D("4.86")
    assert total(found, "contribution_margin") == D("25.64")
    assert total(found, "margin_after_shared_cost") == D("25.64") - D("1.525") - 3
    assert found.status == "mixed"


def test_receipts_add_up_to_the_segment(shop: Any) -> None:
    """The orders of a plan and day sum to what a query says of it, in every total."""
    found = [receipt(shop.engine, shop.contract, "order", key) for key in ("o1", "o2")]
    names = ("revenue", "fees", "variable_cost", "contribution_margin", "shared_cost")
    row = run_query(shop.engine, shop.contract, Query(names, grain=Grain.DAY, by=("plan",), window=DAY)).rows[0]
    for name in names:
        assert sum((each.totals[name] or D(0) for each in found), D(0)) == row.values[name], name


def test_minutes_are_priced_like_hours(shop: Any) -> None:
    """By the minute, prices are read from single events and sum to the hour's digits."""
    shop.engine.execute("DELETE FROM allocations")
    names = ("gross_revenue", "fees", "usage_cost", "units", "cpu_seconds", "unpriced_usage")
    minutes = run_query(shop.engine, shop.contract, Query(names, grain=Grain.MINUTE, window=DAY)).rows
    whole = run_query(shop.engine, shop.contract, Query(names, window=DAY)).rows[0]
    assert len(minutes) == 3
    for name in names:
        assert sum((row.values[name] or 0 for row in minutes), D(0)) == whole.values[name], name


@pytest.mark.parametrize(
    ("which", "message"),
    [
        (("order", "o9"), r"order: got 'o9', must be the key of a known order; did you mean o1, o2\?"),
        (("order", "u1"), r"it is the key of a user: perunit receipt user u1"),
        (("order", "zzz-unlike"), r"none of the 2 known keys is like it"),
        (("ordr", "o1"), r"unit: got 'ordr'.*did you mean order"),
    ],
)
def test_an_unknown_unit_is_answered_with_near_ones(shop: Any, which: tuple[str, str], message: str) -> None:
    """A wrong key or type names what was probably meant."""
    with pytest.raises(UsageError, match=message):
        receipt(shop.engine, shop.contract, *which)


def test_an_amount_in_another_currency_is_not_included(shop: Any) -> None:
    """Euros on a dollar receipt are shown on their event and told, never summed."""
    euro = shop.cell(plan="pro", currency="EUR")
    shop.event("e9", "2026-03-01 12:00", "o1", euro, revenue="99")
    found = receipt(shop.engine, shop.contract, "order", "o1")
    assert found.events[-1].amounts == {"revenue": D(99)}
    assert total(found, "revenue") == D("30.5")
    why = "no exchange rate of their days is known"
    assert f"amounts in EUR are not converted to USD and not included: {why}" in found.notes


def test_json_is_exact(shop: Any) -> None:
    """Decimals are text without loss, times end in Z."""
    answer = receipt(shop.engine, shop.contract, "order", "o1").as_json()
    assert answer["totals"]["contribution_margin"] == "25.64"
    assert answer["totals"]["tax"] is None
    assert answer["opened_at"] == "2026-03-01T10:05:00Z"
    assert answer["events"][0]["usage"][0]["rate_id"] == "cloud@1/rates/1"
