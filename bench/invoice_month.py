"""A month's bill and usage to measure on. Enters: numbers of lines and usage rows. Leaves: a legacy CUR and a project.

Run as a module it makes them, in a process of its own; the same sizes are made once and then reused. Half of the
lines are hours of machines, which are allocated by measured CPU seconds; the rest is storage with the order in a tag,
egress, support and tax. The other columns of the report are there and mostly empty, as they are in real ones.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import duckdb

from bench.company import WORK
from bench.measure import run_module

__all__ = ["CONTRACT", "InvoiceMonth", "prepared_month"]

_HOURS = 720
_CPU_SECONDS = 14_400

CONTRACT = """\
version: 1
currency: USD
units:
  order: {owner: checkout, key: order_id, segments: [app]}
sources:
  machines:
    format: parquet
    path: usage.parquet
    timezone: UTC
    event:
      id: id
      time: time
      type: "'machine.hour'"
      units: {order: "cast(null as varchar)"}
      segments: {app: app}
      usage: {cpu_seconds: cpu_seconds}
      resource: resource
meters:
  cpu_seconds: {unit: s}
allocation:
  - {name: tagged, match: "tags['order'] is not null", method: direct, unit: order, key: "tags['order']"}
  - name: machines
    match: "service_name = 'Amazon Elastic Compute Cloud'"
    method: usage
    meter: cpu_seconds
    resource: resource_id
    capacity: "14400 * consumed_quantity"
  - {name: egress, match: "service_name = 'AWS Data Transfer'", method: usage, meter: cpu_seconds}
  - {name: rest, method: proportional, to: variable_cost}
"""
_PRICES = """\
book: cloud
version: 1
currency: USD
rates:
  - {meter: cpu_seconds, price: 0.048, per: 3600, unit: s, effective_from: 2026-01-01}
"""

# The columns that are empty in every line: a real report has about two hundred.
_EMPTY = tuple(f"product/attribute{number}" for number in range(60))
_SHARED = {
    "bill/BillType": "'Anniversary'",
    "bill/BillingEntity": "'AWS'",
    "bill/InvoicingEntity": "'Amazon Web Services, Inc.'",
    "bill/BillingPeriodStartDate": "'2026-09-01T00:00:00Z'",
    "bill/BillingPeriodEndDate": "'2026-10-01T00:00:00Z'",
    "bill/InvoiceId": "'2026-09-0001'",
    "bill/PayerAccountId": "'999999999999'",
    "lineItem/AvailabilityZone": "'eu-central-1a'",
    "lineItem/CurrencyCode": "'USD'",
    "lineItem/LegalEntity": "'Amazon Web Services, Inc.'",
    "lineItem/UsageAccountId": "'1000000000' || lpad(cast(l % 20 as varchar), 2, '0')",
    "pricing/RateId": "'1'",
    "pricing/publicOnDemandRate": "'0.192'",
    "pricing/RateCode": "'ABC.DEF.' || l % 50",
    "product/region": "'eu-central-1'",
    "product/sku": "'SKU' || l % 50",
    **dict.fromkeys(
        (
            "product/PurchaseOption",
            "reservation/ReservationARN",
            "reservation/EffectiveCost",
            "reservation/TotalReservedUnits",
            "reservation/UnusedRecurringFee",
            "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod",
            "savingsPlan/SavingsPlanARN",
            "savingsPlan/SavingsPlanEffectiveCost",
            "savingsPlan/TotalCommitmentToDate",
            "savingsPlan/UsedCommitment",
        ),
        "NULL",
    ),
}
_START = "timestamp '2026-09-01' + to_hours(l % 720)"
_MACHINE = {
    "identity/LineItemId": "md5('m' || l)",
    "lineItem/LineItemType": "'Usage'",
    "lineItem/ProductCode": "'AmazonEC2'",
    "product/ProductName": "'Amazon Elastic Compute Cloud'",
    "lineItem/LineItemDescription": "'$0.192 per On Demand Linux m5.xlarge Instance Hour'",
    "lineItem/ResourceId": "'i-' || lpad(cast(l // 720 as varchar), 8, '0')",
    "lineItem/UsageAmount": "'1.0000000000'",
    "pricing/unit": "'Hrs'",
    "lineItem/UsageStartDate": f"strftime({_START}, '%Y-%m-%dT%H:%M:%SZ')",
    "lineItem/UsageEndDate": f"strftime({_START} + interval 1 hour, '%Y-%m-%dT%H:%M:%SZ')",
    "lineItem/UnblendedCost": "'0.' || lpad(cast(1920000000 + hash(l) % 9973 as varchar), 10, '0')",
    "resourceTags/user:app": "'app-' || (l // 720) % 40",
    "resourceTags/user:order": "NULL",
}
_OTHER = {
    **_MACHINE,
    "identity/LineItemId": "md5('o' || l)",
    "lineItem/LineItemType": "case when l % 97 = 0 then 'Tax' else 'Usage' end",
    "lineItem/ProductCode": "case when l % 97 = 0 then 'AWSSupport' when l % 3 = 0 then 'AmazonS3' "
    "else 'AWSDataTransfer' end",
    "product/ProductName": "case when l % 97 = 0 then 'AWS Support' "
    "when l % 3 = 0 then 'Amazon Simple Storage Service' else 'AWS Data Transfer' end",
    "lineItem/LineItemDescription": "'storage and transfer'",
    "lineItem/ResourceId": "'arn:aws:s3:::bucket-' || l % 300",
    "lineItem/UsageAmount": "cast(hash(l) % 100000 as varchar) || '.5'",
    "pricing/unit": "'GB'",
    "lineItem/UnblendedCost": "'0.00' || lpad(cast(hash(l * 7) % 100000000 as varchar), 10, '0')",
    "resourceTags/user:order": "case when l % 3 = 0 and l % 97 <> 0 then 'o-' || l % 5000 end",
}


@dataclass(frozen=True)
class InvoiceMonth:
    """Where a month lies; `lines` of the bill, `usage_rows` of machine hours by app."""

    directory: Path
    lines: int
    usage_rows: int

    @property
    def bill(self) -> Path:
        """The Cost and Usage Report."""
        return self.directory / "cur.csv"

    @property
    def usage(self) -> Path:
        """The measured machine hours."""
        return self.directory / "usage.parquet"

    def project_at(self, directory: Path) -> Path:
        """A fresh project with the contract, the price book and the usage to be ingested."""
        shutil.rmtree(directory, ignore_errors=True)
        (directory / "prices").mkdir(parents=True)
        (directory / "perunit.yaml").write_text(CONTRACT, encoding="utf-8")
        (directory / "prices" / "cloud.yaml").write_text(_PRICES, encoding="utf-8")
        (directory / "usage.parquet").symlink_to(self.usage)
        return directory


def prepared_month(lines: int, usage_rows: int) -> InvoiceMonth:
    """The month of these sizes, made where it is not there yet."""
    digest = sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    directory = WORK / f"month-{lines}-{usage_rows}-{digest}"
    if not (directory / "usage.parquet").exists():
        for stale in WORK.glob(f"month-{lines}-{usage_rows}-*"):
            shutil.rmtree(stale)
        directory.mkdir(parents=True)
        run_module("bench.invoice_month", directory, lines, usage_rows)
    return InvoiceMonth(directory, lines, usage_rows)


def _select(columns: dict[str, str], lines: int) -> str:
    named = {**_SHARED, **columns, "pricing/publicOnDemandCost": columns["lineItem/UnblendedCost"]}
    named |= dict.fromkeys(_EMPTY, "NULL")
    cells = ", ".join(f'{sql} AS "{name}"' for name, sql in sorted(named.items()))
    return f"SELECT {cells} FROM range({lines}) t(l)"


def _make(directory: Path, lines: int, usage_rows: int) -> None:
    machines = max(lines // 2 // _HOURS, 1)
    machine_lines = machines * _HOURS
    connection = duckdb.connect()
    connection.execute(
        f"COPY ({_select(_MACHINE, machine_lines)} UNION ALL {_select(_OTHER, lines - machine_lines)}) "
        f"TO '{directory / 'cur.csv'}' (HEADER, DELIMITER ',')"
    )
    apps = max(round(usage_rows / machine_lines), 1)
    connection.execute(
        f"COPY (SELECT 'u-' || l || '-' || a AS id, {_START} + interval 30 minute AS time, "
        f"'i-' || lpad(cast(l // 720 as varchar), 8, '0') AS resource, "
        f"'app-' || ((l // 720) * {apps} + a) % 40 AS app, "
        f"cast(1 + hash(l * {apps} + a) % {_CPU_SECONDS // apps - 1} as decimal(18, 3)) AS cpu_seconds "
        f"FROM range({machine_lines}) m(l), range({apps}) s(a)) TO '{directory / 'making'}' (FORMAT parquet)"
    )
    (directory / "making").rename(directory / "usage.parquet")


if __name__ == "__main__":
    _make(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
