"""What the API answers. Made by ``python -m perunit.faces.api.types``; not to be edited."""

from __future__ import annotations

from decimal import Decimal  # noqa: TC003 - whoever reads the annotations needs it
from typing import Any, Literal, NotRequired, TypedDict

__all__ = [
    "DECIMALS",
    "Account",
    "AnnotationKept",
    "Annotations",
    "Approved",
    "AuditHead",
    "AuditLine",
    "AuditPage",
    "AuditState",
    "Book",
    "BookListed",
    "Books",
    "Bridge",
    "BridgeStep",
    "BridgeStepOf",
    "Came",
    "Charge",
    "Charges",
    "Compared",
    "ContractTold",
    "CostBridge",
    "Counted",
    "CoveredCost",
    "Data",
    "Departed",
    "Dimension",
    "DraftListed",
    "DraftMade",
    "DraftText",
    "DriftFound",
    "EntryKept",
    "EntryMade",
    "Erased",
    "Explained",
    "Failure",
    "Failures",
    "FaultFound",
    "FigureChanged",
    "Figures",
    "Freshness",
    "FreshnessNow",
    "Glossary",
    "Impact",
    "ImpactRow",
    "InvoiceTied",
    "Key",
    "KeyMade",
    "LagBucket",
    "LagHistogram",
    "LockKept",
    "MeasureEntry",
    "MeasureListed",
    "OidcOffer",
    "Part",
    "Past",
    "PastAmount",
    "Period",
    "PeriodTotal",
    "Periods",
    "Person",
    "PriceBookInForce",
    "PriceChange",
    "Problem",
    "ProjectAnswer",
    "Quality",
    "RateListed",
    "Rates",
    "RatesAt",
    "Receipt",
    "Reconciled",
    "ReconciliationState",
    "Refused",
    "Replayed",
    "Report",
    "Restatement",
    "Restatements",
    "Results",
    "Revealed",
    "RoleEntry",
    "RuleCount",
    "Score",
    "SessionAnswer",
    "Side",
    "Sides",
    "Span",
    "TicketAnswer",
    "TourStep",
    "TourStory",
    "TourTold",
    "UnitLine",
    "UnitType",
    "Units",
    "VarianceLine",
    "VarianceSum",
    "Version",
    "VersionRates",
    "ViewKept",
    "Views",
    "Waiting",
    "WaitingRows",
    "WaitingWhole",
    "WindowAnswer",
    "Word",
]


class Account(TypedDict):
    """Somebody who may sign in."""

    id: int
    name: str
    email: str | None
    role: str
    rows: dict[str, list[str]]
    has_password: bool
    through_provider: bool
    disabled_at: str | None
    created_at: str
    last_login_at: str | None


class AnnotationKept(TypedDict):
    """What happened. `clustered`: how many more of its kind happened about then, which are left out."""

    id: int | None
    kind: Literal["deployment", "flag", "incident", "price_change", "note"]
    title: str
    text: str
    start: str
    end: str | None
    segments: dict[str, str]
    url: str | None
    created_by: str
    derived: bool
    clustered: NotRequired[int]


class Annotations(TypedDict):
    """Oldest first. At most `limit`: where there are more, each stands for others of its kind about its time."""

    annotations: list[AnnotationKept]
    total: int


class Approved(TypedDict):
    """A version that is in force now."""

    book: str
    version: int
    file: str
    actor: str
    reason: str
    approved_at: str
    reprices_past: bool
    past: Past | None


class AuditHead(TypedDict):
    """The last entry."""

    seq: int
    hash: str


class AuditLine(TypedDict):
    """One entry."""

    seq: int
    at: str
    actor: str
    via: str
    action: str
    target: str
    details: dict[str, Any]
    address: str | None
    hash: str


class AuditPage(TypedDict):
    """Entries, the newest first; `next` is the `after` of the page behind it."""

    entries: list[AuditLine]
    next: str | None


class AuditState(TypedDict):
    """Whether the chain is whole, and where it first is not."""

    intact: bool
    entries: int
    head: AuditHead
    broken_seq: int | None
    fault: str | None


class Book(TypedDict):
    """A book with every version and rate, the latest first, and its drafts with their text."""

    book: str
    in_force: int | None
    versions: list[VersionRates]
    drafts: list[DraftText]


class BookListed(TypedDict):
    """A book and its versions, the latest first."""

    book: str
    in_force: int | None
    kinds: list[str]
    currencies: list[str]
    versions: list[Version]


class Books(TypedDict):
    """Every book that was ever loaded or waits, and the drafts."""

    books: list[BookListed]
    drafts: list[DraftListed]


class Bridge(TypedDict):
    """From the margin of one period to that of another: before + Σ steps = after, to the last digit."""

    measure: Literal["contribution_margin"]
    unit: str
    currency: str
    mix: str | None
    filters: list[str]
    window: WindowAnswer
    compared_with: WindowAnswer
    before: Decimal
    after: Decimal
    steps: list[BridgeStep]
    freshness: Freshness
    notes: list[str]


class BridgeStep(TypedDict):
    """One step of a bridge."""

    name: str
    title: str
    amount: Decimal


class BridgeStepOf(TypedDict):
    """One step of the bridge, and the cost reached with it."""

    name: str
    amount: Decimal
    reached: Decimal


class Came(TypedDict):
    """What came of a source, of one who sent it, or on a day; or with by=rule, which rule was broken how often."""

    source: str


class Charge(TypedDict):
    """One line of a bill in force. `kinds`: how its cost was allocated."""

    bill_id: int
    line: int
    invoice_id: str | None
    invoice_issuer_name: str | None
    billing_currency: str
    billed_cost: Decimal
    effective_cost: Decimal
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
    consumed_quantity: Decimal | None
    consumed_unit: str | None
    kinds: list[str]
    rules: list[str]
    reasons: list[str]


class Charges(TypedDict):
    """Lines of bills, in the order of the bills."""

    period: str | None
    charges: list[Charge]
    totals: list[dict[str, Any]]
    next: str | None


Compared = TypedDict(
    "Compared",
    {
        "from": "str | None",
        "to": "str",
        "changes": "list[PriceChange]",
    },
)


class ContractTold(TypedDict):
    """perunit.yaml and its parts. Values that look like secrets are hidden."""

    text: str
    units: dict[str, Any]
    events: dict[str, Any]
    sources: dict[str, Any]
    meters: dict[str, Any]
    rules: list[dict[str, Any]]
    schemas: dict[str, Any]


class CostBridge(TypedDict):
    """From computed cost to what was invoiced: computed + Σ steps = end."""

    currency: str
    computed: Decimal
    steps: list[BridgeStepOf]
    effective: Decimal
    billed: Decimal
    end: Decimal
    is_invoiced: bool
    open: Decimal


class Counted(TypedDict):
    """A count before and after."""

    before: int
    after: int


class CoveredCost(TypedDict):
    """What one service and account was charged, and what of it has a bearer."""

    currency: str
    service_name: str | None
    cloud_account: str | None
    source_cost: Decimal
    allocated_cost: Decimal
    gap: Decimal
    score: Decimal | None


class Data(TypedDict):
    """Between which instants there are facts."""

    first_event: str | None
    latest_event: str | None


class Departed(TypedDict):
    """One field that departs from what was sent before, or from the contract."""

    source: str
    producer: str
    event_type: str
    field: str
    change: Literal["new", "vanished", "changed", "unknown", "missing"]
    before: list[str]
    after: list[str]
    seen: int
    rows: int
    first_seen: str | None
    last_seen: str | None


class Dimension(TypedDict):
    """What figures can be cut by. `truncated`: there are more values, shown as `__other__` or not listed."""

    name: str
    values: list[str]
    truncated: bool


class DraftListed(TypedDict):
    """A file in prices/drafts. `book` is null where it cannot be read as one."""

    draft: str
    book: str | None
    digest: str
    changed_at: str
    rates: int | None
    faults: list[FaultFound]


class DraftMade(TypedDict):
    """A checked draft. With faults nothing is kept, compared or replayed."""

    draft: str | None
    digest: str
    faults: list[FaultFound]
    diff: Compared | None
    impact: Impact | None
    past: Past | None


class DraftText(TypedDict):
    """A draft and what it says."""

    draft: str
    book: str | None
    digest: str
    changed_at: str
    rates: int | None
    faults: list[FaultFound]
    text: str


class DriftFound(TypedDict):
    """As `perunit quality --drift --json`."""

    drift: list[Departed]


class EntryKept(TypedDict):
    """A decision about an invoice's difference."""

    entry_id: int
    kind: Literal["accept", "adjust", "reverse"]
    invoice_issuer_name: str | None
    invoice_id: str
    billing_currency: str
    amount: Decimal
    cause: str | None
    reason: str
    actor: str
    reverses: int | None
    entered_at: str


class EntryMade(TypedDict):
    """The entry, and what is left of the invoice's difference."""

    entry: EntryKept
    difference: Decimal | None


class Erased(TypedDict):
    """How many facts stay, of nobody."""

    facts: int


class Explained(TypedDict):
    """All that one figure rests on."""

    measure: MeasureEntry
    value: Decimal | int | None
    currency: str
    unit: str
    status: Literal["estimated", "billed", "mixed", "closed"] | None
    complete: bool
    parts: list[Part]
    formula: str
    filters: list[str]
    window: WindowAnswer
    rows: int | None
    price_books: list[PriceBookInForce]
    freshness: Freshness
    notes: list[str]
    reconciliation: ReconciliationState | None


class Failure(TypedDict):
    """An attempt that did not succeed."""

    event_id: str
    source: str
    time: str
    type: str
    units: dict[str, str]
    segments: dict[str, str | None]
    outcome: str | None
    latency_ms: Decimal | None
    resource: str | None
    amounts: dict[str, Decimal]
    currency: str
    intent: str | None
    recovered: bool | None


class Failures(TypedDict):
    """Failed attempts, the newest first."""

    unit: str
    failures: list[Failure]
    next: str | None


class FaultFound(TypedDict):
    """One thing wrong with a text: where, what is there, the rule, the mend."""

    file: str
    line: int | None
    place: str
    got: str
    rule: str
    mend: str


class FigureChanged(TypedDict):
    """One figure before and after a change."""

    about: str
    name: str
    figure: str
    currency: str
    before: Decimal | None
    after: Decimal | None
    difference: Decimal | None


class Figures(TypedDict):
    """The answer to one question, as `perunit query --json` has it. Columns are those of every row, in this order."""

    unit: str
    currency: str
    grain: str
    by: list[str]
    filters: list[str]
    window: WindowAnswer
    compare: str
    compared_with: WindowAnswer | None
    freshness: Freshness
    price_books: list[str]
    measures: list[MeasureEntry]
    columns: list[str]
    rows: list[dict[str, Any]]
    notes: list[str]
    next: NotRequired[str | None]
    points_left_out: NotRequired[int]


class Freshness(TypedDict):
    """How far the facts go. Bills are allocated over new usage at most a minute later."""

    latest_event: str | None
    ingested_at: str | None
    batch_id: int | None


class FreshnessNow(TypedDict):
    """How far the facts go, and how long ago that was."""

    latest_event: str | None
    ingested_at: str | None
    batch_id: int | None
    lag_seconds: float | None


class Glossary(TypedDict):
    """Every word, in the order of the documentation."""

    words: list[Word]


class Impact(TypedDict):
    """What stored usage would have come to under the draft."""

    draft: str
    unit: str
    currency: str
    total: ImpactRow
    rows: list[ImpactRow]
    unpriced_usage: Counted


class ImpactRow(TypedDict):
    """What one segment, or all, would have come to."""

    revenue: Sides
    variable_cost: Sides
    contribution_margin: Sides


class InvoiceTied(TypedDict):
    """One invoice in one currency: difference = lines + entries − total."""

    invoice_issuer_name: str | None
    invoice_id: str | None
    billing_currency: str
    lines: int
    billed_cost: Decimal
    billed_elsewhere: Decimal
    entries: Decimal
    total: Decimal | None
    invoice_version: int | None
    invoice_issue_status: str | None
    origin: str | None
    tolerance: Decimal
    difference: Decimal | None
    status: str


class Key(TypedDict):
    """A program's key, which cannot be read back."""

    id: int
    name: str
    prefix: str
    made_by: str | None
    scopes: list[str]
    rows: dict[str, list[str]]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None


class KeyMade(TypedDict):
    """The key itself, this once."""

    id: int
    name: str
    prefix: str
    made_by: str | None
    scopes: list[str]
    rows: dict[str, list[str]]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None
    key: str


class LagBucket(TypedDict):
    """Events that came at most so long after they happened, and longer than the bucket before."""

    up_to_seconds: int | None
    events: int


class LagHistogram(TypedDict):
    """How long after they happened the events of a window came."""

    window: WindowAnswer
    source: str | None
    buckets: list[LagBucket]
    events: int


class LockKept(TypedDict):
    """A period whose figures stand; without an issuer it is locked for all."""

    lock_id: int
    window: Span
    invoice_issuer_name: str | None
    actor: str
    reason: str
    locked_at: str


class MeasureEntry(TypedDict):
    """One entry of the catalogue."""

    name: str
    title: str
    unit: Literal["money", "ratio", "count", "ms", "quantity"]
    good: Literal["up", "down", "none"]
    family: NotRequired[Literal["financial", "operational"]]
    owner: str
    seed: str
    formula: str
    doc: str


class MeasureListed(TypedDict):
    """One entry of the catalogue, and whether the viewer may ask for it."""

    name: str
    title: str
    unit: Literal["money", "ratio", "count", "ms", "quantity"]
    good: Literal["up", "down", "none"]
    family: NotRequired[Literal["financial", "operational"]]
    owner: str
    seed: str
    formula: str
    doc: str
    allowed: bool


class OidcOffer(TypedDict):
    """That one can sign in through a provider."""

    name: str


class Part(TypedDict):
    """One part of a formula: the value is (Σ of `+` less Σ of `-`) ÷ the one of `/`, where there is one."""

    name: str
    title: str
    value: Decimal | int | None
    sign: Literal["+", "-", "/"]
    measure: bool


Past = TypedDict(
    "Past",
    {
        "from": "str",
        "amounts": "list[PastAmount]",
    },
)


class PastAmount(TypedDict):
    """What past usage of one kind comes to."""

    kind: str
    currency: str
    before: Decimal
    after: Decimal
    change: Decimal


class Period(TypedDict):
    """One billing period."""

    period: str
    status: Literal["closed", "provisional"]
    verdict: Literal["ties out", "differs", "inconclusive"]
    totals: list[PeriodTotal]
    invoices: int
    locked_at: str | None


class PeriodTotal(TypedDict):
    """What a period comes to in one currency."""

    currency: str
    billed: Decimal
    invoiced: Decimal | None
    difference: Decimal | None


class Periods(TypedDict):
    """Every billing period that there are bills or invoices of, the latest first."""

    periods: list[Period]


class Person(TypedDict):
    """Somebody with an account."""

    id: int
    name: str
    email: str | None
    role: str


class PriceBookInForce(TypedDict):
    """A version of a price book with a rate within the window, and who put it in force."""

    book: str
    version: int
    effective_from: str | None
    approved_by: str | None
    approved_at: str | None


PriceChange = TypedDict(
    "PriceChange",
    {
        "what": 'Literal["added", "ended", "changed"]',
        "kind": "str",
        "meter": "str",
        "event_type": "str | None",
        "conditions": "dict[str, str]",
        "from": "str",
        "to": "str | None",
        "before": "Side | None",
        "after": "Side | None",
        "ratio": "Decimal | None",
    },
)


class Problem(TypedDict):
    """Why one question of several has no answer; as RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


class ProjectAnswer(TypedDict):
    """What a page needs before it asks for a figure."""

    name: str
    currency: str
    currencies: list[str]
    version: str
    demo: bool
    units: list[UnitType]
    dimensions: list[Dimension]
    sources: list[str]
    grains: list[str]
    freshness: FreshnessNow
    data: Data
    status: Literal["estimated", "billed", "mixed", "closed"] | None
    pseudonymized: list[str]


class Quality(TypedDict):
    """As `perunit quality --json`."""

    by: Literal["source", "producer", "day", "rule"]
    window: WindowAnswer
    rows: list[Came]
    breaches: list[dict[str, Any]]


class RateListed(TypedDict):
    """One rate; a price by volume has `tiers`. Where `adjusts` is set, it multiplies rates of that kind."""

    rate_id: str
    kind: str
    meter: str
    event_type: str | None
    conditions: dict[str, str]
    price: Decimal
    per: Decimal
    unit: str | None
    currency: str
    adjusts: str | None
    unit_price: Decimal
    tiers: Any
    effective_from: str
    effective_to: str | None
    in_force: bool
    approved_by: str | None
    reason: str | None
    approved_at: str | None
    status: Literal["effective", "future", "ended", "withdrawn", "draft", "awaiting approval"]


class Rates(TypedDict):
    """Rates over time, oldest first."""

    window: WindowAnswer
    grain: Literal["hour", "day"]
    rows: list[RatesAt]


class RatesAt(TypedDict):
    """What came of a source in an hour or a day. `unpriced` is of usage that happened then."""

    bucket: str
    source: str
    received: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    orphan: int
    late: int
    unpriced: int
    duplicate_rate: Decimal | None
    rejected_rate: Decimal | None
    orphan_rate: Decimal | None
    late_rate: Decimal | None
    rules: dict[str, int]


class Receipt(TypedDict):
    """All that makes up one unit's margin, as `perunit receipt --json` has it."""

    unit_type: str
    unit_key: str
    currency: str
    opened_at: str
    segments: dict[str, str | None]
    totals: dict[str, Decimal | None]
    status: Literal["estimated", "billed", "mixed", "closed"] | None
    unpriced: int
    notes: list[str]


class Reconciled(TypedDict):
    """A billing period as finance sees it."""

    period: str
    status: Literal["closed", "provisional"]
    verdict: Literal["ties out", "differs", "inconclusive"]
    tolerance: Decimal
    invoices: list[InvoiceTied]
    scores: list[Score]
    entries: list[EntryKept]
    locks: list[LockKept]
    bridges: list[CostBridge]
    variances: list[VarianceLine]
    variance_by_meter: list[VarianceSum]
    variance_by_service: list[VarianceSum]
    variance_by_day: list[VarianceSum]


class ReconciliationState(TypedDict):
    """How far the bills of the window are reconciled."""

    status: Literal["closed", "open"]
    score: Decimal | None


class Refused(TypedDict):
    """A question without an answer."""

    problem: Problem


class Replayed(TypedDict):
    """What became of them, and how many rows wait now."""

    reports: list[Report]
    waiting: int


class Report(TypedDict):
    """What became of rows that were loaded again."""

    source: str
    received: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int


class Restatement(TypedDict):
    """A change that came after a period's figures stood."""

    period: str
    cause: str
    what: list[str]
    at: str
    differences: list[FigureChanged]


class Restatements(TypedDict):
    """Oldest first; empty where no period is locked."""

    restatements: list[Restatement]


class Results(TypedDict):
    """Answers in the order of the questions."""

    results: list[Figures | Refused]


class Revealed(TypedDict):
    """The id as services know it."""

    id: str


class RoleEntry(TypedDict):
    """A role, and what it may."""

    name: str
    permissions: list[str]


class RuleCount(TypedDict):
    """Rows that broke one rule."""

    source: str
    kind: Literal["rejected", "conflict"]
    rule: str
    place: str
    rows: int
    example: int
    expected: str
    since: str


class Score(TypedDict):
    """The reconciliation score of one currency."""

    currency: str
    reconciliation_score: Decimal | None
    costs: list[CoveredCost]


class SessionAnswer(TypedDict):
    """Who is signed in, and what they may."""

    user: Person | None
    permissions: list[str]
    rows: dict[str, list[str]]
    csrf_token: str | None
    has_password: bool
    setup_required: bool
    oidc: OidcOffer | None
    demo: bool
    version: str


class Side(TypedDict):
    """A price on one side of a change."""

    rate_id: str
    price: Decimal
    per: Decimal
    unit_price: Decimal


class Sides(TypedDict):
    """A figure before and after."""

    before: Decimal | None
    after: Decimal | None
    change: Decimal | None


class Span(TypedDict):
    """A half-open range of time."""

    start: str
    end: str


class TicketAnswer(TypedDict):
    """A link that signs in once."""

    url: str
    hours: int


class TourStep(TypedDict):
    """One place to go to, what to look at, and why."""

    title: str
    text: str
    link: str
    highlight: NotRequired[str | None]


class TourStory(TypedDict):
    """Some steps that tell one thing."""

    id: str
    title: str
    intro: str
    steps: list[TourStep]


class TourTold(TypedDict):
    """The stories of a demonstration."""

    stories: list[TourStory]


class UnitLine(TypedDict):
    """One unit of a listing."""

    id: str
    opened_at: str
    last_event: str
    segments: dict[str, str | None]
    revenue: Decimal | None
    cost: Decimal | None
    margin: Decimal | None
    attempts: int
    successes: int


class UnitType(TypedDict):
    """A unit type of the contract."""

    name: str
    owner: str
    parent: str | None
    segments: list[str]
    counted: str


class Units(TypedDict):
    """Units in order. Amounts are at list prices, with what bills charge a unit directly; the receipt has all of it."""

    unit: str
    currency: str
    window: WindowAnswer
    units: list[UnitLine]
    next: str | None
    notes: list[str]


class VarianceLine(TypedDict):
    """billed − estimated of one meter, resource and charge period, by cause."""

    service: str | None
    meter: str
    resource: str | None
    charge_period_start: str | None
    charge_period_end: str | None
    currency: str
    billed: Decimal
    estimated: Decimal
    billed_quantity: Decimal | None
    measured_quantity: Decimal | None
    parts: dict[str, Decimal]
    variance: Decimal


class VarianceSum(TypedDict):
    """Variances of one meter, day or service together."""

    key: str | None
    currency: str
    billed: Decimal
    estimated: Decimal
    variance: Decimal
    parts: dict[str, Decimal]


class Version(TypedDict):
    """One version of a book, as loaded; it never changes."""

    version: int
    status: Literal["in force", "withdrawn", "awaiting approval"]
    file: str
    loaded_at: str | None
    withdrawn_at: str | None
    approved_by: str | None
    approved_at: str | None
    reason: str | None
    reprices_past: bool | None
    rolled_back_to: int | None
    effective_from: str | None
    effective_to: str | None
    rates: int


class VersionRates(TypedDict):
    """A version with its rates and its text."""

    version: int
    status: Literal["in force", "withdrawn", "awaiting approval"]
    file: str
    loaded_at: str | None
    withdrawn_at: str | None
    approved_by: str | None
    approved_at: str | None
    reason: str | None
    reprices_past: bool | None
    rolled_back_to: int | None
    effective_from: str | None
    effective_to: str | None
    rates: int
    content: str
    listed: list[RateListed]


class ViewKept(TypedDict):
    """A view. `own`: it is the viewer's."""

    id: int
    name: str
    page: str
    state: str
    shared: bool
    own: bool
    owner: str | None
    changed_at: str


class Views(TypedDict):
    """The viewer's own and those that others share, by name."""

    views: list[ViewKept]


class Waiting(TypedDict):
    """A row that waits, without what it held."""

    quarantine_id: int
    batch_id: int
    source: str
    file_name: str
    position: int
    kind: Literal["rejected", "conflict"]
    rule: str
    place: str
    got: str | None
    expected: str
    quarantined_at: str


class WaitingRows(TypedDict):
    """Rows that wait, oldest first, and all of them counted by rule."""

    summary: list[RuleCount]
    rows: list[Waiting]
    next: str | None


class WaitingWhole(TypedDict):
    """A row that waits, whole."""

    quarantine_id: int
    batch_id: int
    source: str
    file_name: str
    position: int
    kind: Literal["rejected", "conflict"]
    rule: str
    place: str
    got: str | None
    expected: str
    quarantined_at: str
    raw: str


class WindowAnswer(TypedDict):
    """A half-open range of time; null is an open side."""

    start: str | None
    end: str | None


class Word(TypedDict):
    """One entry of the glossary."""

    words: list[str]
    meaning: str
    where: str


# Record → member → what its value, or each value in it, is: a decimal number or a record.
DECIMALS: dict[str, dict[str, tuple[str, ...]]] = {
    "Annotations": {
        "annotations": ("AnnotationKept",),
    },
    "Approved": {
        "past": ("Past",),
    },
    "AuditPage": {
        "entries": ("AuditLine",),
    },
    "AuditState": {
        "head": ("AuditHead",),
    },
    "Book": {
        "versions": ("VersionRates",),
        "drafts": ("DraftText",),
    },
    "BookListed": {
        "versions": ("Version",),
    },
    "Books": {
        "books": ("BookListed",),
        "drafts": ("DraftListed",),
    },
    "Bridge": {
        "window": ("WindowAnswer",),
        "compared_with": ("WindowAnswer",),
        "before": ("Decimal",),
        "after": ("Decimal",),
        "steps": ("BridgeStep",),
        "freshness": ("Freshness",),
    },
    "BridgeStep": {
        "amount": ("Decimal",),
    },
    "BridgeStepOf": {
        "amount": ("Decimal",),
        "reached": ("Decimal",),
    },
    "Charge": {
        "billed_cost": ("Decimal",),
        "effective_cost": ("Decimal",),
        "consumed_quantity": ("Decimal",),
    },
    "Charges": {
        "charges": ("Charge",),
    },
    "Compared": {
        "changes": ("PriceChange",),
    },
    "CostBridge": {
        "computed": ("Decimal",),
        "steps": ("BridgeStepOf",),
        "effective": ("Decimal",),
        "billed": ("Decimal",),
        "end": ("Decimal",),
        "open": ("Decimal",),
    },
    "CoveredCost": {
        "source_cost": ("Decimal",),
        "allocated_cost": ("Decimal",),
        "gap": ("Decimal",),
        "score": ("Decimal",),
    },
    "DraftListed": {
        "faults": ("FaultFound",),
    },
    "DraftMade": {
        "faults": ("FaultFound",),
        "diff": ("Compared",),
        "impact": ("Impact",),
        "past": ("Past",),
    },
    "DraftText": {
        "faults": ("FaultFound",),
    },
    "DriftFound": {
        "drift": ("Departed",),
    },
    "EntryKept": {
        "amount": ("Decimal",),
    },
    "EntryMade": {
        "entry": ("EntryKept",),
        "difference": ("Decimal",),
    },
    "Explained": {
        "measure": ("MeasureEntry",),
        "value": ("Decimal",),
        "parts": ("Part",),
        "window": ("WindowAnswer",),
        "price_books": ("PriceBookInForce",),
        "freshness": ("Freshness",),
        "reconciliation": ("ReconciliationState",),
    },
    "Failure": {
        "latency_ms": ("Decimal",),
        "amounts": ("Decimal",),
    },
    "Failures": {
        "failures": ("Failure",),
    },
    "FigureChanged": {
        "before": ("Decimal",),
        "after": ("Decimal",),
        "difference": ("Decimal",),
    },
    "Figures": {
        "window": ("WindowAnswer",),
        "compared_with": ("WindowAnswer",),
        "freshness": ("Freshness",),
        "measures": ("MeasureEntry",),
    },
    "Glossary": {
        "words": ("Word",),
    },
    "Impact": {
        "total": ("ImpactRow",),
        "rows": ("ImpactRow",),
        "unpriced_usage": ("Counted",),
    },
    "ImpactRow": {
        "revenue": ("Sides",),
        "variable_cost": ("Sides",),
        "contribution_margin": ("Sides",),
    },
    "InvoiceTied": {
        "billed_cost": ("Decimal",),
        "billed_elsewhere": ("Decimal",),
        "entries": ("Decimal",),
        "total": ("Decimal",),
        "tolerance": ("Decimal",),
        "difference": ("Decimal",),
    },
    "LagHistogram": {
        "window": ("WindowAnswer",),
        "buckets": ("LagBucket",),
    },
    "LockKept": {
        "window": ("Span",),
    },
    "Part": {
        "value": ("Decimal",),
    },
    "Past": {
        "amounts": ("PastAmount",),
    },
    "PastAmount": {
        "before": ("Decimal",),
        "after": ("Decimal",),
        "change": ("Decimal",),
    },
    "Period": {
        "totals": ("PeriodTotal",),
    },
    "PeriodTotal": {
        "billed": ("Decimal",),
        "invoiced": ("Decimal",),
        "difference": ("Decimal",),
    },
    "Periods": {
        "periods": ("Period",),
    },
    "PriceChange": {
        "before": ("Side",),
        "after": ("Side",),
        "ratio": ("Decimal",),
    },
    "ProjectAnswer": {
        "units": ("UnitType",),
        "dimensions": ("Dimension",),
        "freshness": ("FreshnessNow",),
        "data": ("Data",),
    },
    "Quality": {
        "window": ("WindowAnswer",),
        "rows": ("Came",),
    },
    "RateListed": {
        "price": ("Decimal",),
        "per": ("Decimal",),
        "unit_price": ("Decimal",),
    },
    "Rates": {
        "window": ("WindowAnswer",),
        "rows": ("RatesAt",),
    },
    "RatesAt": {
        "duplicate_rate": ("Decimal",),
        "rejected_rate": ("Decimal",),
        "orphan_rate": ("Decimal",),
        "late_rate": ("Decimal",),
    },
    "Receipt": {
        "totals": ("Decimal",),
    },
    "Reconciled": {
        "tolerance": ("Decimal",),
        "invoices": ("InvoiceTied",),
        "scores": ("Score",),
        "entries": ("EntryKept",),
        "locks": ("LockKept",),
        "bridges": ("CostBridge",),
        "variances": ("VarianceLine",),
        "variance_by_meter": ("VarianceSum",),
        "variance_by_service": ("VarianceSum",),
        "variance_by_day": ("VarianceSum",),
    },
    "ReconciliationState": {
        "score": ("Decimal",),
    },
    "Refused": {
        "problem": ("Problem",),
    },
    "Replayed": {
        "reports": ("Report",),
    },
    "Restatement": {
        "differences": ("FigureChanged",),
    },
    "Restatements": {
        "restatements": ("Restatement",),
    },
    "Results": {
        "results": ("Figures", "Refused"),
    },
    "Score": {
        "reconciliation_score": ("Decimal",),
        "costs": ("CoveredCost",),
    },
    "SessionAnswer": {
        "user": ("Person",),
        "oidc": ("OidcOffer",),
    },
    "Side": {
        "price": ("Decimal",),
        "per": ("Decimal",),
        "unit_price": ("Decimal",),
    },
    "Sides": {
        "before": ("Decimal",),
        "after": ("Decimal",),
        "change": ("Decimal",),
    },
    "TourStory": {
        "steps": ("TourStep",),
    },
    "TourTold": {
        "stories": ("TourStory",),
    },
    "UnitLine": {
        "revenue": ("Decimal",),
        "cost": ("Decimal",),
        "margin": ("Decimal",),
    },
    "Units": {
        "window": ("WindowAnswer",),
        "units": ("UnitLine",),
    },
    "VarianceLine": {
        "billed": ("Decimal",),
        "estimated": ("Decimal",),
        "billed_quantity": ("Decimal",),
        "measured_quantity": ("Decimal",),
        "parts": ("Decimal",),
        "variance": ("Decimal",),
    },
    "VarianceSum": {
        "billed": ("Decimal",),
        "estimated": ("Decimal",),
        "variance": ("Decimal",),
        "parts": ("Decimal",),
    },
    "VersionRates": {
        "listed": ("RateListed",),
    },
    "Views": {
        "views": ("ViewKept",),
    },
    "WaitingRows": {
        "summary": ("RuleCount",),
        "rows": ("Waiting",),
    },
}
