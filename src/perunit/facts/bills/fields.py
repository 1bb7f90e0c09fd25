"""The FOCUS columns that are kept, how each is written, and how other billing exports are recognised.

Enters: the column names of a file. Leaves: which column holds which field, or what the file is instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "BY_NAME",
    "CHOICES",
    "FIELDS",
    "INVOICES",
    "INVOICE_FIELDS",
    "MANDATORY",
    "PERIODS",
    "PERIOD_FIELDS",
    "SPLIT_FIELDS",
    "STATEMENTS",
    "Field",
    "Kind",
    "field_of",
    "looks_like",
]

Kind = Literal["amount", "quantity", "instant", "currency", "choice", "text", "tags"]


@dataclass(frozen=True, slots=True)
class Field:
    """One FOCUS column: its name in the standard, its name in the store and the way it is written."""

    focus: str
    name: str
    kind: Kind
    mandatory: bool = False


FIELDS = (
    Field("BilledCost", "billed_cost", "amount", mandatory=True),
    Field("EffectiveCost", "effective_cost", "amount", mandatory=True),
    Field("ListCost", "list_cost", "amount"),
    Field("ContractedCost", "contracted_cost", "amount"),
    Field("BillingCurrency", "billing_currency", "currency", mandatory=True),
    Field("BillingAccountId", "billing_account_id", "text", mandatory=True),
    Field("BillingAccountName", "billing_account_name", "text"),
    Field("BillingPeriodStart", "billing_period_start", "instant", mandatory=True),
    Field("BillingPeriodEnd", "billing_period_end", "instant", mandatory=True),
    Field("ChargePeriodStart", "charge_period_start", "instant", mandatory=True),
    Field("ChargePeriodEnd", "charge_period_end", "instant", mandatory=True),
    Field("ChargeCategory", "charge_category", "choice", mandatory=True),
    Field("ChargeClass", "charge_class", "choice"),
    Field("ChargeFrequency", "charge_frequency", "choice"),
    Field("ChargeDescription", "charge_description", "text"),
    Field("ServiceCategory", "service_category", "choice"),
    Field("ServiceName", "service_name", "text"),
    Field("ProviderName", "provider_name", "text"),
    Field("ServiceProviderName", "service_provider_name", "text"),
    Field("PublisherName", "publisher_name", "text"),
    Field("InvoiceIssuerName", "invoice_issuer_name", "text"),
    Field("InvoiceId", "invoice_id", "text"),
    Field("SubAccountId", "sub_account_id", "text"),
    Field("SubAccountName", "sub_account_name", "text"),
    Field("RegionId", "region_id", "text"),
    Field("RegionName", "region_name", "text"),
    Field("ResourceId", "resource_id", "text"),
    Field("ResourceName", "resource_name", "text"),
    Field("ResourceType", "resource_type", "text"),
    Field("SkuId", "sku_id", "text"),
    Field("SkuPriceId", "sku_price_id", "text"),
    Field("PricingCategory", "pricing_category", "choice"),
    Field("PricingQuantity", "pricing_quantity", "quantity"),
    Field("PricingUnit", "pricing_unit", "text"),
    Field("ConsumedQuantity", "consumed_quantity", "quantity"),
    Field("ConsumedUnit", "consumed_unit", "text"),
    Field("CommitmentDiscountId", "commitment_discount_id", "text"),
    Field("CommitmentDiscountType", "commitment_discount_type", "text"),
    Field("CommitmentDiscountStatus", "commitment_discount_status", "choice"),
    Field("Tags", "tags", "tags"),
    Field("AllocatedMethodId", "allocated_method_id", "text"),
    Field("AllocatedMethodDetails", "allocated_method_details", "text"),
    Field("AllocatedResourceId", "allocated_resource_id", "text"),
    Field("AllocatedResourceName", "allocated_resource_name", "text"),
    Field("AllocatedTags", "allocated_tags", "tags"),
    # Not of the standard: whether an allocated charge is of used or unused capacity.
    Field("AllocatedPart", "allocated_part", "choice"),
)
# What AWS says of a line that it has split, and of its split rows; not kept, it becomes lines of their own.
SPLIT_FIELDS = (
    Field("SplitLineItem/ParentResourceId", "split_parent_id", "text"),
    Field("SplitLineItem/SplitCost", "split_cost", "amount"),
    Field("SplitLineItem/UnusedCost", "unused_cost", "amount"),
    Field("LineItem/UsageType", "split_usage", "text"),
)
BY_NAME = {field.name: field for field in FIELDS}
MANDATORY = tuple(field for field in FIELDS if field.mandatory)

# The spelling of the standard. A value outside the list is refused where `_CLOSED` says the list is complete.
CHOICES = {
    "charge_category": ("Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    "charge_class": ("Correction",),
    "charge_frequency": ("One-Time", "Recurring", "Usage-Based"),
    "pricing_category": ("Standard", "Dynamic", "Committed", "Other"),
    "commitment_discount_status": ("Used", "Unused"),
    "allocated_part": ("used", "unused"),
    "billing_period_status": ("Open", "Closed"),
    "service_category": (
        "AI and Machine Learning",
        "Analytics",
        "Business Applications",
        "Compute",
        "Databases",
        "Developer Tools",
        "Identity",
        "Integration",
        "Internet of Things",
        "Management and Governance",
        "Media",
        "Migration",
        "Mobile",
        "Multicloud",
        "Networking",
        "Other",
        "Security",
        "Storage",
        "Web",
    ),
}

INVOICES = "a FOCUS Invoice Detail dataset"
PERIODS = "a FOCUS Billing Period dataset"
STATEMENTS = frozenset({INVOICES, PERIODS})

INVOICE_FIELDS = (
    Field("InvoiceIssuerName", "invoice_issuer_name", "text", mandatory=True),
    Field("InvoiceId", "invoice_id", "text", mandatory=True),
    Field("BilledCost", "billed_cost", "amount", mandatory=True),
    Field("BillingCurrency", "billing_currency", "currency", mandatory=True),
    Field("BillingPeriodStart", "billing_period_start", "instant", mandatory=True),
    Field("BillingPeriodEnd", "billing_period_end", "instant", mandatory=True),
    Field("BillingAccountId", "billing_account_id", "text"),
    Field("InvoiceIssueStatus", "invoice_issue_status", "text"),
)
PERIOD_FIELDS = (
    Field("InvoiceIssuerName", "invoice_issuer_name", "text", mandatory=True),
    Field("BillingPeriodStart", "billing_period_start", "instant", mandatory=True),
    Field("BillingPeriodEnd", "billing_period_end", "instant", mandatory=True),
    Field("BillingPeriodStatus", "billing_period_status", "choice", mandatory=True),
)

_OF_KEY = {field.focus.lower(): field for field in FIELDS}

# (columns that must all be there, what the file then is); compared in lower case.
_OTHERS = (
    ({"contractcommitmentid"}, "a FOCUS Contract Commitment dataset"),
    ({"invoicedetailid"}, INVOICES),
    ({"billingperiodstatus"}, PERIODS),
)
# What a table of invoice totals has that a person wrote, and what only charges have.
_TOTALS = {"invoiceid", "invoiceissuername", "billedcost", "billingcurrency", "billingperiodstart", "billingperiodend"}
_CHARGE = {"effectivecost", "chargeperiodstart", "chargeperiodend"}


def field_of(column: str) -> Field | None:
    """The field a column holds: its name in any case, with or without underscores, spaces or hyphens.

    >>> field_of("billed_cost").focus, field_of("BILLEDCOST").focus, field_of("x_BilledCost")
    ('BilledCost', 'BilledCost', None)
    """
    key = column.strip().lower()
    if key.startswith("x_"):
        return None
    return _OF_KEY.get(key.replace("_", "").replace(" ", "").replace("-", ""))


def looks_like(columns: Iterable[str]) -> str | None:
    """What a file without the mandatory columns is instead, None where it is not recognised.

    >>> looks_like(["ContractCommitmentId", "ContractId"])
    'a FOCUS Contract Commitment dataset'
    """
    names = {column.strip().lower().replace("_", "").replace(" ", "") for column in columns}
    found = next((export for signature, export in _OTHERS if signature <= names), None)
    return INVOICES if found is None and names >= _TOTALS and not names & _CHARGE else found
