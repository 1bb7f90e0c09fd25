"""What the API answers. Made by ``python -m perunit.faces.api.types``; not to be edited."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

__all__ = [
    "DECIMALS",
    "Bridge",
    "BridgeStep",
    "Data",
    "Dimension",
    "Explained",
    "Failure",
    "Failures",
    "Figures",
    "Freshness",
    "FreshnessNow",
    "MeasureEntry",
    "MeasureListed",
    "Part",
    "PriceBookInForce",
    "Problem",
    "ProjectAnswer",
    "Receipt",
    "ReconciliationState",
    "Refused",
    "Results",
    "UnitLine",
    "UnitType",
    "Units",
    "WindowAnswer",
]


class Bridge(TypedDict):
    """From the margin of one period to that of another: before + Σ steps = after, to the last digit."""

    measure: Literal["contribution_margin"]
    unit: str
    currency: str
    mix: str | None
    filters: list[str]
    window: WindowAnswer
    compared_with: WindowAnswer
    before: str
    after: str
    steps: list[BridgeStep]
    freshness: Freshness
    notes: list[str]


class BridgeStep(TypedDict):
    """One step of a bridge."""

    name: str
    title: str
    amount: str


class Data(TypedDict):
    """Between which instants there are facts."""

    first_event: str | None
    latest_event: str | None


class Dimension(TypedDict):
    """What figures can be cut by. `truncated`: there are more values, shown as `__other__` or not listed."""

    name: str
    values: list[str]
    truncated: bool


class Explained(TypedDict):
    """All that one figure rests on."""

    measure: MeasureEntry
    value: str | int | None
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
    latency_ms: str | None
    resource: str | None
    amounts: dict[str, str]
    currency: str
    intent: str | None
    recovered: bool | None


class Failures(TypedDict):
    """Failed attempts, the newest first."""

    unit: str
    failures: list[Failure]
    next: str | None


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


class Part(TypedDict):
    """One part of a formula: the value is (Σ of `+` less Σ of `-`) ÷ the one of `/`, where there is one."""

    name: str
    title: str
    value: str | int | None
    sign: Literal["+", "-", "/"]
    measure: bool


class PriceBookInForce(TypedDict):
    """A version of a price book with a rate within the window, and who put it in force."""

    book: str
    version: int
    effective_from: str | None
    approved_by: str | None
    approved_at: str | None


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


class Receipt(TypedDict):
    """All that makes up one unit's margin, as `perunit receipt --json` has it."""

    unit_type: str
    unit_key: str
    currency: str
    opened_at: str
    segments: dict[str, str | None]
    totals: dict[str, str | None]
    status: Literal["estimated", "billed", "mixed", "closed"] | None
    unpriced: int
    notes: list[str]


class ReconciliationState(TypedDict):
    """How far the bills of the window are reconciled."""

    status: Literal["closed", "open"]
    score: str | None


class Refused(TypedDict):
    """A question without an answer."""

    problem: Problem


class Results(TypedDict):
    """Answers in the order of the questions."""

    results: list[Figures | Refused]


class UnitLine(TypedDict):
    """One unit of a listing."""

    id: str
    opened_at: str
    last_event: str
    segments: dict[str, str | None]
    revenue: str
    cost: str
    margin: str
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


class WindowAnswer(TypedDict):
    """A half-open range of time; null is an open side."""

    start: str | None
    end: str | None


# Record → member → what its value, or each value in it, is: a decimal number or a record.
DECIMALS: dict[str, dict[str, tuple[str, ...]]] = {
    "Bridge": {
        "window": ("WindowAnswer",),
        "compared_with": ("WindowAnswer",),
        "steps": ("BridgeStep",),
        "freshness": ("Freshness",),
    },
    "Explained": {
        "measure": ("MeasureEntry",),
        "parts": ("Part",),
        "window": ("WindowAnswer",),
        "price_books": ("PriceBookInForce",),
        "freshness": ("Freshness",),
        "reconciliation": ("ReconciliationState",),
    },
    "Failures": {
        "failures": ("Failure",),
    },
    "Figures": {
        "window": ("WindowAnswer",),
        "compared_with": ("WindowAnswer",),
        "freshness": ("Freshness",),
        "measures": ("MeasureEntry",),
    },
    "ProjectAnswer": {
        "units": ("UnitType",),
        "dimensions": ("Dimension",),
        "freshness": ("FreshnessNow",),
        "data": ("Data",),
    },
    "Refused": {
        "problem": ("Problem",),
    },
    "Results": {
        "results": ("Figures", "Refused"),
    },
    "Units": {
        "window": ("WindowAnswer",),
        "units": ("UnitLine",),
    },
}
