"""What the API answers. Made by ``python -m perunit.faces.api.types``; not to be edited."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

__all__ = [
    "DECIMALS",
    "Data",
    "Dimension",
    "Figures",
    "Freshness",
    "FreshnessNow",
    "MeasureEntry",
    "MeasureListed",
    "Problem",
    "ProjectAnswer",
    "Refused",
    "Results",
    "UnitType",
    "WindowAnswer",
]


class Data(TypedDict):
    """Between which instants there are facts."""

    first_event: str | None
    latest_event: str | None


class Dimension(TypedDict):
    """What figures can be cut by. `truncated`: there are more values, shown as `__other__` or not listed."""

    name: str
    values: list[str]
    truncated: bool


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
    family: Literal["financial", "operational"]
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
    family: Literal["financial", "operational"]
    owner: str
    seed: str
    formula: str
    doc: str
    allowed: bool


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


class Refused(TypedDict):
    """A question without an answer."""

    problem: Problem


class Results(TypedDict):
    """Answers in the order of the questions."""

    results: list[Figures | Refused]


class UnitType(TypedDict):
    """A unit type of the contract."""

    name: str
    owner: str
    parent: str | None
    segments: list[str]
    counted: str


class WindowAnswer(TypedDict):
    """A half-open range of time; null is an open side."""

    start: str | None
    end: str | None


# Record → member → what its value, or each value in it, is: a decimal number or a record.
DECIMALS: dict[str, dict[str, tuple[str, ...]]] = {
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
}
