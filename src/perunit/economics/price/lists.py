"""Price lists of others as drafts of price books. Enters: a CSV or YAML list, or the prices of language models that
the package genai-prices maintains. Leaves: the text of a draft, with a comment for all that it could not take over.

Nothing is guessed: a price without a date is refused until a person says since when it holds, and what a price book
cannot say (a price by the time of day, a price of something that is not a token) is named in the draft instead.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import yaml

from perunit.model.errors import InputError, UsageError
from perunit.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

__all__ = ["ListEntry", "PriceList", "draft_text", "genai_list", "read_list"]

_COLUMNS = ("meter", "price", "per", "unit", "from", "to")
_REQUIRED = ("meter", "price", "per", "unit")
_MILLION = "1000000"
# What genai-prices calls a price per million tokens, and the meter of those tokens. Each counts its own tokens only.
GENAI_METERS = {
    "input_mtok": "input_tokens",
    "output_mtok": "output_tokens",
    "cache_read_mtok": "cache_read_tokens",
    "cache_write_mtok": "cache_write_tokens",
    "cache_write_1h_mtok": "cache_write_1h_tokens",
    "output_reasoning_mtok": "reasoning_tokens",
}
TIER = "context_tier"


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One price of a list, as text; `since` None: the list does not say."""

    meter: str
    price: str
    per: str
    unit: str
    since: str | None
    until: str | None
    conditions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of a list, where they come from, and what a reader of the draft has to know."""

    origin: str
    entries: tuple[ListEntry, ...]
    remarks: tuple[str, ...] = ()


def read_list(path: Path) -> PriceList:
    """A list with the columns meter, price, per, unit, from and, where there are any, to; others are conditions.

    Raises InputError where the file cannot be read as one, with the row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text))) if path.suffix == ".csv" else yaml.load(text, yaml.BaseLoader)  # noqa: S506
    except (OSError, UnicodeDecodeError, yaml.YAMLError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a list ({error}); correct the file") from error
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path}: holds no prices, must be a list with {', '.join(_COLUMNS[:5])}; add a row")
    return PriceList(f"{path.name}", tuple(_entry(path, number, row) for number, row in enumerate(rows, 1)))


def _entry(path: Path, number: int, row: Any) -> ListEntry:
    if not isinstance(row, dict) or not all(isinstance(value, str | None) for value in row.values()):
        raise InputError(f"{path}: row {number}: must hold plain values under the names of columns; correct it")
    said = {str(name).strip(): value.strip() for name, value in row.items() if value is not None and value.strip()}
    for name in _REQUIRED:
        if name not in said:
            raise InputError(f"{path}: row {number}: {name} is missing; add it")
    conditions = tuple((name, value) for name, value in said.items() if name not in _COLUMNS)
    price, dated = (said["price"], said["per"], said["unit"]), (said.get("from"), said.get("to"))
    return ListEntry(said["meter"], *price, *dated, conditions)


def genai_list(models: Iterable[str], provider: str | None, dimensions: tuple[str, ...]) -> PriceList:
    """The token prices of models, per million, dated where the package dates them.

    A model is named as events name it; `provider` becomes a condition where the contract has that dimension. A price
    above a context length has the condition ``context_tier: <tokens>``. Raises UsageError where a model is unknown,
    several providers have it, or its price depends on the time of day.
    """
    from importlib.metadata import version

    entries: list[ListEntry] = []
    remarks: dict[str, None] = {}
    for name in models:
        home, model = _model(name, provider)
        fixed = (("model", name),) + ((("provider", home.id),) if "provider" in dimensions else ())
        for since, until, prices in _dated(name, model):
            entries += [replace(each, since=since, until=until) for each in _priced(prices, fixed)]
            remarks |= dict.fromkeys(_left_out(name, prices))
        remarks |= dict.fromkeys(_variants(name, model))
    if any(key == TIER for entry in entries for key, _ in entry.conditions):
        remarks[f"{TIER} is the highest context length below the request's input tokens, cached ones included"] = None
    if not any(entry.meter.startswith("cache") for entry in entries):
        remarks["no price of cached tokens is known: count them as input_tokens"] = None
    return PriceList(f"genai-prices {version('genai-prices')}", tuple(entries), tuple(remarks))


def _model(name: str, provider: str | None) -> tuple[Provider, ModelInfo]:
    from genai_prices.data_snapshot import get_snapshot

    providers = {each.id: each for each in get_snapshot().providers}
    if provider is not None and provider not in providers:
        raise UsageError(f"--provider: got {provider!r}, must be one of {', '.join(sorted(providers))}")
    searched = [providers[provider]] if provider else list(providers.values())
    found = [(home, model) for home in searched if (model := home.find_model(name)) is not None]
    if not found:
        raise UsageError(f"--model: got {name!r}, which genai-prices does not know; price it in a book of your own")
    if len(found) > 1:
        homes = ", ".join(home.id for home, _ in found)
        raise UsageError(f"--model: {name!r} is sold by {homes}; name one with --provider")
    return found[0]


def _dated(name: str, model: ModelInfo) -> list[tuple[str | None, str | None, ModelPrice]]:
    """Each list of prices with since and until when; the last one that has begun applies."""
    from genai_prices.types import ModelPrice, StartDateConstraint

    if isinstance(model.prices, ModelPrice):
        return [(None, None, model.prices)]
    starts: list[tuple[str | None, ModelPrice]] = []
    for each in model.prices:
        if each.constraint is not None and not isinstance(each.constraint, StartDateConstraint):
            raise UsageError(f"--model: {name!r} is priced by the time of day, which a price book cannot say")
        starts.append((each.constraint.start_date.isoformat() if each.constraint else None, each.prices))
    if [start or "" for start, _ in starts] != sorted({start or "" for start, _ in starts}):
        raise UsageError(f"--model: the dates of {name!r} are not in order; price it in a book of your own")
    ends = [start for start, _ in starts[1:]] + [None]
    return [(start, end, prices) for (start, prices), end in zip(starts, ends, strict=True)]


def _priced(prices: ModelPrice, fixed: tuple[tuple[str, str], ...]) -> list[ListEntry]:
    found = []
    for key, meter in GENAI_METERS.items():
        price: Decimal | TieredPrices | None = getattr(prices, key, None)
        if price is None:
            continue
        steps = [(None, price)] if isinstance(price, Decimal) else _steps(price)
        for start, amount in steps:
            conditions = fixed if start is None else (*fixed, (TIER, start))
            found.append(ListEntry(meter, plain(amount), _MILLION, "{token}", None, None, conditions))
    return found


def _steps(price: TieredPrices) -> list[tuple[str | None, Decimal]]:
    return [(None, price.base), *((str(tier.start), tier.price) for tier in price.tiers)]


def _left_out(name: str, prices: ModelPrice) -> list[str]:
    known = {key: value for key, value in vars(prices).items() if not key.startswith("_") and value is not None}
    return [f"not taken over for {name}: {key} {value}" for key, value in known.items() if key not in GENAI_METERS]


def _variants(name: str, model: ModelInfo) -> list[str]:
    return [f"not taken over for {name}: other prices where {variant.when}" for variant in model.price_variants or ()]


def draft_text(book: str, currency: str, prices: PriceList, since: str | None, meters: Mapping[str, str]) -> str:
    """A price book of the list; `meters` renames meters, `since` dates the prices the list does not date.

    Raises UsageError where a price has no date, for then nobody knows which usage it is the price of.
    """
    undated = next((entry for entry in prices.entries if entry.since is None), None)
    if undated is not None and since is None:
        raise UsageError(f"--since: {undated.meter} has a price without a date; say since when it holds")
    lines = [f"# {remark}" for remark in prices.remarks]
    lines += [f"book: {book}", "version: 1", f"currency: {currency}", f"origin: {_quoted(prices.origin)}", "rates:"]
    for entry in prices.entries:
        if since is not None and entry.until is not None and entry.since is None and entry.until <= since:
            continue
        lines.append(f"  - {{{', '.join(_pairs(entry, since, meters))}}}")
    return "\n".join(lines) + "\n"


def _pairs(entry: ListEntry, since: str | None, meters: Mapping[str, str]) -> list[str]:
    said = {"meter": meters.get(entry.meter, entry.meter), "price": entry.price, "per": entry.per, "unit": entry.unit}
    said |= dict(entry.conditions) | {"effective_from": entry.since or since or ""}
    said |= {"effective_to": entry.until} if entry.until else {}
    return [f"{name}: {_quoted(value)}" for name, value in said.items()]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
