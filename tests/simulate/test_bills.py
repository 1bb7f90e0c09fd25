"""The bills are FOCUS files that sum to the truth, and the second version restates the first."""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from perunit.model.money import exact
from perunit.simulate.bills import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulate.conftest import Company

COSTS = {"billed_cost": "BilledCost", "effective_cost": "EffectiveCost", "list_cost": "ListCost"}
Row = dict[str, str]


def read_csv(path: Path) -> list[Row]:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def rule_of(row: Row) -> str:
    """The allocation rule of perunit.yaml that takes a line: the first that matches."""
    if "order_id" in row["Tags"]:
        return "tagged orders"
    if "customer_id" in row["Tags"]:
        return "tagged customers"
    if row["ChargeCategory"] == "Purchase" or row["CommitmentDiscountStatus"] == "Unused":
        return "commitments"
    if row["ChargeClass"] == "Correction":
        return "corrections"
    if row["ServiceCategory"] == "Storage" or row["ServiceName"] == "Nimbus Support" or row["ChargeCategory"] == "Tax":
        return "storage, support and tax"
    services = {"Nimbus Machines": "machines", "Nimbus Delivery": "delivery", "Nimbus Watch": "observability"}
    return services.get(row["ServiceName"], "")


def total(rows: list[Row], column: str) -> Decimal:
    """The exact sum of a column."""
    with exact():
        return sum((Decimal(row[column]) for row in rows), Decimal(0))


@pytest.mark.parametrize("file", ["2026-09-v1.csv", "2026-09-v2.csv", "2026-10-v1.csv", "2026-10-v2.csv"])
def test_bills_sum_to_the_truth(company: Company, file: str) -> None:
    """Lines and costs of each bill, in all and by allocation rule, are those of the truth."""
    rows = read_csv(company.root / "bills" / file)
    expected = company.truth["bills"][file]
    assert len(rows) == expected["lines"]
    for name, column in COSTS.items():
        assert total(rows, column) == Decimal(expected[name])
    by_rule = defaultdict(list)
    for row in rows:
        by_rule[rule_of(row)].append(row)
    truth = {row["rule"]: row for row in read_csv(company.root / "truth" / "bills.csv") if row["file"] == file}
    assert set(by_rule) == set(truth)
    for rule, many in by_rule.items():
        assert len(many) == int(truth[rule]["lines"])
        for name, column in COSTS.items():
            assert total(many, column) == Decimal(truth[rule][name])


def test_bills_have_the_mandatory_columns(company: Company) -> None:
    """Every line has what FOCUS never leaves empty, and lies in its billing period."""
    for path in (company.root / "bills").iterdir():
        for row in read_csv(path):
            assert tuple(row) == COLUMNS
            for name in ("BilledCost", "EffectiveCost", "ListCost", "BillingCurrency", "ChargeCategory", "ServiceName"):
                assert row[name]
            assert row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["ChargePeriodEnd"]
            assert row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]


def test_machines_are_billed_for_what_was_used(company: Company) -> None:
    """Bought hours cover the measured processor time; delivered gigabytes are the measured bytes, exactly."""
    used = {(row["day"], row["resource"]): row for row in read_csv(company.root / "truth" / "machines.csv")}
    measured: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    seen = set()
    for event in company.events:
        if event["type"] == "api.call" and event["id"] not in seen:
            seen.add(event["id"])
            sums = measured[event["time"][:10], event["data"]["resource"]]
            sums[0] += Decimal(str(event["data"]["cpu_seconds"]))
            sums[1] += event["data"]["egress_bytes"]
    bought: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in read_csv(company.root / "bills" / "2026-09-v1.csv"):
        bought[row["ChargePeriodStart"][:10], row["ResourceId"], row["ServiceName"]] += Decimal(
            row["ConsumedQuantity"] or 0
        )
    for (day, resource), row in used.items():
        assert [Decimal(row["cpu_seconds"]), Decimal(row["egress_bytes"])] == measured[day, resource]
        if day < "2026-10":
            assert bought[day, resource, "Nimbus Machines"] * 3600 >= Decimal(row["cpu_seconds"])
            assert bought[day, resource, "Nimbus Delivery"] * 10**9 == Decimal(row["egress_bytes"])


def test_the_idle_part_is_what_nobody_used(company: Company) -> None:
    """Recomputed from the bill and the measured processor time, to the 12 places that are promised."""
    used = {
        (row["day"], row["resource"]): Decimal(row["cpu_seconds"])
        for row in read_csv(company.root / "truth" / "machines.csv")
    }
    rows = [row for row in read_csv(company.root / "bills" / "2026-09-v2.csv") if rule_of(row) == "machines"]
    with exact():
        idle = sum(
            Decimal(row["EffectiveCost"])
            * (1 - used[row["ChargePeriodStart"][:10], row["ResourceId"]] / (Decimal(row["ConsumedQuantity"]) * 3600))
            for row in rows
        )
    (truth,) = (
        row
        for row in read_csv(company.root / "truth" / "bills.csv")
        if row["file"] == "2026-09-v2.csv" and row["rule"] == "machines"
    )
    assert abs(idle - Decimal(truth["idle_effective_cost"])) < Decimal("1e-12")
    assert 0 < idle < Decimal(truth["effective_cost"])


def test_the_second_version_differs_in_some_lines_only(company: Company) -> None:
    """A correction, support, tax and the purchase move; other lines of the October bill stand as they were."""
    first, second = (read_csv(company.root / "bills" / f"2026-10-v{version}.csv") for version in (1, 2))
    assert total(first, "BilledCost") != total(second, "BilledCost")
    assert len(second) == len(first) + 1
    stands = [row for row in first if row in second]
    assert len(first) // 2 < len(stands) < len(first)


def test_tagged_lines_name_units_that_exist(company: Company) -> None:
    """Every order and customer a line is tagged with has an event."""
    known = {event["data"].get(key) for event in company.events for key in ("order_id", "user_id")}
    tagged = [row["Tags"] for row in read_csv(company.root / "bills" / "2026-09-v1.csv") if row["Tags"]]
    assert len(tagged) > 40
    assert all(tag.split('"')[3] in known for tag in tagged)


def test_the_commitment_is_spread_without_rest(company: Company) -> None:
    """What was paid up front is the effective cost of what it covered and of what it did not."""
    for path in (company.root / "bills").iterdir():
        rows = [row for row in read_csv(path) if row["CommitmentDiscountStatus"] or row["ChargeCategory"] == "Purchase"]
        assert total(rows, "BilledCost") == total(rows, "EffectiveCost")
