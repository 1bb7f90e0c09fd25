"""The till receipt, held against a golden file."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from perunit.contract.shape import Contract
from perunit.faces.cli.receipt import WIDTH, receipt_text
from perunit.measures.receipt import receipt

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def contract() -> Contract:
    """Orders of users; support is split by revenue."""
    return Contract.model_validate(
        {
            "version": 1,
            "units": {
                "order": {"owner": "checkout", "key": "order_id", "parent": "user", "segments": ["plan"]},
                "user": {"owner": "growth", "key": "user_id", "counted": "active"},
            },
            "events": {
                "order.completed": {
                    "unit": "order",
                    "amounts": {"revenue": "data.total"},
                    "usage": {"cpu_seconds": "data.cpu", "steps": "data.steps"},
                }
            },
            "meters": {"cpu_seconds": {"unit": "s"}, "steps": {"unit": "{step}", "priced": False}},
            "allocation": [{"name": "support", "method": "proportional", "to": "revenue"}],
        }
    )


@pytest.mark.parametrize(("unit", "key"), [("order", "o1"), ("order", "o2"), ("user", "u1")])
def test_a_receipt_prints_as_its_golden_file(till: Any, unit: str, key: str) -> None:
    """Events, rates, bill lines, shares and totals stand where they always stood."""
    text = receipt_text(receipt(till.engine, till.contract, unit, key))
    assert text == (GOLDEN / f"{unit}-{key}.txt").read_text(encoding="utf-8")


def test_shares_of_nothing_stand_together(till: Any) -> None:
    """An unknown one, and one of something, has a line of its own."""
    found = receipt(till.engine, till.contract, "order", "o1")
    nothing = replace(found.shares[0], rule="spent", kind="shared", whole_cost=Decimal(0), cost=Decimal(0))
    shares = (nothing, replace(nothing, part=Decimal(2)), replace(nothing, cost=None), *found.shares)
    text = receipt_text(replace(found, shares=shares))
    assert text.count("spent (shared)") == 2
    assert "2026-03-01 2 shares of 0.000" in text
    assert all(text.count(f"{share.rule} (") == 1 for share in found.shares)


def test_no_line_is_wider_than_the_till(till: Any) -> None:
    """Long ids are wrapped or cut, amounts never."""
    till.event("e7", "2026-03-01 12:00", "o1", 1, revenue="123456789.123456789012")
    till.engine.execute("UPDATE events SET id = repeat('long-identifier-', 12) WHERE id = 'e7'")
    text = receipt_text(receipt(till.engine, till.contract, "order", "o1"))
    assert max(len(line) for line in text.splitlines()) == WIDTH
    assert "123,456,789.123457" in text
