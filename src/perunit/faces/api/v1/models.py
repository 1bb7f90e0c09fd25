"""What answers about figures look like. Decimals are text, as a float would not hold them; times are RFC 3339."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Amount",
    "Bridge",
    "BridgeStep",
    "Explained",
    "Failures",
    "Figures",
    "Freshness",
    "FreshnessNow",
    "MeasureEntry",
    "Receipt",
    "Results",
    "Units",
    "WindowAnswer",
]

# Exact decimal numbers; `decimal` tells clients so.
Amount = Annotated[str, Field(json_schema_extra={"format": "decimal"})]
Status = Literal["estimated", "billed", "mixed", "closed"] | None


class WindowAnswer(BaseModel):
    """A half-open range of time; null is an open side."""

    start: str | None
    end: str | None


class Freshness(BaseModel):
    """How far the facts go. Bills are allocated over new usage at most a minute later."""

    latest_event: str | None = Field(description="When the latest fact happened.")
    ingested_at: str | None = Field(description="When the last batch was committed.")
    batch_id: int | None = Field(description="The last batch that the sums hold.")


class FreshnessNow(Freshness):
    """How far the facts go, and how long ago that was."""

    lag_seconds: float | None = Field(description="From the latest fact until now.")


class MeasureEntry(BaseModel):
    """One entry of the catalogue."""

    model_config = ConfigDict(extra="allow")

    name: str
    title: str
    unit: Literal["money", "ratio", "count", "ms", "quantity"]
    good: Literal["up", "down", "none"]
    family: Literal["financial", "operational"] = "financial"
    owner: str
    seed: str
    formula: str = Field(description="In words.")
    doc: str


class MeasureListed(MeasureEntry):
    """One entry of the catalogue, and whether the viewer may ask for it."""

    allowed: bool


class Figures(BaseModel):
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
    price_books: list[str] = Field(description="`book@version` of those in force within the window.")
    measures: list[MeasureEntry]
    columns: list[str]
    rows: list[dict[str, Any]] = Field(
        description="Values by column, with `status`, `complete` and, of samples, `estimated`. Counts are integers, "
        "other numbers exact text, unknown values null."
    )
    notes: list[str] = Field(description="What a reader would otherwise miss.")
    next: str | None = Field(None, description="For `after`, where there are more rows.")
    points_left_out: int = Field(0, description="How many rows of time `points_max` has left out.")


class Problem(BaseModel):
    """Why one question of several has no answer; as RFC 9457."""

    type: str
    title: str
    status: int
    detail: str

    model_config = ConfigDict(extra="allow")


class Refused(BaseModel):
    """A question without an answer."""

    problem: Problem


class Results(BaseModel):
    """Answers in the order of the questions."""

    results: list[Figures | Refused]


class Part(BaseModel):
    """One part of a formula: the value is (Σ of `+` less Σ of `-`) ÷ the one of `/`, where there is one."""

    name: str
    title: str
    value: Amount | int | None
    sign: Literal["+", "-", "/"]
    measure: bool = Field(description="Whether it is a measure that can be explained in turn.")


class PriceBookInForce(BaseModel):
    """A version of a price book with a rate within the window, and who put it in force."""

    book: str
    version: int
    effective_from: str | None
    approved_by: str | None
    approved_at: str | None


class ReconciliationState(BaseModel):
    """How far the bills of the window are reconciled."""

    status: Literal["closed", "open"]
    score: Amount | None = Field(description="The reconciliation score of the window.")


class Explained(BaseModel):
    """All that one figure rests on."""

    measure: MeasureEntry
    value: Amount | int | None
    currency: str
    unit: str
    status: Status
    complete: bool
    parts: list[Part]
    formula: str
    filters: list[str]
    window: WindowAnswer
    rows: int | None = Field(description="How many accepted events are behind it; null where that is not known.")
    price_books: list[PriceBookInForce]
    freshness: Freshness
    notes: list[str]
    reconciliation: ReconciliationState | None = Field(description="Null where the window has no bills.")


class BridgeStep(BaseModel):
    """One step of a bridge."""

    name: str
    title: str
    amount: Amount


class Bridge(BaseModel):
    """From the margin of one period to that of another: before + Σ steps = after, to the last digit."""

    measure: Literal["contribution_margin"]
    unit: str
    currency: str
    mix: str | None = Field(description="The dimension whose mix has a step of its own.")
    filters: list[str]
    window: WindowAnswer
    compared_with: WindowAnswer
    before: Amount
    after: Amount
    steps: list[BridgeStep]
    freshness: Freshness
    notes: list[str]


class UnitLine(BaseModel):
    """One unit of a listing."""

    id: str
    opened_at: str
    last_event: str
    segments: dict[str, str | None]
    revenue: Amount | None = Field(description="Null, as cost and margin, where the viewer may not see all of it.")
    cost: Amount | None
    margin: Amount | None
    attempts: int
    successes: int


class Units(BaseModel):
    """Units in order. Amounts are at list prices, with what bills charge a unit directly; the receipt has all of it."""

    unit: str
    currency: str
    window: WindowAnswer = Field(description="Whole days: those that the window asked for touches.")
    units: list[UnitLine]
    next: str | None
    notes: list[str]


class Failure(BaseModel):
    """An attempt that did not succeed."""

    event_id: str
    source: str
    time: str
    type: str
    units: dict[str, str] = Field(description="The keys it carries, by unit type.")
    segments: dict[str, str | None]
    outcome: str | None
    latency_ms: Amount | None
    resource: str | None
    amounts: dict[str, Amount]
    currency: str
    intent: str | None = Field(description="What it was an attempt of; others of the same intent are its retries.")
    recovered: bool | None = Field(
        description="Whether a later attempt of the same intent succeeded within a week; null without an intent."
    )


class Failures(BaseModel):
    """Failed attempts, the newest first."""

    unit: str
    failures: list[Failure]
    next: str | None


class Receipt(BaseModel):
    """All that makes up one unit's margin, as `perunit receipt --json` has it."""

    model_config = ConfigDict(extra="allow")

    unit_type: str
    unit_key: str
    currency: str
    opened_at: str
    segments: dict[str, str | None]
    totals: dict[str, Amount | None]
    status: Status
    unpriced: int
    notes: list[str]
