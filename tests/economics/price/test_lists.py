"""Price lists of others become drafts: nothing is guessed, and language models cost what their package says."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
import yaml
from genai_prices import Usage, calc_price

from perunit.economics.price.lists import TIER, PriceList, draft_text, genai_list, read_list
from perunit.model.errors import InputError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

TOKENS = {
    "input_tokens": 150_000,
    "cache_read_tokens": 40_000,
    "cache_write_tokens": 7_000,
    "output_tokens": 3_210,
}
MODELS = [
    ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-3-5-haiku-latest"), ("openai", "gpt-5"),
    ("openai", "o3"), ("google", "gemini-2.5-pro"), ("aws", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
]  # fmt: skip
DATES = ["2025-07-01", "2026-01-01", "2026-10-01"]


def charge(prices: PriceList, day: str, tokens: dict[str, int]) -> Decimal:
    """What tokens cost on a day by the list, where tokens without a price of their own count as input tokens."""
    length = sum(count for meter, count in tokens.items() if meter != "output_tokens")
    total = Decimal(0)
    for meter, count in tokens.items():
        known = meter if any(entry.meter == meter for entry in prices.entries) else "input_tokens"
        fitting = [
            entry
            for entry in prices.entries
            if entry.meter == known
            and (entry.since or "") <= day < (entry.until or "9999")
            and int(dict(entry.conditions).get(TIER, -1)) < length
        ]
        best = max(fitting, key=lambda entry: int(dict(entry.conditions).get(TIER, -1)))
        total += count * Decimal(best.price) / Decimal(best.per)
    return total


@pytest.mark.parametrize("day", DATES)
@pytest.mark.parametrize(("provider", "model"), MODELS)
@pytest.mark.parametrize("factor", [1, 3])
def test_a_call_costs_what_the_package_says(provider: str, model: str, day: str, factor: int) -> None:
    """Input, output and cached tokens, below and above a context length, on dates before and after price changes."""
    tokens = {meter: count * factor for meter, count in TOKENS.items()}
    prices = genai_list([model], provider, ("model",))
    usage = Usage(
        input_tokens=sum(count for meter, count in tokens.items() if meter != "output_tokens"),
        cache_read_tokens=tokens["cache_read_tokens"],
        cache_write_tokens=tokens["cache_write_tokens"],
        output_tokens=tokens["output_tokens"],
    )
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    expected = calc_price(usage, model, provider_id=provider, genai_request_timestamp=at).total_price
    assert charge(prices, day, tokens) == expected > 0


def test_claude_sonnet_by_hand() -> None:
    """1,000,000 input tokens in one request are beyond 200,000: 6 USD instead of 3."""
    prices = genai_list(["claude-sonnet-4-5"], "anthropic", ("model",))
    assert charge(prices, "2026-01-01", {"input_tokens": 200_000}) == Decimal("0.6")
    assert charge(prices, "2026-01-01", {"input_tokens": 1_000_000}) == Decimal(6)
    assert charge(prices, "2026-01-01", {"input_tokens": 100_000, "output_tokens": 2_000}) == Decimal("0.33")


def test_what_cannot_be_taken_over_is_said() -> None:
    """Prices of other things than tokens, and prices for other ways of asking, are named in the draft."""
    prices = genai_list(["claude-sonnet-4-5"], "anthropic", ("model",))
    text = draft_text("llm", "USD", prices, "2026-01-01", {})
    assert "# not taken over for claude-sonnet-4-5: web_searches_kcount 10\n" in text
    assert "batch" in text


def test_a_draft_is_dated_and_named_as_the_contract_says() -> None:
    """The provider is a condition where the contract has one; a meter can have another name."""
    prices = genai_list(["gpt-4o"], "openai", ("model", "provider"))
    book = yaml.safe_load(draft_text("llm", "USD", prices, "2026-01-01", {"input_tokens": "prompt_tokens"}))
    first = book["rates"][0]
    assert (first["meter"], first["model"], first["provider"]) == ("prompt_tokens", "gpt-4o", "openai")
    assert {rate["effective_from"] for rate in book["rates"]} == {"2026-01-01"}


@pytest.mark.parametrize(
    ("model", "provider", "words"),
    [
        ("no-such-model", "openai", "does not know"),
        ("gpt-4o", "nobody", "must be one of"),
        ("gpt-4o", None, "name one with --provider"),
        ("deepseek-reasoner", "deepseek", "time of day"),
    ],
)
def test_a_model_that_is_not_one_price_is_refused(model: str, provider: str | None, words: str) -> None:
    """No fallback: unknown, ambiguous, or priced by the clock."""
    with pytest.raises(UsageError, match=words):
        genai_list([model], provider, ("model",))


def test_a_price_without_a_date_needs_one(tmp_path: Path) -> None:
    """No implied timestamp."""
    path = tmp_path / "list.csv"
    path.write_text("meter,price,per,unit,from,region\ncalls,1.50,1000,{call},,eu\n", encoding="utf-8")
    prices = read_list(path)
    with pytest.raises(UsageError, match="since when it holds"):
        draft_text("vendor", "USD", prices, None, {})
    rates = yaml.safe_load(draft_text("vendor", "USD", prices, "2026-03-01", {}))["rates"]
    assert rates == [
        {"meter": "calls", "price": "1.50", "per": "1000", "unit": "{call}", "region": "eu"}
        | {"effective_from": "2026-03-01"}
    ]


def test_a_yaml_list_reads_like_a_csv_one(tmp_path: Path) -> None:
    """The same columns; numbers keep their digits."""
    csv, yml = tmp_path / "list.csv", tmp_path / "list.yaml"
    csv.write_text("meter,price,per,unit,from,to\ncalls,0.10,1,{call},2026-01-01,2026-02-01\n", encoding="utf-8")
    yml.write_text(
        "- {meter: calls, price: 0.10, per: 1, unit: '{call}', from: 2026-01-01, to: 2026-02-01}\n", encoding="utf-8"
    )
    assert read_list(csv).entries == read_list(yml).entries
    assert read_list(csv).entries[0].price == "0.10"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "meter,price,per,from\ncalls,1,1,2026-01-01\n", "row 1: unit is missing"),
        ("a.csv", "meter,price\n", "holds no prices"),
        ("a.yaml", "- [1]\n", "row 1: must hold plain values"),
        ("a.yaml", "- {\n", "cannot be read"),
    ],
)
def test_a_list_with_a_fault_is_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    """With the row and the mend."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_list(tmp_path / name)
