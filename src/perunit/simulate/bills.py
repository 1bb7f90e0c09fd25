"""What the cloud charges for what was really used. Enters: the tally's machine days. Leaves: FOCUS bills, two versions.

Version 2 restates the whole month: a wrong rate is put right and a credit is given, so support and tax move too.
"""

from __future__ import annotations

import csv
import io
import json
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from perunit.model.money import exact, plain
from perunit.simulate.company import REGIONS, RESOURCES, VMS_PER_REGION
from perunit.simulate.orders import orders_of
from perunit.simulate.scenario import DAY_MS, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.simulate.prices import Prices
    from perunit.simulate.truth import Tally

__all__ = ["COLUMNS", "RULES", "Bill", "Charge", "bills_of"]

COLUMNS = (
    *("ProviderName", "PublisherName", "InvoiceIssuerName", "InvoiceId", "BillingAccountId", "BillingAccountName"),
    *("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd", "ChargeCategory"),
    *("ChargeClass", "ChargeDescription", "ChargeFrequency", "BilledCost", "EffectiveCost", "ListCost"),
    *("ContractedCost", "PricingCategory", "PricingQuantity", "PricingUnit", "BillingCurrency"),
    *("ConsumedQuantity", "ConsumedUnit", "ServiceName", "ServiceCategory", "SkuId", "SkuPriceId", "ResourceId"),
    *("ResourceName", "ResourceType", "RegionId", "RegionName", "CommitmentDiscountId"),
    *("CommitmentDiscountType", "CommitmentDiscountStatus", "Tags"),
)
_INVOICE = (
    *("InvoiceDetailId", "InvoiceId", "InvoiceIssuerName", "InvoiceIssueStatus", "InvoiceIssueDate"),
    *("BillingAccountId", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd", "BilledCost"),
)
# The allocation rules of the project's contract and the kind each one's lines end as.
RULES = {
    "tagged orders": "direct",
    "tagged customers": "direct",
    "commitments": "shared",
    "corrections": "shared",
    "machines": "usage",
    "delivery": "usage",
    "observability": "shared",
    "storage, support and tax": "shared",
    "": "unallocated",
}

_ZERO = Decimal(0)
_CONTRACTED, _COMMITTED, _EGRESS_CONTRACTED = Decimal("0.92"), Decimal("0.65"), Decimal("0.95")
_WRONG_RATE, _WRONG_DAYS, _WRONG_REGION = Decimal("0.85"), range(8, 13), "eu-west-1"
_CREDIT, _SUPPORT_SHARE, _TAX_SHARE = Decimal("-25.00"), Decimal("0.03"), Decimal("0.08")
_HEADROOM, _HOURS_LEAST = Fraction(118, 100), 24
_TAGGED_ORDERS, _TAGGED_CUSTOMERS = 40, 8
_COMMITMENT = "commitment-1y-vm"


@dataclass(frozen=True, slots=True)
class Charge:
    """One line; `rule` is the allocation rule that is expected to take it, "" for none.

    `used` and `capacity` say of a machine's line how much of what was bought was used, in processor milliseconds.
    """

    rule: str
    begin: datetime
    end: datetime
    service: tuple[str, str]
    description: str
    billed: Decimal
    effective: Decimal
    listed: Decimal
    category: str = "Usage"
    charge_class: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    resource: str = ""
    region: str = ""
    commitment: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    used: int = 0
    capacity: int = 0

    @property
    def idle(self) -> Fraction:
        """The share of the line that nobody used; of a commitment's unused part all of it."""
        if self.commitment == "Unused":
            return Fraction(1)
        return 1 - Fraction(self.used, self.capacity) if self.capacity else Fraction(0)


@dataclass(frozen=True, slots=True)
class Bill:
    """One version of one month of the billing account."""

    month: str
    version: int
    begin: datetime
    end: datetime
    charges: tuple[Charge, ...]

    @property
    def file(self) -> str:
        """Its name below ``bills/``."""
        return f"{self.month}-v{self.version}.csv"

    def as_csv(self) -> str:
        """The FOCUS Cost and Usage file."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({**self._shared(), **_line(charge)} for charge in self.charges)
        return text.getvalue()

    def invoice_csv(self) -> str:
        """The FOCUS Invoice Detail file of its invoice: one line, in whole cents as issuers write them."""
        with exact():
            total = _cents(sum((charge.billed for charge in self.charges), _ZERO))
        shared = self._shared()
        row = {name: shared[name] for name in _INVOICE if name in shared}
        row |= {
            "InvoiceDetailId": f"{row['InvoiceId']}-1",
            "InvoiceIssueStatus": "Issued",
            "InvoiceIssueDate": _instant(self.end),
            "BilledCost": plain(total),
        }
        text = io.StringIO()
        writer = csv.DictWriter(text, _INVOICE, lineterminator="\n")
        writer.writeheader()
        writer.writerow(row)
        return text.getvalue()

    def _shared(self) -> dict[str, str]:
        return {
            "ProviderName": "Nimbus",
            "PublisherName": "Nimbus",
            "InvoiceIssuerName": "Nimbus",
            "InvoiceId": f"NMB-{self.month}",
            "BillingAccountId": "4711-0001",
            "BillingAccountName": "Studio",
            "BillingPeriodStart": _instant(self.begin),
            "BillingPeriodEnd": _instant(self.end),
            "BillingCurrency": "USD",
        }


def bills_of(scenario: Scenario, tally: Tally, prices: Prices) -> list[Bill]:
    """Two versions for every calendar month that has a simulated day."""
    bills = []
    with exact():
        days = _days(scenario, tally, prices)
        for begin, end in _months(scenario):
            first = [charge for charge in days if begin <= charge.begin < end]
            first += _direct(scenario, begin, end)
            month = f"{begin:%Y-%m}"
            for version, charges in enumerate((first, _restated(first, begin, end)), start=1):
                whole = (*charges, *_monthly(charges, begin, end))
                bills.append(Bill(month, version, begin, end, whole))
    return bills


def _months(scenario: Scenario) -> list[tuple[datetime, datetime]]:
    first = scenario.options.first.replace(day=1)
    edges = [first]
    while edges[-1] < scenario.options.end:
        edges.append(edges[-1] + timedelta(days=monthrange(edges[-1].year, edges[-1].month)[1]))
    return list(pairwise(edges))


def _days(scenario: Scenario, tally: Tally, prices: Prices) -> list[Charge]:
    charges = []
    for day, machine, cpu_ms, egress_bytes in tally.machine_days():
        begin = scenario.options.first + timedelta(days=day)
        after = begin >= scenario.options.change
        charges.append(_machine(begin, machine, cpu_ms, prices, after))
        if egress_bytes:
            charges.append(_delivery(begin, machine, egress_bytes, prices, after))
        if machine % VMS_PER_REGION == 0:
            charges.append(_storage(begin, machine // VMS_PER_REGION, day))
    return charges


def _machine(begin: datetime, machine: int, cpu_ms: int, prices: Prices, after: bool) -> Charge:
    """A machine is bought in whole processor hours; the first of each region is covered by the commitment."""
    region = machine // VMS_PER_REGION
    hours = max(_HOURS_LEAST, -(-cpu_ms * _HEADROOM.numerator // (_HEADROOM.denominator * 3_600_000)))
    per_hour = (prices.cost_of("cpu_seconds", region, after) * 3600).quantize(Decimal("0.0001"))
    listed = per_hour * hours
    committed = machine % VMS_PER_REGION == 0
    return Charge(
        rule="machines",
        begin=begin,
        end=begin + timedelta(days=1),
        service=("Nimbus Machines", "Compute"),
        description="Processor hours" + (" covered by commitment" if committed else ""),
        billed=_ZERO if committed else listed * _CONTRACTED,
        effective=listed * (_COMMITTED if committed else _CONTRACTED),
        listed=listed,
        quantity=Decimal(hours),
        unit="Hours",
        resource=RESOURCES[machine],
        region=REGIONS[region],
        commitment="Used" if committed else "",
        used=cpu_ms,
        capacity=hours * 3_600_000,
    )


def _delivery(begin: datetime, machine: int, egress_bytes: int, prices: Prices, after: bool) -> Charge:
    region = machine // VMS_PER_REGION
    listed = prices.cost_of("egress_bytes", region, after) * egress_bytes
    billed = listed * _EGRESS_CONTRACTED
    return Charge(
        rule="delivery",
        begin=begin,
        end=begin + timedelta(days=1),
        service=("Nimbus Delivery", "Networking"),
        description="Data transfer out",
        billed=billed,
        effective=billed,
        listed=listed,
        quantity=Decimal(egress_bytes).scaleb(-9),
        unit="GB",
        resource=RESOURCES[machine],
        region=REGIONS[region],
    )


def _storage(begin: datetime, region: int, day: int) -> Charge:
    quantity = Decimal(400 + 11 * region + 3 * day)
    cost = quantity * Decimal("0.000767")
    return Charge(
        rule="storage, support and tax",
        begin=begin,
        end=begin + timedelta(days=1),
        service=("Nimbus Storage", "Storage"),
        description="Stored renders",
        billed=cost,
        effective=cost,
        listed=cost,
        quantity=quantity,
        unit="GB",
        region=REGIONS[region],
    )


def _direct(scenario: Scenario, begin: datetime, end: datetime) -> list[Charge]:
    """Work bought for one order or one customer; the line carries its key as a tag."""
    first, last = _orders_between(scenario, begin, end)
    if first == last:
        return []
    picked = np.unique(np.linspace(first, last - 1, _TAGGED_ORDERS).astype(np.int64))
    orders = orders_of(scenario, picked)
    charges = []
    rows = zip(orders.number.tolist(), orders.time.tolist(), orders.user.tolist(), strict=True)
    for place, (number, time, user) in enumerate(rows):
        day = datetime.fromtimestamp(time // DAY_MS * 86_400, tz=UTC)
        cost = Decimal(75 + number % 260).scaleb(-2)
        charges.append(_tagged("tagged orders", day, cost, "order_id", f"o-{100_000_000 + number}"))
        if user >= 0 and place % (_TAGGED_ORDERS // _TAGGED_CUSTOMERS) == 0:
            key = f"u-{1_000_000 + user}"
            charges.append(_tagged("tagged customers", day, cost + 4, "customer_id", key))
    return charges


def _orders_between(scenario: Scenario, begin: datetime, end: datetime) -> tuple[int, int]:
    blocks_per_day = scenario.blocks // scenario.options.days
    edges = [(moment - scenario.options.first).days * blocks_per_day for moment in (begin, end)]
    first, last = (int(scenario.placed_before[min(max(edge, 0), scenario.blocks)]) for edge in edges)
    return first, last


def _tagged(rule: str, day: datetime, cost: Decimal, key: str, value: str) -> Charge:
    return Charge(
        rule=rule,
        begin=day,
        end=day + timedelta(days=1),
        service=("Nimbus Burst", "Compute"),
        description="Burst render",
        billed=cost,
        effective=cost,
        listed=cost,
        quantity=Decimal(1),
        unit="Requests",
        resource=f"burst-{value}",
        region=REGIONS[0],
        tags=((key, value),),
    )


def _restated(charges: list[Charge], begin: datetime, end: datetime) -> list[Charge]:
    """The same lines with the right rate, and a credit."""
    right = [
        replace(charge, billed=charge.billed * _WRONG_RATE, effective=charge.effective * _WRONG_RATE)
        if charge.rule == "machines" and charge.region == _WRONG_REGION and charge.begin.day in _WRONG_DAYS
        else charge
        for charge in charges
    ]
    credit = Charge(
        rule="corrections",
        begin=begin,
        end=end,
        service=("Nimbus Machines", "Compute"),
        description="Goodwill for the outage",
        billed=_CREDIT,
        effective=_CREDIT,
        listed=_CREDIT,
        category="Credit",
        charge_class="Correction",
    )
    return [*right, credit]


def _monthly(charges: list[Charge], begin: datetime, end: datetime) -> Iterator[Charge]:
    """What is charged once a month; support and tax follow the other lines."""
    covered = sum((charge.effective for charge in charges if charge.commitment), _ZERO)
    purchase = covered.quantize(Decimal(1)) + 5

    def once(rule: str, name: str, family: str, what: str, billed: Decimal, effective: Decimal) -> Charge:
        return Charge(rule, begin, end, (name, family), what, billed, effective, billed)

    machines = ("Nimbus Machines", "Compute")
    yield replace(once("commitments", *machines, "One-month commitment", purchase, _ZERO), category="Purchase")
    yield replace(
        once("commitments", *machines, "Unused commitment", _ZERO, purchase - covered),
        resource=_COMMITMENT,
        commitment="Unused",
    )
    watch = Decimal("118.40")
    yield once("observability", "Nimbus Watch", "Management and Governance", "Metrics and logs", watch, watch)
    fonts = Decimal("42.00")
    yield once("", "Nimbus Marketplace", "Other", "Typeface licence", fonts, fonts)
    before = sum((charge.billed for charge in charges), _ZERO) + purchase + watch + fonts
    support = _cents(before * _SUPPORT_SHARE)
    rest = "storage, support and tax"
    yield once(rest, "Nimbus Support", "Other", "Business support", support, support)
    tax = _cents((before + support) * _TAX_SHARE)
    yield replace(once(rest, "Tax", "Other", "Sales tax", tax, tax), category="Tax")


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)


def _line(charge: Charge) -> dict[str, str]:
    quantity = "" if charge.quantity is None else plain(charge.quantity)
    usage = charge.category == "Usage" and charge.quantity is not None
    sku = charge.description.split(" covered")[0].replace(" ", "-").lower()
    return {
        "ChargePeriodStart": _instant(charge.begin),
        "ChargePeriodEnd": _instant(charge.end),
        "ChargeCategory": charge.category,
        "ChargeClass": charge.charge_class,
        "ChargeDescription": charge.description,
        "ChargeFrequency": "Usage-Based" if usage else "Recurring" if charge.category == "Usage" else "One-Time",
        "BilledCost": plain(charge.billed),
        "EffectiveCost": plain(charge.effective),
        "ListCost": plain(charge.listed),
        "ContractedCost": plain(charge.billed if not charge.commitment else charge.effective),
        "PricingCategory": "Committed" if charge.commitment else "Standard" if usage else "",
        "PricingQuantity": quantity,
        "PricingUnit": charge.unit,
        "ConsumedQuantity": quantity if usage else "",
        "ConsumedUnit": charge.unit if usage else "",
        "ServiceName": charge.service[0],
        "ServiceCategory": charge.service[1],
        "SkuId": f"sku-{sku}",
        "SkuPriceId": f"sku-{sku}-{charge.region or 'global'}",
        "ResourceId": charge.resource,
        "ResourceName": charge.resource,
        "ResourceType": "Machine" if charge.capacity else "",
        "RegionId": charge.region,
        "RegionName": charge.region,
        "CommitmentDiscountId": _COMMITMENT if charge.commitment else "",
        "CommitmentDiscountType": "Machine hours" if charge.commitment else "",
        "CommitmentDiscountStatus": charge.commitment,
        "Tags": json.dumps(dict(charge.tags)) if charge.tags else "",
    }


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
