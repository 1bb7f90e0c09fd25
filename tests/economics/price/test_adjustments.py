"""Discounts and multipliers: all that match apply, exactly, and what they made of a rate has a name."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from perunit.economics.price.adjust import adjusted_price
from perunit.faces.cli.main import cli

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
version: 1
units: {order: {owner: checkout, key: order_id, segments: [region, plan]}}
meters: {cpu_seconds: {unit: s}}
sources:
  shop:
    format: csv
    event:
      id: id
      time: time
      type: "'order.paid'"
      units: {order: order_id}
      segments: {region: region, plan: plan}
      amounts: {revenue: revenue}
      usage: {cpu_seconds: cpu}
"""
EVENTS = """\
id,order_id,time,region,plan,revenue,cpu
1,a,2026-09-01T10:10:00Z,eu,pro,100,3600
2,b,2026-09-01T10:40:00Z,us,pro,100,3600
3,c,2026-09-01T10:50:00Z,eu,free,100,3600
4,d,2026-09-02T09:00:00Z,eu,pro,100,3600
"""
BOOK = """\
book: cloud
version: 1
currency: USD
rates:
  - {meter: cpu_seconds, price: "0.0464", per: 3600, unit: s, effective_from: 2026-01-01}
  - {meter: cpu_seconds, region: us, price: "0.0360", per: 3600, unit: s, effective_from: 2026-01-01}
fees:
  - {event: order.paid, percentage: 2.9, fixed: 0.30, effective_from: 2026-01-01}
"""
ADJUSTMENTS = """\
adjustments:
  - {on: cost, region: eu, multiply: 1.15, effective_from: 2026-01-01}
  - {on: cost, plan: pro, discount_percent: 10, effective_from: 2026-01-01, effective_to: 2026-09-02}
  - {on: fee, discount_percent: 50, effective_from: 2026-09-01T10:30:00Z}
"""

Ask = Callable[..., Any]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """A project with four events and adjusted prices, and a way to ask it."""
    files = {"perunit.yaml": CONTRACT, "prices/cloud.yaml": BOOK + ADJUSTMENTS, "shop.csv": EVENTS}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    def answer(*words: str) -> Any:
        result = CliRunner().invoke(cli, ["-C", str(tmp_path), "--json", *words])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    answer("ingest", str(tmp_path / "shop.csv"), "--as", "shop")
    return answer


def test_all_adjustments_that_match_apply(ask: Ask) -> None:
    """By hand, an hour of 0.0464: in eu × 1.15, for pro × 0.9 until 2 September; us has a rate of its own.

    One second is rounded once: 0.0464 × 1.15 × 0.9 ÷ 3600 = 0.00001334 exactly.
    """
    rows = ask("query", "usage_cost", "--by", "region", "--by", "plan", "--grain", "day")["rows"]
    found = {(row["day"][8:10], row["region"], row["plan"]): Decimal(row["usage_cost"]) for row in rows}
    assert found == {
        ("01", "eu", "pro"): Decimal("0.048024"),
        ("01", "us", "pro"): Decimal("0.0324"),
        ("01", "eu", "free"): Decimal("0.0533599999992"),
        ("02", "eu", "pro"): Decimal("0.0533599999992"),
    }


def test_fees_are_halved_from_an_instant_within_the_hour(ask: Ask) -> None:
    """2.9 % of 100 and 0.30: once 3.20, three times 1.60."""
    (row,) = ask("query", "fees")["rows"]
    assert Decimal(row["fees"]) == Decimal("8.00")


def test_a_receipt_names_the_adjustments(ask: Ask) -> None:
    """Unit, day and rollup agree, and the line says what its price was made of."""
    receipt = json.dumps(ask("receipt", "order", "a"), ensure_ascii=False)
    assert "cloud@1/rates/1 × cloud@1/adjustments/1 × cloud@1/adjustments/2" in receipt
    assert "0.048024" in receipt
    assert ask("verify")


def test_a_list_shows_what_the_book_says(ask: Ask) -> None:
    """Adjustments are listed; what they made of rates is not."""
    rates = ask("prices", "list")
    said = [rate["rate_id"] for rate in rates if rate["kind"] == "adjustment"]
    assert sorted(said) == [f"cloud@1/adjustments/{number}" for number in (1, 2, 3)]
    assert not [rate for rate in rates if "×" in rate["rate_id"]]


def test_a_preview_sees_another_adjustment(ask: Ask, tmp_path: Path) -> None:
    """A draft with 20 % instead of 10 % off: 0.0464 × 1.15 × 0.1 and 0.036 × 0.1 less."""
    (tmp_path / "prices" / "drafts").mkdir()
    draft = (BOOK + ADJUSTMENTS).replace("discount_percent: 10,", "discount_percent: 20,")
    (tmp_path / "prices" / "drafts" / "more.yaml").write_text(draft, encoding="utf-8")
    total = ask("prices", "preview", "more.yaml")["total"]
    assert Decimal(total["variable_cost"]["change"]).quantize(Decimal("1e-9")) == Decimal("-0.008936")
    diff = ask("prices", "diff", "more.yaml")["changes"]
    assert [(each["kind"], each["conditions"]) for each in diff] == [("adjustment", {"plan": "pro"})]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("discount_percent: 50", "discount_percent: 101", "less than or equal to 100|at most|<= 100"),
        ("region: eu, multiply", "zone: eu, multiply", "must be a segment of the contract"),
        ("multiply: 1.15", "multiply: 1.15, discount_percent: 3", "not both"),
        ("multiply: 1.15", "multiply: -1", "must be >= 0"),
        ("on: cost, region", "on: costs, region", "on"),
        ("plan: pro, discount_percent: 10", "region: eu, multiply: 2", "must not overlap cloud@1/adjustments/1"),
        ("on: cost, region: eu", "on: cost, meter: cpus, region: eu", "must be a meter"),
    ],
)
def test_a_faulty_adjustment_is_refused(ask: Ask, tmp_path: Path, old: str, new: str, words: str) -> None:
    """With its place; two different ones that both match are no fault."""
    assert old in BOOK + ADJUSTMENTS
    path = tmp_path / "prices" / "cloud.yaml"
    path.write_text((BOOK + ADJUSTMENTS).replace(old, new), encoding="utf-8")
    result = CliRunner().invoke(cli, ["-C", str(tmp_path), "check"])
    assert result.exit_code == 2
    assert any(word in result.output for word in words.split("|")), result.output


def test_the_order_of_factors_does_not_matter() -> None:
    """They are multiplied exactly, and the unit price is rounded once."""
    rate = {"price": Decimal(1), "per": Decimal(3), "meter": "calls"}
    factors = [Decimal("1.1"), Decimal("0.333333333"), Decimal("3")]
    assert adjusted_price(rate, factors) == adjusted_price(rate, factors[::-1])
    assert adjusted_price(rate, factors)[1] == Decimal("0.366666666300000")
