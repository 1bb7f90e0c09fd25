"""Native exports: what every provider's lines become, and that no cent of a file's own cost column is lost."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perunit.facts.bills import list_bills
from perunit.facts.bills.faults import BillFaultsError
from perunit.model.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from perunit.engine.duckdb import Engine

    Load: TypeAlias = Callable[..., Any]
    Table: TypeAlias = Callable[..., str]

SAMPLES = Path(__file__).parents[4] / "shared" / "data"

AWS = {
    "bill/PayerAccountId": "111",
    "bill/InvoiceId": "INV-1",
    "bill/BillingPeriodStartDate": "2026-05-01T00:00:00Z",
    "bill/BillingPeriodEndDate": "2026-06-01T00:00:00Z",
    "lineItem/UsageAccountId": "222",
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2026-05-01T00:00:00Z",
    "lineItem/UsageEndDate": "2026-05-01T01:00:00Z",
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/ResourceId": "i-1",
    "lineItem/UsageAmount": "1",
    "lineItem/CurrencyCode": "USD",
    "lineItem/UnblendedCost": "1.5",
    "reservation/ReservationARN": "",
    "reservation/EffectiveCost": "",
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "",
    "reservation/UnusedRecurringFee": "",
    "savingsPlan/SavingsPlanARN": "",
    "savingsPlan/SavingsPlanEffectiveCost": "",
    "savingsPlan/TotalCommitmentToDate": "",
    "savingsPlan/UsedCommitment": "",
    "resourceTags/user:Team": "shop",
    "resourceTags/aws:createdBy": "",
}
AZURE = {
    "BillingAccountId": "acct",
    "BillingPeriodStartDate": "05/01/2026",
    "BillingPeriodEndDate": "05/31/2026",
    "Date": "05/02/2026",
    "MeterCategory": "Virtual Machines",
    "ResourceId": "/vm/1",
    "Quantity": "2",
    "CostInBillingCurrency": "1.5",
    "BillingCurrency": "EUR",
    "ChargeType": "Usage",
    "PricingModel": "OnDemand",
    "Tags": '"team": "shop"',
}
GOOGLE: dict[str, Any] = {
    "billing_account_id": "01-02",
    "service": {"id": "6F81", "description": "Compute Engine"},
    "sku": {"id": "D2", "description": "N1 core"},
    "usage_start_time": "2026-05-01 00:00:00 UTC",
    "usage_end_time": "2026-05-01 01:00:00 UTC",
    "project": {"id": "shop-prod", "name": "Shop"},
    "labels": [{"key": "team", "value": "shop"}],
    "cost": 2.5,
    "currency": "USD",
    "usage": {"amount": 3600, "unit": "seconds"},
    "credits": [{"name": "sustained use", "amount": -0.5}, {"name": "promotion", "amount": -1e-7}],
    "invoice": {"month": "202605"},
    "cost_type": "regular",
}
ORACLE = {
    "lineItem/tenantId": "ocid1.tenancy",
    "lineItem/intervalUsageStart": "2026-05-03T00:00Z",
    "lineItem/intervalUsageEnd": "2026-05-03T01:00Z",
    "lineItem/isCorrection": "false",
    "product/service": "COMPUTE",
    "product/resourceId": "ocid1.instance",
    "usage/billedQuantity": "1",
    "cost/myCost": "0.064",
    "cost/currencyCode": "USD",
    "tags/team": "shop",
}


def snake(name: str) -> str:
    """A legacy column's name in CUR 2.0, for the columns of these tests."""
    head, _, rest = name.partition("/")
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in rest)
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in head) + words


def columns(engine: Engine, *names: str) -> list[tuple[Any, ...]]:
    """Columns of the charges, in the order of the file."""
    return engine.rows(f"SELECT {', '.join(names)} FROM charges ORDER BY line")


def test_an_aws_line_in_focus_terms(engine: Engine, load: Load, table: Table) -> None:
    """Every attribute a rule may look at comes from its own column."""
    (result,) = load(table(AWS))
    assert (result.bill_source, result.billing_account_id, result.billed_cost) == ("AWS", "111", Decimal("1.5"))
    assert columns(engine, "sub_account_id", "service_name", "resource_id", "invoice_id", "tags") == [
        ("222", "AmazonEC2", "i-1", "INV-1", {"Team": "shop"})
    ]


@pytest.mark.parametrize(
    ("change", "category", "effective", "status"),
    [
        ({"lineItem/LineItemType": "DiscountedUsage", "reservation/EffectiveCost": "0.9"}, "Usage", "0.9", "Used"),
        (
            {"lineItem/LineItemType": "SavingsPlanCoveredUsage", "savingsPlan/SavingsPlanEffectiveCost": "0.7"},
            "Usage",
            "0.7",
            "Used",
        ),
        ({"lineItem/LineItemType": "SavingsPlanNegation", "lineItem/UnblendedCost": "-1.5"}, "Usage", "0", None),
        (
            {
                "lineItem/LineItemType": "SavingsPlanRecurringFee",
                "savingsPlan/TotalCommitmentToDate": "1.5",
                "savingsPlan/UsedCommitment": "1.2",
            },
            "Purchase",
            "0.3",
            "Unused",
        ),
        ({"lineItem/LineItemType": "SavingsPlanUpfrontFee"}, "Purchase", "0", None),
        (
            {
                "lineItem/LineItemType": "RIFee",
                "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "0.1",
                "reservation/UnusedRecurringFee": "0.2",
            },
            "Purchase",
            "0.3",
            "Unused",
        ),
        ({"lineItem/LineItemType": "Fee", "reservation/ReservationARN": "arn:r"}, "Purchase", "0", None),
        ({"lineItem/LineItemType": "Fee"}, "Purchase", "1.5", None),
        ({"lineItem/LineItemType": "Tax"}, "Tax", "1.5", None),
        ({"lineItem/LineItemType": "EdpDiscount", "lineItem/UnblendedCost": "-1"}, "Credit", "-1", None),
    ],
)
@pytest.mark.parametrize("edition", ["legacy", "2.0"])
def test_what_aws_line_item_types_mean(
    engine: Engine,
    load: Load,
    table: Table,
    edition: str,
    change: dict[str, str],
    category: str,
    effective: str,
    status: str | None,
) -> None:
    """Commitments are billed by their fees and effective on the usage they cover, and what is not used."""
    line = AWS | change
    if edition == "2.0":
        line = {snake(name): value for name, value in line.items() if not name.startswith("resourceTags")}
        line["resource_tags"] = '{"user_Team":"shop"}'
    (result,) = load(table(line))
    assert result.billed_cost == Decimal(line.get("lineItem/UnblendedCost", line.get("line_item_unblended_cost", "")))
    assert columns(engine, "charge_category", "effective_cost", "commitment_discount_status", "tags['Team']") == [
        (category, Decimal(effective), status, "shop")
    ]


def test_an_unknown_aws_line_item_type_is_refused(engine: Engine, load: Load, table: Table) -> None:
    """A word whose meaning is not known is not taken for usage."""
    with pytest.raises(BillFaultsError, match="'Surprise', must be one of Usage"):
        load(table(AWS, AWS | {"lineItem/LineItemType": "Surprise"}))
    assert engine.value("SELECT count(*) FROM charges") == 0


def test_an_end_in_the_last_second_and_a_fee_of_an_instant(engine: Engine, load: Load, table: Table) -> None:
    """Periods are half-open and have a length."""
    load(
        table(
            AWS
            | {
                "bill/BillingPeriodEndDate": "2026-05-31T23:59:59Z",
                "lineItem/UsageEndDate": "2026-05-01T00:00:00Z",
            }
        )
    )
    assert engine.rows("SELECT billing_period_end FROM bills") == [(datetime(2026, 6, 1),)]  # noqa: DTZ001 - stored naive
    assert columns(engine, "charge_period_end - charge_period_start = INTERVAL 1 SECOND") == [(True,)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ("Usage", "1.5", "1.5", None)),
        ({"ChargeType": "Purchase", "PricingModel": "Reservation"}, ("Purchase", "1.5", "0", None)),
        ({"PricingModel": "Reservation"}, ("Usage", "0", "1.5", "Used")),
        ({"ChargeType": "UnusedSavingsPlan", "PricingModel": "SavingsPlan"}, ("Usage", "0", "1.5", "Unused")),
        ({"ChargeType": "Refund"}, ("Credit", "1.5", "1.5", None)),
        ({"ChargeType": "RoundingAdjustment"}, ("Adjustment", "1.5", "1.5", None)),
    ],
)
def test_an_azure_line_in_focus_terms(
    engine: Engine, load: Load, table: Table, change: dict[str, str], expected: tuple[str, str, str, str | None]
) -> None:
    """Covered usage is billed by its purchase, and effective where it is used or left unused."""
    (result,) = load(table(AZURE | change))
    assert (result.billing_period_start.day, result.billing_period_end.month) == (1, 6)
    category, billed, effective, status = expected
    assert columns(engine, "charge_category", "billed_cost", "effective_cost", "commitment_discount_status") == [
        (category, Decimal(billed), Decimal(effective), status)
    ]
    assert columns(engine, "tags['team']", "charge_period_start") == [("shop", datetime(2026, 5, 2))]  # noqa: DTZ001


def test_a_translated_azure_header_keeps_its_original_in_brackets(engine: Engine, load: Load, table: Table) -> None:
    """German exports say ``Kategorie der Verbrauchseinheit (MeterCategory)``."""
    names = {"MeterCategory": "Kategorie der Verbrauchseinheit (MeterCategory)"}
    load("\ufeff" + table({names.get(name, name): value for name, value in AZURE.items()}))
    assert columns(engine, "service_name") == [("Virtual Machines",)]


def test_google_rows_are_net_of_their_credits(engine: Engine, load: Load) -> None:
    """Cost + Σ credits, with nested objects and labels; JSON rows and CSV cells say the same."""
    (result,) = load(json.dumps(GOOGLE) + "\n", "bill.ndjson")
    assert result.billed_cost == Decimal("1.9999999")
    assert columns(engine, "service_name", "sub_account_id", "tags", "consumed_quantity", "contracted_cost") == [
        ("Compute Engine", "shop-prod", {"team": "shop"}, Decimal(3600), Decimal("2.5"))
    ]


def test_google_csv_says_the_same_as_its_json(load: Load, table: Table) -> None:
    """A flattened CSV of the same rows changes nothing."""
    load(json.dumps(GOOGLE) + "\n", "bill.ndjson")
    flat: dict[str, str] = {}
    for name, value in GOOGLE.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{key}": str(each) for key, each in value.items()}
        else:
            flat[name] = json.dumps(value) if isinstance(value, list) else str(value)
    (again,) = load(table(flat))
    assert again.status == "unchanged"


def test_an_oracle_line_in_focus_terms(engine: Engine, load: Load, table: Table) -> None:
    """The month of the usage is the billing period."""
    (result,) = load(table(ORACLE))
    assert (result.bill_source, result.billing_period_end.month, result.billed_cost) == ("Oracle", 6, Decimal("0.064"))
    assert columns(engine, "service_name", "resource_id", "tags") == [("COMPUTE", "ocid1.instance", {"team": "shop"})]


def test_a_zip_archive_of_one_file_is_read(load: Load, table: Table) -> None:
    """Legacy reports may be delivered zipped; what is cut short is refused."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("report-00001.csv", table(AWS))
    (result,) = load(packed.getvalue(), "report.csv.zip")
    assert result.lines == 1
    with pytest.raises(InputError):
        load(packed.getvalue()[:-40], "cut.csv.zip")


def test_the_named_format_must_be_the_file_s(engine: Engine, load: Load, table: Table) -> None:
    """A mislabelled file is refused, and the right label is said."""
    with pytest.raises(BillFaultsError, match=r"must be azure.*--format aws-cur"):
        load(table(AWS), expected="azure")
    assert engine.value("SELECT count(*) FROM bills") == 0
    assert load(table(AWS), expected="aws-cur")[0].status == "imported"


def test_a_manifest_beside_the_parts_is_no_part(load: Load, table: Table, tmp_path: Path) -> None:
    """A report's directory holds its manifest too."""
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "report-00001.csv").write_text(table(AWS), encoding="utf-8")
    (folder / "report-Manifest.json").write_text("{}", encoding="utf-8")
    assert load(folder)[0].lines == 1


amounts = st.decimals(min_value=-(10**6), max_value=10**6, places=12)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(costs=st.lists(amounts, min_size=1, max_size=8))
def test_the_own_cost_column_is_kept_to_the_last_digit(load: Load, table: Table, costs: list[Decimal]) -> None:
    """Σ billed cost = Σ of the column, whatever its lines are."""
    kinds = ["Usage", "Tax", "Credit", "SavingsPlanNegation", "RIFee"]
    lines = [
        AWS | {"lineItem/UnblendedCost": f"{cost:f}", "lineItem/LineItemType": kinds[place % len(kinds)]}
        for place, cost in enumerate(costs)
    ]
    (result,) = load(table(*lines))
    assert result.billed_cost == sum(costs)


@pytest.mark.parametrize(
    ("path", "column", "total"),
    [
        ("nise-ocp-on-aws/aws_cur_September-2026.csv", "billed_cost", "1830.788579192911"),
        ("keboola-cur/cur_1_0/MockTestReport-00001.csv.zip", "billed_cost", "0.045152"),
        ("keboola-cur/cur_2_0/MockTestReportV2-00001.csv.gz", "billed_cost", "0.108304"),
        ("azure-ea-finops-toolkit/EA_ActualCost_Small.csv", "billed_cost", "8.545007786742"),
        ("azure-ea-finops-toolkit/EA_AmortizedCost_Small.csv", "effective_cost", "16.296932136637"),
    ],
)
def test_samples_come_to_their_control_totals(engine: Engine, load: Load, path: str, column: str, total: str) -> None:
    """The totals of the samples' notes, which take every line at 12 places."""
    if not (SAMPLES / path).exists():
        pytest.skip("the third-party samples are not here")
    load(SAMPLES / path)
    assert engine.value(f"SELECT sum(CAST({column} AS DECIMAL(38, 12))) FROM charges") == Decimal(total)
    assert len(list_bills(engine)) == 1


@pytest.mark.parametrize("variant", ["German", "YA", "PayAsYouGo", "Enterprise", "EnterpriseCamel"])
def test_azure_header_variants_are_read(load: Load, variant: str) -> None:
    """Headers that differ by language, agreement and age name the same columns."""
    path = SAMPLES / f"opencost-fixtures/pkg/cloud/azure/resources/billingexports/headersets/{variant}.csv"
    if not path.exists():
        pytest.skip("the third-party samples are not here")
    (result,) = load(path)
    assert (result.bill_source, result.lines) == ("Microsoft", 1)
