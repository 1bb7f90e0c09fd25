"""Bills are replaced only by what is the same bill, and never silently by costs of another basis."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from perunit.facts.bills import list_bills, service_changes
from perunit.facts.bills.faults import BillFaultsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from perunit.engine.duckdb import Engine

    Load: TypeAlias = Callable[..., Any]
    Line: TypeAlias = dict[str, str]
    Table: TypeAlias = Callable[..., str]

AZURE = {
    "BillingAccountId": "acct",
    "BillingPeriodStartDate": "05/01/2026",
    "BillingPeriodEndDate": "05/31/2026",
    "Date": "05/02/2026",
    "MeterCategory": "Virtual Machines",
    "Cost": "1.5",
    "BillingCurrency": "EUR",
    "ChargeType": "Usage",
    "PricingModel": "OnDemand",
}
PURCHASE = AZURE | {"ChargeType": "Purchase", "PricingModel": "Reservation", "Cost": "30"}
COVERED = AZURE | {"PricingModel": "Reservation", "Cost": "1"}
FREE = COVERED | {"Cost": "0"}


@pytest.mark.parametrize("actual", [[AZURE, PURCHASE], [AZURE, FREE]])
def test_actual_and_amortised_costs_do_not_replace_each_other(
    engine: Engine, load: Load, table: Table, actual: list[Line]
) -> None:
    """In either order the second is refused with both ways out; said explicitly, it is the next version."""
    amortised = table(AZURE, COVERED)
    load(table(*actual))
    with pytest.raises(BillFaultsError, match=r"amortised costs of a bill that is there with actual costs"):
        load(amortised)
    assert [bill.version for bill in list_bills(engine)] == [1]
    (replaced,) = load(amortised, replacing=1)
    assert (replaced.status, replaced.version, replaced.effective_cost) == ("restated", 2, Decimal("2.5"))
    with pytest.raises(BillFaultsError, match=r"actual costs of a bill that is there with amortised costs \(bill 2\)"):
        load(table(*actual))


def test_a_restated_export_of_the_same_basis_is_taken(load: Load, table: Table) -> None:
    """A later day of the month adds lines; without commitments both exports are the same."""
    load(table(AZURE, PURCHASE))
    assert load(table(AZURE, AZURE, PURCHASE))[0].status == "restated"


@pytest.mark.parametrize(
    "change", [{"BillingCurrency": "EUR"}, {"BillingAccountId": "acct-2"}, {"BillingPeriodEnd": "2026-05-31"}]
)
def test_another_bill_replaces_nothing(engine: Engine, load: Load, line: Line, table: Table, change: Line) -> None:
    """Source, account, currency and billing period must be those of the bill."""
    load(table(line))
    with pytest.raises(BillFaultsError, match="must hold bill 1 and no other"):
        load(table(line | change), replacing=1)
    with pytest.raises(BillFaultsError, match="must hold bill 1 and no other"):
        load(table(line, line | change), replacing=1)
    assert len(list_bills(engine)) == 1


def test_a_superseded_bill_cannot_be_replaced(load: Load, line: Line, table: Table) -> None:
    """Only the version in force has a place to take."""
    load(table(line))
    load(table(line, line))
    with pytest.raises(BillFaultsError, match="must hold bill 1 and no other"):
        load(table(line, line, line), replacing=1)
    assert load(table(line, line, line), replacing=2)[0].version == 3


def test_the_difference_is_by_service_and_account(engine: Engine, load: Load, line: Line, table: Table) -> None:
    """Services that came, went and stayed, the largest change first."""
    compute = line | {"ServiceName": "Compute", "SubAccountId": "a"}
    storage = line | {"ServiceName": "Storage", "SubAccountId": "a", "BilledCost": "9"}
    load(table(compute, compute | {"SubAccountId": "b"}, storage))
    (result,) = load(table(compute, compute, compute | {"SubAccountId": "b"}))
    found = service_changes(engine, result.bill_id)
    assert [(c.service_name, c.sub_account_id, c.lines, c.previous_lines, c.changed) for c in found] == [
        ("Storage", "a", 0, 1, True),
        ("Compute", "a", 2, 1, True),
        ("Compute", "b", 1, 1, False),
    ]
    assert sum(c.billed_cost - c.previous_billed_cost for c in found) == result.billed_difference
