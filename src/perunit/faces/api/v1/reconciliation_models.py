"""What answers about billing periods look like, as `perunit reconcile --json` has them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from perunit.economics.reconcile.entries import CAUSES
from perunit.faces.api.v1.deciding import Reason  # noqa: TC001 - the models read it
from perunit.faces.api.v1.models import Amount  # noqa: TC001 - the models read it

__all__ = [
    "Charges",
    "Decided",
    "EntryMade",
    "LockKept",
    "LockMade",
    "Periods",
    "Reconciled",
    "Restatements",
    "Reversed",
]

Cause = Literal[CAUSES]  # type: ignore[valid-type]


class InvoiceTied(BaseModel):
    """One invoice in one currency: difference = lines + entries − total."""

    invoice_issuer_name: str | None
    invoice_id: str | None
    billing_currency: str
    lines: int
    billed_cost: Amount
    billed_elsewhere: Amount = Field(description="The part of billed_cost in bills of other periods.")
    entries: Amount
    total: Amount | None = Field(description="Null where no one has said what it comes to.")
    invoice_version: int | None
    invoice_issue_status: str | None
    origin: str | None
    tolerance: Amount
    difference: Amount | None
    status: str


class CoveredCost(BaseModel):
    """What one service and account was charged, and what of it has a bearer."""

    currency: str
    service_name: str | None
    cloud_account: str | None
    source_cost: Amount
    allocated_cost: Amount
    gap: Amount
    score: Amount | None


class Score(BaseModel):
    """The reconciliation score of one currency."""

    currency: str
    reconciliation_score: Amount | None
    costs: list[CoveredCost]


class EntryKept(BaseModel):
    """A decision about an invoice's difference."""

    entry_id: int
    kind: Literal["accept", "adjust", "reverse"]
    invoice_issuer_name: str | None
    invoice_id: str
    billing_currency: str
    amount: Amount
    cause: str | None
    reason: str
    actor: str
    reverses: int | None
    entered_at: str


class Span(BaseModel):
    """A half-open range of time."""

    start: str
    end: str


class LockKept(BaseModel):
    """A period whose figures stand; without an issuer it is locked for all."""

    lock_id: int
    window: Span
    invoice_issuer_name: str | None
    actor: str
    reason: str
    locked_at: str


class BridgeStepOf(BaseModel):
    """One step of the bridge, and the cost reached with it."""

    name: str
    amount: Amount
    reached: Amount


class CostBridge(BaseModel):
    """From computed cost to what was invoiced: computed + Σ steps = end."""

    currency: str
    computed: Amount
    steps: list[BridgeStepOf]
    effective: Amount
    billed: Amount
    end: Amount
    is_invoiced: bool = Field(description="Whether `end` is the invoices' total; else it is the billed cost.")
    open: Amount = Field(description="What the steps leave; 0.")


class VarianceLine(BaseModel):
    """billed − estimated of one meter, resource and charge period, by cause."""

    service: str | None = Field(description="Of the lines compared, several with commas; null where there is none.")
    meter: str
    resource: str | None
    charge_period_start: str | None
    charge_period_end: str | None
    currency: str
    billed: Amount
    estimated: Amount
    billed_quantity: Amount | None
    measured_quantity: Amount | None
    parts: dict[str, Amount]
    variance: Amount


class VarianceSum(BaseModel):
    """Variances of one meter, day or service together."""

    key: str | None
    currency: str
    billed: Amount
    estimated: Amount
    variance: Amount
    parts: dict[str, Amount]


class Reconciled(BaseModel):
    """A billing period as finance sees it."""

    period: str
    status: Literal["closed", "provisional"]
    verdict: Literal["ties out", "differs", "inconclusive"]
    tolerance: Amount
    invoices: list[InvoiceTied]
    scores: list[Score]
    entries: list[EntryKept]
    locks: list[LockKept]
    bridges: list[CostBridge]
    variances: list[VarianceLine] = Field(description="With `variance=true`; else empty.")
    variance_by_meter: list[VarianceSum]
    variance_by_service: list[VarianceSum]
    variance_by_day: list[VarianceSum]


class PeriodTotal(BaseModel):
    """What a period comes to in one currency."""

    currency: str
    billed: Amount
    invoiced: Amount | None
    difference: Amount | None


class Period(BaseModel):
    """One billing period."""

    period: str
    status: Literal["closed", "provisional"]
    verdict: Literal["ties out", "differs", "inconclusive"]
    totals: list[PeriodTotal]
    invoices: int
    locked_at: str | None


class Periods(BaseModel):
    """Every billing period that there are bills or invoices of, the latest first."""

    periods: list[Period]


class Decided(BaseModel):
    """A decision to be entered."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["accept", "adjust"]
    invoice: str = Field(min_length=1, max_length=500)
    issuer: str | None = Field(None, max_length=500)
    currency: str | None = Field(None, max_length=3)
    amount: str | None = Field(None, max_length=60, description="Added to the lines; needed to adjust.")
    cause: Cause | None = None
    reason: Reason


class Reversed(BaseModel):
    """Why an entry is taken back."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class LockMade(BaseModel):
    """A lock to be made."""

    model_config = ConfigDict(extra="forbid")

    period: str = Field(max_length=40, description="A month, such as 2026-05.")
    issuer: str | None = Field(None, max_length=500)
    reason: Reason


class EntryMade(BaseModel):
    """The entry, and what is left of the invoice's difference."""

    entry: EntryKept
    difference: Amount | None


class FigureChanged(BaseModel):
    """One figure before and after a change."""

    about: str
    name: str
    figure: str
    currency: str
    before: Amount | None
    after: Amount | None
    difference: Amount | None


class Restatement(BaseModel):
    """A change that came after a period's figures stood."""

    period: str
    cause: str
    what: list[str]
    at: str
    differences: list[FigureChanged]


class Restatements(BaseModel):
    """Oldest first; empty where no period is locked."""

    restatements: list[Restatement]


class Charge(BaseModel):
    """One line of a bill in force. `kinds`: how its cost was allocated."""

    bill_id: int
    line: int
    invoice_id: str | None
    invoice_issuer_name: str | None
    billing_currency: str
    billed_cost: Amount
    effective_cost: Amount
    charge_period_start: str
    charge_period_end: str
    charge_category: str
    charge_class: str | None
    charge_description: str | None
    service_name: str | None
    cloud_account: str | None
    region_id: str | None
    resource_id: str | None
    sku_id: str | None
    consumed_quantity: Amount | None
    consumed_unit: str | None
    kinds: list[str]
    rules: list[str]
    reasons: list[str] = Field(description="Why no one bears it.")


class Charges(BaseModel):
    """Lines of bills, in the order of the bills."""

    period: str | None
    charges: list[Charge]
    totals: list[dict[str, Any]] = Field(description="Effective cost of all such lines, by currency.")
    next: str | None
