"""The short ``stripe:`` block: what it stands for, and what is wrong with one, told where it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from perunit.contract.read import examine

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "version: 1\nunits: {order: {owner: shop, key: order_id}}\n"
FULL = """
sources:
  stripe:
    format: stripe
    event: {id: id, time: time, type: type, units: {order: "metadata['order_id']"}}
"""


def told(folder: Path, text: str) -> list[str]:
    """Every fault of a contract with this block."""
    (folder / "perunit.yaml").write_text(HEAD + text)
    return [str(fault).removeprefix("perunit.yaml:") for fault in examine(folder).faults]


def test_the_block_stands_for_a_source(tmp_path: Path) -> None:
    """With amounts, outcome and currency as Stripe's columns have them, and the units and segments of the block."""
    block = "stripe: {units: {order: \"metadata['order_id']\"}, segments: {plan: \"metadata['plan']\"}}\n"
    assert told(tmp_path, block) == []
    project = examine(tmp_path).project
    assert project is not None
    source = project.contract.sources["stripe"]
    assert (source.format, source.event.amounts["refund"], source.event.intent) == (
        "stripe",
        "refund",
        "payment_intent",
    )
    assert project.contract.dimensions() == ("plan",)


def test_a_source_in_full_stands_beside_a_block_without_units(tmp_path: Path) -> None:
    """Then the block says only how the webhook is read."""
    assert told(tmp_path, f"stripe: {{secret_env: [A, B]}}\n{FULL}") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("stripe: {}", "3: stripe.units: must map at least one unit type"),
        ("stripe: {units: {order: metadata.order_id}}", "3: stripe.units.order: got 'metadata.order_id', must name"),
        ("stripe: {units: {order: order_id}}", "3: stripe.units.order: got 'order_id', must be a column of stripe"),
        ("stripe: {units: {ordr: customer}}", "3: stripe.units.ordr: got 'ordr', must be a unit type; did you mean"),
        ("stripe: {revenue: refund, units: {order: id}}", "3: stripe.revenue: got 'refund', must be"),
        (f"stripe: {{units: {{order: id}}}}{FULL}", "stripe.units: got"),
    ],
)
def test_faults_are_told_where_they_were_written(tmp_path: Path, text: str, says: str) -> None:
    """At the block, not at the source that it stands for."""
    assert any(says in fault for fault in told(tmp_path, text)), told(tmp_path, text)


def test_a_secret_written_into_the_contract_is_not_repeated(tmp_path: Path) -> None:
    """It is refused with the way out, and the message does not show it."""
    (fault,) = told(tmp_path, "stripe: {secret_env: whsec-5f3c, units: {order: id}}")
    assert "must be the name of an environment variable" in fault
    assert "whsec" not in fault
