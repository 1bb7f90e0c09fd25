"""Vendors' files become bills by the contract's expressions, under the rules of every bill line."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perunit.contract.shape import VendorBill
from perunit.facts.bills.columns import vendor_columns
from perunit.facts.bills.faults import BillFaultsError
from perunit.model.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from perunit.engine.duckdb import Engine

    Load: TypeAlias = Callable[..., Any]

PAYMENTS = VendorBill(
    charge={
        "billed_cost": "cast(fee_cents as decimal(18, 0)) * 0.01",
        "billing_currency": "upper(currency)",
        "charge_period_start": "strptime(\"Created (UTC)\", '%d.%m.%Y %H:%M')",
        "charge_description": "'fee of ' || charge",
    }
)
FILE = "charge,fee_cents,currency,Created (UTC)\nch_1,59,usd,31.05.2026 23:59\nch_2,320,usd,01.06.2026 00:00\n"
SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "focus-spec-examples"


def of(mapping: VendorBill) -> dict[str, Any]:
    """How `load` is told that the file is the vendor's."""
    return {"bill_source": "payments", "columns": vendor_columns("payments", mapping, "USD")}


def test_a_processor_s_fees_become_charges(engine: Engine, load: Load) -> None:
    """Each month is a bill; what the mapping does not say follows from it and from the vendor's name."""
    may, june = load(FILE, **of(PAYMENTS))
    assert (may.billed_cost, may.effective_cost, june.billed_cost) == (
        Decimal("0.59"),
        Decimal("0.59"),
        Decimal("3.20"),
    )
    assert (may.bill_source, may.billing_account_id, may.billing_currency) == ("payments", "payments", "USD")
    assert may.billing_period_end == june.billing_period_start == datetime(2026, 6, 1)  # noqa: DTZ001 - stored naive
    assert engine.rows(
        "SELECT charge_description, charge_category, invoice_issuer_name, service_name, "
        "charge_period_end - charge_period_start = INTERVAL 1 DAY FROM charges ORDER BY bill_id"
    ) == [
        ("fee of ch_1", "Usage", "payments", "payments", True),
        ("fee of ch_2", "Usage", "payments", "payments", True),
    ]
    assert {result.status for result in load(FILE, **of(PAYMENTS))} == {"unchanged"}


def test_a_column_that_is_not_there_is_named(load: Load) -> None:
    """The place in the contract and the file's columns are told."""
    with pytest.raises(ConfigurationError, match=r"bills.payments.charge.billed_cost.*'fee', must be a column"):
        load(FILE, **of(VendorBill(charge={"billed_cost": "fee", "charge_period_start": "currency"})))


def test_a_cost_must_be_said(load: Load) -> None:
    """A file without a cost is no bill, whatever else is mapped."""
    with pytest.raises(InputError, match=r"must have BilledCost.*add billed_cost: under bills.payments.charge"):
        load(FILE, **of(VendorBill(charge={"charge_period_start": "currency"})))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"billing_currency": "'US'"}, "must be an ISO 4217 code"),
        ({"billed_cost": "charge"}, "must be a plain decimal number"),
        ({"charge_category": "'Fee'"}, "must be one of Usage, Purchase"),
        ({"billed_cost": "cast(charge as decimal(18, 2))"}, "must be readable"),
    ],
)
def test_mapped_lines_keep_the_rules_of_every_line(
    engine: Engine, load: Load, change: dict[str, str], says: str
) -> None:
    """A value that is none is refused with the file, and nothing is kept."""
    with pytest.raises(BillFaultsError, match=says):
        load(FILE, **of(VendorBill(charge=PAYMENTS.charge | change)))
    assert engine.value("SELECT count(*) FROM charges") == 0


DATED = {
    name: f"strptime({column}, '%m/%d/%y')"
    for name, column in {
        "billing_period_start": "BillingPeriodStart",
        "billing_period_end": "BillingPeriodEnd",
        "charge_period_start": "ChargePeriodStart",
        "charge_period_end": "ChargePeriodEnd",
    }.items()
}
PRICED = {
    name: f"replace(replace(trim({column}), '$', ''), ',', '')"
    for name, column in {
        "billed_cost": "BilledCost",
        "effective_cost": "EffectiveCost",
        "list_cost": "ListCost",
        "contracted_cost": "ContractedCost",
    }.items()
}
STANDARD = VendorBill(charge={"billing_account_id": "'example'"})
# Two of the examples write an hour that no day has.
HOURS = VendorBill(charge={"charge_period_end": "replace(ChargePeriodEnd, 'T30:', 'T03:')"})
DATES = VendorBill(charge=DATED)
SIMPLE = VendorBill(charge=DATED | PRICED)
SCENARIO = "commitment_discount_scenarios/commitment_discount"
FLEXIBLE = "commitment_discount_flexibility"
FULL = f"{FLEXIBLE}/one_hundred_percent_utilization"
SAAS = "saas_examples"


@pytest.mark.skipif(not SAMPLES.exists(), reason="the third-party samples are not here")
@pytest.mark.parametrize(
    ("path", "mapping", "billed", "effective"),
    [
        (f"{SCENARIO}_purchase_scenario_1", STANDARD, "8760", "0"),
        (f"{SCENARIO}_purchase_scenario_2", HOURS, "3", "0"),
        (f"{SCENARIO}_purchase_scenario_3", HOURS, "4381.5", "0"),
        (f"{SCENARIO}_usage_scenario_1", STANDARD, "0", "1"),
        (f"{SCENARIO}_usage_scenario_2", STANDARD, "0", "1"),
        (f"{SCENARIO}_usage_scenario_3", STANDARD, "0", "1"),
        (f"{SCENARIO}_usage_scenario_4", STANDARD, "0.5", "1.5"),
        (f"{FULL}_with_commitment_discount_flexibility_with_1_resource", STANDARD, "2.75", "2.75"),
        (f"{FULL}_with_commitment_discount_flexibility_with_2_resources", STANDARD, "2", "2"),
        (f"{FULL}_without_commitment_discount_flexibility", STANDARD, "1.5", "1.5"),
        (f"{FLEXIBLE}/zero_percent_utilization_without_commitment_discount_flexibility", STANDARD, "3.5", "3.5"),
        (f"{SAAS}/spend_agreements/saas_spend_agreements_a1", DATES, "1200", "1200"),
        (f"{SAAS}/spend_agreements/saas_spend_agreements_a2", DATES, "1200", "1200"),
        (f"{SAAS}/spend_agreements/saas_spend_agreements_b1", DATES, "1200", "1200"),
        (f"{SAAS}/spend_agreements/saas_spend_agreements_b2", DATES, "1200", "1200"),
        (f"{SAAS}/virtual_currency_pricing_model_b2", DATES, "0", "615"),
        (f"{SAAS}/simple_agreements/simple_saas_agreements_a1", SIMPLE, "10000", "10000"),
        (f"{SAAS}/simple_agreements/simple_saas_agreements_a2", SIMPLE, "50000", "50000"),
        (f"{SAAS}/simple_agreements/simple_saas_agreements_a3", SIMPLE, "1000", "1000"),
        (f"{SAAS}/simple_agreements/simple_saas_agreements_b", SIMPLE, "50000", "50000"),
    ],
)
def test_worked_examples_of_the_standard_come_to_their_totals(
    load: Load, path: str, mapping: VendorBill, billed: str, effective: str
) -> None:
    """They have some of the standard's columns; the mapping says the rest."""
    results = load(SAMPLES / f"{path}.csv", **of(mapping))
    assert sum(result.billed_cost for result in results) == Decimal(billed)
    assert sum(result.effective_cost for result in results) == Decimal(effective)
