"""Price books: dated, versioned prices. Enters: ``prices/*.yaml``. Leaves: `PriceBook`, or faults.

A rate says what one unit of a meter costs (cost), earns (revenue) or what is kept of an event (fee) within
``[effective_from, effective_to)``. A version of a book is never edited: its highest version is in force.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from perunit.contract.shape import Account, Currency, EventTypeName, Name  # noqa: TC001 - pydantic reads them
from perunit.contract.shape_faults import validated
from perunit.model.money import QUANTITY_SCALE, UNIT_PRICE_SCALE, exact, plain, unit_price
from perunit.model.tiers import Tier, Tiered
from perunit.model.window import parse_instant

if TYPE_CHECKING:
    from typing import Self

    from perunit.contract.document import Document, Path
    from perunit.contract.shape import Contract
    from perunit.model.errors import Fault

__all__ = [
    "Approval",
    "PriceBook",
    "PriceBookFile",
    "Rate",
    "ReadBook",
    "eligible",
    "in_force",
    "price_book_schema",
    "read_price_book",
]

# What a DECIMAL(38, scale) holds before the point.
_PRICE_DIGITS = 38 - UNIT_PRICE_SCALE
_PER_DIGITS = 38 - QUANTITY_SCALE
_HUNDRED = Decimal(100)
_FACTOR_PLACES = 9


def _exact_decimal(places: int, digits: int, least: Decimal) -> Any:
    def check(value: Decimal) -> Decimal:
        if value < least:
            raise ValueError(f"must be >= {plain(least)}; correct it")
        if value and value.adjusted() >= digits:
            raise ValueError(f"must have at most {digits} digits before the point; correct it")
        exponent = value.normalize().as_tuple().exponent if value else 0
        if isinstance(exponent, int) and -exponent > places:
            raise ValueError(f"must have at most {places} decimal places; round it, or raise what it is the price of")
        return value

    return check


def _instant(value: object) -> datetime:
    mend = "write a date such as 2026-09-01 (midnight UTC) or 2026-09-01T14:00:00Z"
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    if not isinstance(value, str):  # pydantic turns a ValueError into a fault, and no other error
        raise ValueError(f"must be a date or an instant; {mend}")  # noqa: TRY004
    try:
        if len(value) > len("2026-09-01") and datetime.fromisoformat(value).tzinfo is None:
            raise ValueError(f"must state its offset from UTC; {mend}")
        return parse_instant(value)
    except (ValueError, OverflowError) as error:
        if "offset" in str(error):
            raise
        raise ValueError(f"must be a date or an instant; {mend}") from error


def _condition_text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


_DECIMAL = {"anyOf": [{"type": "number"}, {"type": "string"}]}
Price = Annotated[
    Decimal,
    AfterValidator(_exact_decimal(UNIT_PRICE_SCALE, _PRICE_DIGITS, Decimal(0))),
    WithJsonSchema({**_DECIMAL, "minimum": 0}),
]
Percentage = Annotated[
    Decimal,
    AfterValidator(_exact_decimal(UNIT_PRICE_SCALE - 2, 3, Decimal(0))),
    Field(le=100),
    WithJsonSchema({**_DECIMAL, "minimum": 0, "maximum": 100}),
]
Factor = Annotated[
    Decimal,
    AfterValidator(_exact_decimal(_FACTOR_PLACES, 4, Decimal(0))),
    WithJsonSchema({**_DECIMAL, "minimum": 0}),
]
Per = Annotated[
    Decimal,
    AfterValidator(_exact_decimal(QUANTITY_SCALE, _PER_DIGITS, Decimal(1).scaleb(-QUANTITY_SCALE))),
    WithJsonSchema({**_DECIMAL, "exclusiveMinimum": 0}),
]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "examples": ["2026-01-01"]})]
Condition = Annotated[
    str,
    BeforeValidator(_condition_text),
    StringConstraints(min_length=1, max_length=1000),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]

_EXAMPLE_USAGE: dict[str, JsonValue] = {
    "meter": "cpu_seconds",
    "price": "0.0464",
    "per": 3600,
    "unit": "s",
    "effective_from": "2026-01-01",
}
_EXAMPLE_TIERED: dict[str, JsonValue] = {
    "meter": "requests",
    "mode": "graduated",
    "tiers": [{"up_to": 1000000, "price": 0}, {"price": "0.40", "per": 1000000}],
    "minimum": "5.00",
    "unit": "{request}",
    "effective_from": "2026-01-01",
}
_EXAMPLE_ADJUSTMENT: dict[str, JsonValue] = {
    "on": "cost",
    "region": "eu",
    "multiply": "1.15",
    "effective_from": "2026-01-01",
}
_EXAMPLE_FX: dict[str, JsonValue] = {"currency": "GBP", "rate": "1.2712", "effective_from": "2026-01-01"}
_EXAMPLE_FEE: dict[str, JsonValue] = {
    "event": "payment.settled",
    "percentage": "2.9",
    "fixed": "0.30",
    "effective_from": "2026-01-01",
}


class Entry(BaseModel):
    """What all entries share. Every further key is a condition: a segment or resource, and its value."""

    model_config = ConfigDict(extra="allow", frozen=True, coerce_numbers_to_str=True)
    __pydantic_extra__: dict[str, Condition]

    effective_from: Instant = Field(description="A date (midnight UTC) or an instant with offset; included.")
    effective_to: Instant | None = Field(None, description="Excluded; open where absent.")

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.effective_to is not None and self.effective_to <= self.effective_from:
            raise ValueError("effective_to must lie after effective_from; correct one of the two")
        return self


class TierEntry(BaseModel):
    """A step of a price by volume: `price` for every `per` units up to a month's `up_to`."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    up_to: Per | None = Field(None, description="Up to which quantity of a month, included; absent in the last tier.")
    price: Price
    per: Per = Field(Decimal(1), description="How many units of the meter the price is for.")


def _price_or_tiers(schema: dict[str, Any]) -> None:
    """An entry has a price or tiers, so neither is required by itself."""
    schema["examples"] = [_EXAMPLE_USAGE, _EXAMPLE_TIERED]
    schema["required"] = [name for name in schema["required"] if name not in {"price", "per"}]
    schema["anyOf"] = [{"required": ["price", "per"]}, {"required": ["mode", "tiers"]}]


class UsageEntry(Entry):
    """The price of a meter's usage: `price` for every `per` units, or one by the volume of a calendar month."""

    model_config = ConfigDict(json_schema_extra=_price_or_tiers)

    meter: Name
    price: Price
    per: Per = Field(description="How many units of the meter the price is for.")
    unit: str = Field(description="The meter's unit, UCUM: By, s, {request}.")
    mode: Literal["graduated", "volume", "package"] | None = Field(
        None, description="Each slice at its tier's price, all at one tier's price, or every started package."
    )
    tiers: Annotated[tuple[TierEntry, ...], Field(min_length=1)] | None = Field(
        None, description="In place of price and per, ascending; package has price and per instead."
    )
    minimum: Price | None = Field(None, description="The least a month with usage is charged; needs a mode.")

    @model_validator(mode="before")
    @classmethod
    def _tiers_stand_for_a_price(cls, data: Any) -> Any:
        """Tiers leave no price of one unit; 0 stands in until the month's total is known."""
        if not isinstance(data, dict) or ("tiers" not in data and data.get("mode") not in {"graduated", "volume"}):
            return data
        if found := {"price", "per"} & data.keys():
            raise ValueError(f"must have tiers or price and per, not both; take {sorted(found)[-1]} away")
        return {"price": 0, "per": 1, **data}

    @model_validator(mode="after")
    def _is_by_volume_or_not(self) -> Self:
        if self.mode is None:
            if self.tiers is not None or self.minimum is not None:
                raise ValueError("must have a mode beside tiers or a minimum; add mode: graduated, volume or package")
            return self
        if (self.mode == "package") == (self.tiers is not None):
            raise ValueError(
                f"must have {'price and per' if self.tiers else 'tiers'} with mode {self.mode}; write them"
            )
        for side in (self.effective_from, self.effective_to):
            if side is not None and not _starts_month(side):
                raise ValueError(
                    "must start and end with a month (UTC), as its price is of whole months; move the date"
                )
        _check_ascending(self.tiers or ())
        return self

    @property
    def by_volume(self) -> Tiered | None:
        """The price as one by volume; None where it is a plain one."""
        if self.mode is None:
            return None
        steps = self.tiers or (TierEntry(price=self.price, per=self.per, up_to=None),)
        tiers = tuple(Tier(tier.price, tier.per, tier.up_to) for tier in steps)
        return Tiered(self.mode, tiers, self.minimum or Decimal(0))

    @model_validator(mode="after")
    def _is_not_rounded_away(self) -> Self:
        each = unit_price(self.price, self.per)
        if self.price and not each:
            raise ValueError(f"price / per must be at least 1E-{UNIT_PRICE_SCALE}; a smaller one would be free")
        if each and each.adjusted() >= _PRICE_DIGITS:
            raise ValueError(f"price / per must be below 1E{_PRICE_DIGITS}; correct one of the two")
        return self


def _starts_month(instant: datetime) -> bool:
    at = instant.astimezone(UTC)
    return at == at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _check_ascending(tiers: tuple[TierEntry, ...]) -> None:
    bounds = [tier.up_to for tier in tiers]
    if bounds and bounds[-1] is not None:
        raise ValueError("must end with a tier without up_to; every quantity needs a price")
    below = Decimal(0)
    for bound in bounds[:-1]:
        if bound is None or bound <= below:
            raise ValueError("must have tiers with ascending up_to, absent in the last alone; put them in order")
        below = bound


class FeeEntry(Entry):
    """What is kept of each event of a type: a percentage of one of its amounts, a fixed amount, or both."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_FEE]})

    event: EventTypeName
    of: Account = Field("revenue", description="The account the percentage is taken of.")
    percentage: Percentage | None = None
    fixed: Price | None = None

    @model_validator(mode="after")
    def _is_a_fee(self) -> Self:
        if self.percentage is None and self.fixed is None:
            raise ValueError("must have a percentage, a fixed amount or both; add one")
        return self


class AdjustmentEntry(Entry):
    """What all matching prices of a kind are multiplied by: a region's multiplier, or a discount."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_ADJUSTMENT]})

    on: Literal["cost", "revenue", "fee"] = Field(description="Whose prices: of rates, revenue or fees.")
    meter: Name | None = Field(None, description="Only prices of this meter; of every one where absent.")
    multiply: Factor | None = None
    discount_percent: Percentage | None = None

    @model_validator(mode="after")
    def _is_one_factor(self) -> Self:
        if (self.multiply is None) == (self.discount_percent is None):
            raise ValueError("must have multiply or discount_percent, and not both; keep one")
        if self.on == "fee" and self.meter is not None:
            raise ValueError("must have no meter on fees; take it away")
        return self

    @property
    def factor(self) -> Decimal:
        """What a price is multiplied by."""
        if self.multiply is not None:
            return self.multiply
        with exact():
            return 1 - (self.discount_percent or Decimal(0)) / _HUNDRED


class FxEntry(Entry):
    """What one unit of another currency is worth in the book's: a rate that was agreed, or that one keeps to."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_FX]})

    currency: Currency
    rate: Price = Field(gt=0)

    @model_validator(mode="after")
    def _has_no_condition(self) -> Self:
        if self.__pydantic_extra__:
            names = ", ".join(sorted(self.__pydantic_extra__))
            raise ValueError(f"must have no condition ({names}); an exchange rate is the same for everyone")
        return self


class Approval(BaseModel):
    """Who put a version in force, when and why; written into the version's file, at its end."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    actor: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    approved_at: Instant
    reprices_past: bool = Field(False, description="Whether it was meant to change the price of past usage.")
    rolled_back_to: Annotated[int, Field(ge=1, lt=2**31)] | None = Field(None, description="Whose prices it repeats.")


class PriceBookFile(BaseModel):
    """One version of a price book. A changed price is a new version or a new entry, never an edit."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    book: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,47}$")]
    version: Annotated[int, Field(ge=1, lt=2**31)] = Field(description="The highest version of a book is in force.")
    currency: Currency
    origin: str | None = Field(None, description="Where the prices come from.")
    rates: tuple[UsageEntry, ...] = Field((), description="What usage costs.")
    revenue: tuple[UsageEntry, ...] = Field((), description="What customers are charged for usage.")
    fees: tuple[FeeEntry, ...] = Field((), description="What is kept of each event of a type.")
    adjustments: tuple[AdjustmentEntry, ...] = Field((), description="What prices are multiplied by; all that match.")
    fx: tuple[FxEntry, ...] = Field((), description="What other currencies are worth in the book's.")
    approval: Approval | None = Field(None, description="Written by perunit prices approve.")


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a meter costs or earns in ``[effective_from, effective_to)``.

    Fees have the meters ``@<account>`` (percentage, `unit_price` is the share) and ``@events`` (fixed) and an
    `event_type`. Of the rates whose conditions an event meets, the one with the most conditions applies. An
    adjustment has the factor as its unit price, the meter ``*`` where it is of every one, and in `adjusts` the kind
    of rates it multiplies; all that match apply. An exchange rate has another currency as its meter, and is what one
    unit of it is worth in `currency`. `tiers` is the text of a price by volume (`model.tiers`), whose price and unit
    price are 0.
    """

    kind: Literal["cost", "revenue", "fee", "adjustment", "fx"]
    meter: str
    event_type: str | None
    conditions: dict[str, str] = field(hash=False)
    price: Decimal
    per: Decimal
    unit: str
    currency: str
    unit_price: Decimal
    effective_from: datetime
    effective_to: datetime | None
    rate_id: str
    line: int
    adjusts: str | None = None
    tiers: str | None = None


@dataclass(frozen=True, slots=True)
class PriceBook:
    """One version of a book as read; `digest` is the SHA-256 of its file before the approval, `content` that text."""

    name: str
    version: int
    currency: str
    origin: str | None
    file: str
    digest: str
    rates: tuple[Rate, ...]
    approval: Approval | None = None
    content: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ReadBook:
    """A price book with what reading it found. `refused_meters` have an entry that could not be read."""

    book: PriceBook | None
    document: Document
    faults: tuple[Fault, ...]
    notes: tuple[Fault, ...]
    refused_meters: frozenset[str]

    def entry_path(self, rate: Rate) -> Path:
        """Where in the file a rate stands: ``aws@2/rates/3`` is the third entry below ``rates``."""
        return _entry_path(rate)


def _entry_path(rate: Rate) -> Path:
    _, section, number, *_ = rate.rate_id.split("/")
    return (section, int(number) - 1)


def price_book_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a price book."""
    return PriceBookFile.model_json_schema(mode="validation")


def eligible(books: tuple[PriceBook, ...], contract: Contract) -> tuple[PriceBook, ...]:
    """The versions that may be in force: every one, or the approved ones where the contract asks for approval."""
    if contract.prices.approval == "optional":
        return books
    return tuple(book for book in books if book.approval is not None)


def in_force(books: tuple[PriceBook, ...]) -> tuple[PriceBook, ...]:
    """The highest version of each book."""
    highest: dict[str, PriceBook] = {}
    for book in books:
        if book.name not in highest or book.version > highest[book.name].version:
            highest[book.name] = book
    return tuple(highest.values())


def read_price_book(document: Document, digest: str, content: str = "") -> ReadBook:
    """The price book of one file. Entries with a fault are left out, so that the others can be checked."""
    if document.data is None:
        return ReadBook(None, document, document.faults, (), frozenset())
    shape, faults, refused = validated(PriceBookFile, document, price_book_schema())
    meters = frozenset(_refused_meters(document, refused))
    if shape is None:
        return ReadBook(None, document, (*document.faults, *faults), (), meters)
    rates = tuple(_rates(shape, document, {path[:2] for path in refused}))
    head = (shape.book, shape.version, shape.currency, shape.origin)
    book = PriceBook(*head, document.file, digest, rates, shape.approval, content)
    notes = tuple(_rounding_notes(book, document))
    return ReadBook(book, document, (*document.faults, *faults), notes, meters)


def _refused_meters(document: Document, refused: set[Path]) -> set[str]:
    meters = set()
    for path in refused:
        entry = document.get(path[:2])
        if isinstance(entry, dict):
            meters.add(str(entry.get("meter") or entry.get("event")))
    return meters


_SECTIONS = (("rates", "cost"), ("revenue", "revenue"), ("fees", "fee"), ("adjustments", "adjustment"), ("fx", "fx"))


def _rates(shape: PriceBookFile, document: Document, refused: set[Path]) -> list[Rate]:
    rates: list[Rate] = []
    for section, kind in _SECTIONS:
        for index, entry in enumerate(getattr(shape, section)):
            if (section, index) not in refused and (section,) not in refused:
                rate_id = f"{shape.book}@{shape.version}/{section}/{index + 1}"
                line = document.line((section, index)) or 1
                rates += _rates_of(entry, kind, shape.currency, rate_id, line)
    return rates


def _rates_of(
    entry: UsageEntry | FeeEntry | AdjustmentEntry | FxEntry, kind: Any, currency: str, rate_id: str, line: int
) -> list[Rate]:
    conditions = dict(sorted(entry.__pydantic_extra__.items()))
    dated = (entry.effective_from, entry.effective_to)
    if isinstance(entry, UsageEntry):
        if (tiered := entry.by_volume) is not None:
            nothing = (Decimal(0), Decimal(1), entry.unit, currency, Decimal(0))
            return [Rate(kind, entry.meter, None, conditions, *nothing, *dated, rate_id, line, tiers=tiered.text())]
        each = unit_price(entry.price, entry.per)
        usage = (entry.meter, None, conditions, entry.price, entry.per, entry.unit, currency, each)
        return [Rate(kind, *usage, *dated, rate_id, line)]
    if isinstance(entry, AdjustmentEntry):
        factor = (entry.meter or "*", None, conditions, entry.factor, Decimal(1), "1", currency, entry.factor)
        return [Rate(kind, *factor, *dated, rate_id, line, entry.on)]
    if isinstance(entry, FxEntry):
        worth = (entry.currency, None, conditions, entry.rate, Decimal(1), entry.currency, currency, entry.rate)
        return [Rate(kind, *worth, *dated, rate_id, line)]
    rates = []
    if entry.percentage is not None:
        share = unit_price(entry.percentage, _HUNDRED)
        part = (f"@{entry.of}", entry.event, conditions, entry.percentage, _HUNDRED, "%", currency, share)
        rates.append(Rate(kind, *part, *dated, f"{rate_id}/percentage", line))
    if entry.fixed is not None:
        part = ("@events", entry.event, conditions, entry.fixed, Decimal(1), "{event}", currency, entry.fixed)
        rates.append(Rate(kind, *part, *dated, f"{rate_id}/fixed", line))
    return rates


def _rounding_notes(book: PriceBook, document: Document) -> list[Fault]:
    """Prices that do not divide evenly: what one unit costs is rounded once, here, and by how much."""
    notes = []
    for rate in book.rates:
        with exact():
            error = abs(rate.unit_price * rate.per - rate.price)
            relative = error / rate.price if rate.price else Decimal(0)
        if relative:
            rule = (
                f"one unit costs {plain(rate.unit_price)}, rounded at {UNIT_PRICE_SCALE} places "
                f"(relative error {relative:.1E})"
            )
            got = f"{plain(rate.price)} per {plain(rate.per)}"
            notes.append(
                document.fault(_entry_path(rate), rule, "no need to act; a price that divides evenly is exact", got=got)
            )
    return notes
