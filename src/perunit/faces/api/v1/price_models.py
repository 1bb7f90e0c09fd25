"""What answers about price books look like."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from perunit.faces.api.v1.deciding import Reason  # noqa: TC001 - the models read it
from perunit.faces.api.v1.models import Amount  # noqa: TC001 - the models read it

__all__ = ["ApproveBody", "Approved", "Book", "Books", "Compared", "DraftBody", "DraftMade", "RollbackBody"]


class RateListed(BaseModel):
    """One rate; a price by volume has `tiers`. Where `adjusts` is set, it multiplies rates of that kind."""

    rate_id: str
    kind: str
    meter: str
    event_type: str | None
    conditions: dict[str, str]
    price: Amount
    per: Amount
    unit: str | None
    currency: str
    adjusts: str | None
    unit_price: Amount
    tiers: Any
    effective_from: str
    effective_to: str | None
    in_force: bool
    approved_by: str | None
    reason: str | None
    approved_at: str | None
    status: Literal["effective", "future", "ended", "withdrawn", "draft", "awaiting approval"]


class Version(BaseModel):
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
    effective_to: str | None = Field(description="Null where a rate has no end.")
    rates: int


class FaultFound(BaseModel):
    """One thing wrong with a text: where, what is there, the rule, the mend."""

    file: str
    line: int | None
    place: str
    got: str
    rule: str
    mend: str


class DraftListed(BaseModel):
    """A file in prices/drafts. `book` is null where it cannot be read as one."""

    draft: str
    book: str | None
    digest: str
    changed_at: str
    rates: int | None
    faults: list[FaultFound]


class BookListed(BaseModel):
    """A book and its versions, the latest first."""

    book: str
    in_force: int | None
    kinds: list[str]
    currencies: list[str]
    versions: list[Version]


class Books(BaseModel):
    """Every book that was ever loaded or waits, and the drafts."""

    books: list[BookListed]
    drafts: list[DraftListed]


class VersionRates(Version):
    """A version with its rates and its text."""

    content: str
    listed: list[RateListed]


class DraftText(DraftListed):
    """A draft and what it says."""

    text: str


class Book(BaseModel):
    """A book with every version and rate, the latest first, and its drafts with their text."""

    book: str
    in_force: int | None
    versions: list[VersionRates]
    drafts: list[DraftText]


class Side(BaseModel):
    """A price on one side of a change."""

    model_config = ConfigDict(extra="allow")

    rate_id: str
    price: Amount
    per: Amount
    unit_price: Amount


class PriceChange(BaseModel):
    """One price within a range of time, before and after."""

    model_config = ConfigDict(populate_by_name=True)

    what: Literal["added", "ended", "changed"]
    kind: str
    meter: str
    event_type: str | None
    conditions: dict[str, str]
    from_: str = Field(alias="from")
    to: str | None
    before: Side | None
    after: Side | None
    ratio: Amount | None = Field(description="The relative change of the unit price.")


class Compared(BaseModel):
    """What changes between two versions."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str | None = Field(alias="from")
    to: str
    changes: list[PriceChange]


class DraftBody(BaseModel):
    """A draft to be checked, and kept unless `keep` is false."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    text: str = Field(min_length=1, max_length=1_000_000, description="The price book as YAML.")
    keep: bool = True
    replaces: str | None = Field(None, max_length=64, description="The digest of the draft that it takes the place of.")
    by: list[str] = Field([], max_length=6, description="Cut the impact by these dimensions.")
    unit: str | None = Field(None, description="Seen from which unit type.")
    from_: str | None = Field(None, alias="from", description="Usage from this hour on.")
    to: str | None = Field(None, description="Usage up to this hour, itself excluded.")
    rates_of: str | None = Field(None, description="Price the whole window at the rates in force at this instant.")


class Sides(BaseModel):
    """A figure before and after."""

    before: Amount | None
    after: Amount | None
    change: Amount | None


class ImpactRow(BaseModel):
    """What one segment, or all, would have come to."""

    model_config = ConfigDict(extra="allow")

    revenue: Sides
    variable_cost: Sides
    contribution_margin: Sides


class Counted(BaseModel):
    """A count before and after."""

    before: int
    after: int


class Impact(BaseModel):
    """What stored usage would have come to under the draft."""

    draft: str
    unit: str
    currency: str
    total: ImpactRow
    rows: list[ImpactRow] = Field(description="With the segment's values by dimension.")
    unpriced_usage: Counted


class PastAmount(BaseModel):
    """What past usage of one kind comes to."""

    kind: str
    currency: str
    before: Amount
    after: Amount
    change: Amount


class Past(BaseModel):
    """From when on the price of past usage changes, and by how much."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from")
    amounts: list[PastAmount]


class DraftMade(BaseModel):
    """A checked draft. With faults nothing is kept, compared or replayed."""

    draft: str | None = Field(description="Its name, where it is kept.")
    digest: str
    faults: list[FaultFound]
    diff: Compared | None
    impact: Impact | None
    past: Past | None = Field(description="Null where no past price changes.")


class ApproveBody(BaseModel):
    """Which draft, or which version that waits, comes into force, and why."""

    model_config = ConfigDict(extra="forbid")

    draft: str | None = Field(None, max_length=200)
    version: int | None = Field(None, ge=1, le=1_000_000)
    digest: str | None = Field(None, max_length=64, description="Refused where the draft is another text by now.")
    reason: Reason
    reprice_past: bool = False


class RollbackBody(BaseModel):
    """Which version's prices come back, and why."""

    model_config = ConfigDict(extra="forbid")

    to: int = Field(ge=1, le=1_000_000)
    reason: Reason
    reprice_past: bool = False


class Approved(BaseModel):
    """A version that is in force now."""

    model_config = ConfigDict(extra="allow")

    book: str
    version: int
    file: str
    actor: str
    reason: str
    approved_at: str
    reprices_past: bool
    past: Past | None
