"""Variance by cause and the bridge: every part exact, every sum to the last digit."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perunit.contract.shape import Contract
from perunit.economics.reconcile.bridge import Bridge, bridges
from perunit.economics.reconcile.tie_out import tie_out
from perunit.economics.reconcile.variance import Variance, classified, variances
from perunit.model.window import Window

MAY = Window.of_month("2026-05")
ZERO = Decimal(0)


def bridged(books: Any, tolerance: Decimal = ZERO) -> tuple[tuple[Variance, ...], Bridge]:
    """The variances and the bridge of May in dollars, after an allocation."""
    books.allocate()
    with classified(books.engine, books.contract):
        found = variances(books.engine, MAY)
        (bridge,) = bridges(books.engine, MAY, found, tie_out(books.engine, MAY, tolerance), "USD")
    assert bridge.open == 0
    effective = sum((step.amount for step in bridge.steps[: len(bridge.steps) - 7]), bridge.computed)
    assert effective == bridge.effective
    return found, bridge


def steps(bridge: Bridge) -> dict[str, str]:
    """The steps that are not zero."""
    return {step.name: format(step.amount.normalize(), "f") for step in bridge.steps if step.amount}


def test_price_and_usage_split_as_the_formula_says(books: Any) -> None:
    """1,200 s billed at 0.01 against 1,000 s measured at 0.008: price (0.01 − 0.008) × 1,200, usage 200 × 0.008."""
    books.charge("12.00", resource_id="m-1", consumed_quantity=Decimal(1200), consumed_unit="s")
    books.usage("1000", "0.008")
    (found,), bridge = bridged(books)
    assert found.parts == {"price": Decimal("2.4"), "usage": Decimal("1.6")}
    assert (bridge.computed, bridge.end, bridge.is_invoiced) == (8, 12, False)


def test_a_quantity_in_another_unit_leaves_all_to_the_price(books: Any) -> None:
    """Hours cannot be compared with seconds, so nothing is said of usage."""
    books.charge("12.00", resource_id="m-1", consumed_quantity=Decimal(1), consumed_unit="Hours")
    books.usage("1000", "0.008")
    (found,), _ = bridged(books)
    assert (found.parts, found.billed_quantity) == ({"price": Decimal(4)}, None)


def test_idle_is_a_cause_of_its_own(books: Any) -> None:
    """A capacity of 1,200 s of which 1,000 s were used: 2.00 of 12.00 is idle, the rest is price."""
    rule = {"capacity": "3600 * consumed_quantity"}
    raw = books.contract.model_dump(exclude_none=True)
    raw["allocation"] = [raw["allocation"][0] | rule, raw["allocation"][1]]
    books.contract = Contract.model_validate(raw)
    books.charge("36.00", resource_id="m-1", consumed_quantity=Decimal(1), consumed_unit="Hours")
    books.usage("1000", "0.008")
    (found,), bridge = bridged(books)
    assert found.parts == {"price": Decimal(2), "idle": Decimal(26)}
    assert steps(bridge) == {"price": "2", "idle": "26"}


def test_missing_usage_and_missing_charge_are_told_apart(books: Any) -> None:
    """Billed without being measured, and measured without being billed."""
    books.charge("5.00", resource_id="m-1")
    books.usage("100", "0.01", resource="m-2")
    found, bridge = bridged(books)
    assert [(each.resource, each.parts) for each in found] == [
        ("m-1", {"missing_usage": Decimal(5)}),
        ("m-2", {"missing_charge": Decimal(-1)}),
    ]
    assert bridge.computed == 1


def test_usage_without_a_list_price_is_unpriced(books: Any) -> None:
    """There is no estimate to compare with, and it is not taken for zero times a price."""
    books.charge("5.00", resource_id="m-1")
    books.usage("100", None)
    (found,), _ = bridged(books)
    assert found.parts == {"unpriced": Decimal(5)}


@pytest.mark.parametrize("second_bill", [1, 2])
def test_the_same_line_twice_is_a_duplicate(books: Any, second_bill: int) -> None:
    """Twice in one bill, or in two bills; a line that differs in anything is none."""
    books.charge("5.00", resource_id="m-1")
    books.charge("5.00", resource_id="m-1", bill_id=second_bill)
    books.charge("5.00", resource_id="m-1", sku_id="other")
    books.usage("100", "0.10")
    (found,), _ = bridged(books)
    assert (found.parts, found.billed) == ({"duplicate": Decimal(5)}, 15)


def test_a_charge_of_another_period_is_timing(books: Any) -> None:
    """The line of April in the bill of May adds its cost; its usage is not of May."""
    april = {"charge_period_start": datetime(2026, 4, 30), "charge_period_end": datetime(2026, 5, 1)}  # noqa: DTZ001
    books.charge("5.00", resource_id="m-1", **april)
    books.charge("7.00", resource_id="m-1")
    books.usage("100", "0.06")
    books.usage("100", "0.04", start=april["charge_period_start"])
    _, bridge = bridged(books)
    assert (bridge.computed, steps(bridge)) == (6, {"price": "1", "timing": "5"})


def test_usage_billed_in_a_later_month_is_timing_too(books: Any) -> None:
    """Usage of May that the bill of June charges leaves May."""
    books.charge("7.00", resource_id="m-1")
    books.bill(2, month="2026-06")
    day = {"charge_period_start": datetime(2026, 5, 9), "charge_period_end": datetime(2026, 5, 10)}  # noqa: DTZ001
    books.charge("3.00", resource_id="m-1", bill_id=2, invoice_id="I-2", **day)
    books.usage("100", "0.07")
    books.usage("100", "0.02", start=day["charge_period_start"])
    _, bridge = bridged(books)
    assert (bridge.computed, steps(bridge), bridge.end) == (9, {"timing": "-2"}, 7)


def test_every_line_has_its_step(books: Any) -> None:
    """Tax, credit, correction, unused commitment, purchase, amortisation, unallocated, shared; and the invoice."""
    books.charge("0", "8.00", resource_id="m-1", commitment_discount_id="c", commitment_discount_status="Used")
    books.charge("0", "2.00", service_name="Support", commitment_discount_id="c", commitment_discount_status="Unused")
    books.charge("10.00", "0", service_name="Support", charge_category="Purchase", commitment_discount_id="c")
    books.charge("1.00", service_name="Support", charge_category="Tax")
    books.charge("-3.00", service_name="Support", charge_category="Credit")
    books.charge("-0.50", service_name="Support", charge_class="Correction")
    books.charge("4.00", service_name="Support")
    books.charge("0.25", service_name="Archive")
    books.usage("100", "0.08")
    books.engine.execute("INSERT INTO rollup VALUES ('2026-05-04', 1, 3, 0, 0, 1, 0, 0, 0, 0, 0)")
    books.charge("6.00", service_name="Archive", invoice_id=None)
    books.invoice("11.76")
    _, bridge = bridged(books, Decimal("0.01"))
    assert steps(bridge) == {
        "shared": "4",
        "unallocated": "6.25",
        "unused_commitment": "2",
        "tax": "1",
        "credit": "-3",
        "correction": "-0.5",
        "upfront_purchase": "10",
        "amortisation": "-10",
        "not_invoiced": "-6",
        "rounding": "0.01",
    }
    assert (bridge.effective, bridge.billed, bridge.end) == (Decimal("17.75"), Decimal("17.75"), Decimal("11.76"))


def test_cost_over_a_horizon_is_bridged_by_its_line(books: Any) -> None:
    """A licence of 92 over three months is 92 in the bridge of the month that bills it, not a month's part of it."""
    books.charge("92", service_name="Licence")
    _, bridge = bridged(books)
    assert books.engine.rows("SELECT DISTINCT kind FROM allocations") == [("fixed",)]
    assert (steps(bridge), bridge.end) == ({"shared": "92"}, 92)


def test_what_nothing_explains_is_shown(books: Any) -> None:
    """The difference of an invoice is a step of its own."""
    books.charge("5.00", service_name="Archive")
    books.invoice("4.00")
    assert steps(bridged(books)[1]) == {"unallocated": "5", "unexplained": "-1"}


COST = st.decimals("-50", "50", places=7)
LINE = st.fixed_dictionaries(
    {
        "billed": COST,
        "effective": COST,
        "bill_id": st.sampled_from([1, 2]),
        "charge_category": st.sampled_from(["Usage", "Usage", "Usage", "Tax", "Credit", "Purchase"]),
        "charge_class": st.sampled_from([None, None, "Correction"]),
        "service_name": st.sampled_from(["Compute", "Compute", "Support", "Archive", "Licence"]),
        "resource_id": st.sampled_from(["m-1", "m-2", None]),
        "invoice_id": st.sampled_from(["I-1", "I-2", None]),
        "day": st.integers(0, 40),
        "consumed_quantity": st.sampled_from([None, Decimal(7), Decimal("0.333333333333")]),
        "commitment_discount_status": st.sampled_from([None, None, "Used", "Unused"]),
    }
)
USAGE = st.tuples(
    st.sampled_from(["3", "0.000000001", "17.123"]),
    st.sampled_from(["0.01", "0.333333333333333", None]),
    st.sampled_from(["m-1", "m-2"]),
    st.integers(0, 40),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINE, min_size=1, max_size=7), st.lists(USAGE, max_size=6), st.none() | COST)
def test_the_steps_always_sum_to_the_difference(
    books: Any, lines: list[dict[str, Any]], used: list[tuple[str, str | None, str, int]], total: Decimal | None
) -> None:
    """Whatever is billed, measured and invoiced, no digit is lost between computed cost and the invoice."""
    for table in ("charges", "bills", "invoices", "rollup_usage", "rollup_priced"):
        books.engine.execute(f"DELETE FROM {table}")
    books.lines.clear()
    books.bill(1)
    books.bill(2, month="2026-06")
    for line in lines:
        start = datetime(2026, 4, 28 + line["day"]) if line["day"] < 2 else datetime(2026, 5, 1)  # noqa: DTZ001
        rest = {name: each for name, each in line.items() if name not in {"billed", "effective", "day"}}
        end = datetime(2026, 5, 1 + line["day"] % 30, 12)  # noqa: DTZ001
        books.charge(
            str(line["billed"]),
            str(line["effective"]),
            **rest | {"charge_period_start": start, "charge_period_end": max(start, end), "consumed_unit": "s"},
        )
    for quantity, price, resource, day in used:
        books.usage(quantity, price, resource=resource, start=datetime(2026, 4 + day // 30, 1 + day % 30))  # noqa: DTZ001
    if total is not None:
        books.invoice(str(total))
    books.allocate()
    with classified(books.engine, books.contract):
        found = variances(books.engine, MAY)
        for bridge in bridges(books.engine, MAY, found, tie_out(books.engine, MAY, Decimal("0.5"))):
            assert bridge.open == 0
    assert all(sum(each.parts.values(), ZERO) == each.variance for each in found)
