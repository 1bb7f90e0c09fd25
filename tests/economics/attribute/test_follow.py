"""Tax, support and credits go where the lines went that they are about."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

instant = datetime.fromisoformat
TAX = {"name": "tax", "method": "follow", "match": "charge_category = 'Tax'"}
CPU = {
    "name": "cpu",
    "method": "usage",
    "match": "resource_id is not null",
    "meter": "cpu_seconds",
    "resource": "resource_id",
    "capacity": "consumed_quantity",
}
PARTS = "SELECT kind, cell_id, billed_cost, effective_cost, reason FROM allocations WHERE rule = $rule ORDER BY ALL"


def test_a_tax_follows_users_idle_and_unallocated_cost(store: Any) -> None:
    """10 % on 80 of which 30 was used, 30 idle and 20 no one's: 3, 3 and 2, each of the kind it follows."""
    store.charge("60", resource_id="i-1", consumed_quantity=Decimal(60))
    store.charge("20", service_name="other")
    store.charge("8", "4", charge_category="Tax")
    store.usage(1, "20")
    store.usage(2, "10")
    store.allocate(TAX, CPU)
    assert store.engine.rows(PARTS, {"rule": "tax"}) == [
        ("idle", None, 3, Decimal("1.5"), None),
        ("unallocated", None, 2, 1, "follows what has: no rule matched"),
        ("usage", 1, 2, 1, None),
        ("usage", 2, 1, Decimal("0.5"), None),
    ]


def test_a_tax_follows_its_own_invoice_and_account(store: Any) -> None:
    """A line that names neither follows the whole bill."""
    for cell, account in ((1, "a-1"), (2, "a-2")):
        store.charge("10", resource_id=f"i-{cell}", invoice_id="n-1", sub_account_id=account)
        store.usage(cell, "1", f"i-{cell}")
    store.charge("1", charge_category="Tax", invoice_id="n-1", sub_account_id="a-2")
    store.charge("2", charge_category="Tax", invoice_id="n-1")
    store.charge("4", charge_category="Tax", invoice_id="n-2")
    store.allocate(CPU, TAX)
    assert store.engine.rows(PARTS, {"rule": "tax"}) == [
        ("unallocated", None, 4, 4, "its bill has no lines to follow"),
        ("usage", 1, 1, 1, None),
        ("usage", 2, 1, 1, None),
        ("usage", 2, 1, 1, None),
    ]


def test_of_says_what_is_followed(store: Any) -> None:
    """Support follows compute of the same bill only, whatever else the bill has."""
    store.charge("30", resource_id="i-1", service_name="Compute", tags={"x": "y"})
    store.charge("70", service_name="Storage")
    store.charge("9", service_name="Support")
    store.usage(1, "1")
    support = {"name": "support", "method": "follow", "match": "service_name = 'Support'"}
    store.allocate(CPU, support | {"of": "service_name = 'Compute'"})
    assert store.engine.rows(PARTS, {"rule": "support"}) == [("usage", 1, 9, 9, None)]


def test_a_later_rule_follows_an_earlier_one(store: Any) -> None:
    """Tax on 100 of compute and 10 of support follows both; support does not follow the tax."""
    store.charge("100", tags={"order": "o-1"})
    store.charge("10", service_name="Support")
    store.charge("11", charge_category="Tax")
    tagged = {"name": "tagged", "method": "direct", "match": "tags['order'] is not null", "unit": "order"}
    support = {"name": "support", "method": "follow", "match": "service_name = 'Support'"}
    store.allocate(tagged | {"key": "tags['order']"}, support, TAX)
    assert store.parts("rule, kind, unit_key, billed_cost") == [
        ("support", "direct", "o-1", 10),
        ("tagged", "direct", "o-1", 100),
        ("tax", "direct", "o-1", 11),
    ]


@pytest.mark.parametrize(("cost", "word"), [("0", "nothing"), ("-2", "less than zero")])
def test_what_costs_nothing_cannot_be_followed(store: Any, cost: str, word: str) -> None:
    """The tax stays visible, with why."""
    store.charge(cost, service_name="Storage")
    store.charge("1", charge_category="Tax")
    store.allocate(TAX)
    assert store.engine.rows(PARTS, {"rule": "tax"}) == [("unallocated", None, 1, 1, f"what it follows costs {word}")]


def test_other_bills_are_not_followed(store: Any) -> None:
    """A tax alone on its bill has nothing to follow there."""
    store.bill(1)
    store.bill(2)
    store.charge("5", bill_id=2)
    store.charge("1", bill_id=1, charge_category="Tax")
    store.allocate(TAX)
    assert store.engine.rows(PARTS, {"rule": "tax"}) == [("unallocated", None, 1, 1, "its bill has no lines to follow")]
