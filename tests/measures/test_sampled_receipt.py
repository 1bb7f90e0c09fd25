"""The receipt of a sampled unit: its own facts as they are, its part of a bill as one of all that stand behind it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.measures.test_errors import Call, company_of

from perunit.measures.receipt import receipt

if TYPE_CHECKING:
    from pathlib import Path


def test_facts_are_shown_as_they_are_with_how_often_they_were_kept(tmp_path: Path) -> None:
    """Four seconds are four seconds on a receipt, whatever they stand for in a total."""
    company = company_of(tmp_path, [Call("o1", 4, "9.999389685688"), Call("o1", 0, "1", outcome="success")])
    found = receipt(company.engine, company.contract, "order", "o1")
    assert found.totals["usage_cost"] == 1
    assert found.notes[0] == "1 of 3 events sampled 1 in 10.0: their figures are shown as they are, not as an estimate"


def test_an_unknown_weight_is_told(tmp_path: Path) -> None:
    """The receipt says that nobody knows how often such events were kept."""
    company = company_of(tmp_path, [Call("o1", 4, None)])
    found = receipt(company.engine, company.contract, "order", "o1")
    assert found.notes[0].startswith("1 of 1 events sampled with a probability nobody stated")


def test_nothing_is_said_where_nothing_was_sampled(tmp_path: Path) -> None:
    """Also where other units were."""
    company = company_of(tmp_path, [Call("o1", 4), Call("o2", 4, "10")])
    assert receipt(company.engine, company.contract, "order", "o1").notes == ()


def test_a_share_of_a_bill_is_one_of_all_that_stand_behind_the_sample(tmp_path: Path) -> None:
    """Ten seconds of a cell stand for a hundred: an order of four bears four hundredths of what the cell bears."""
    company = company_of(tmp_path, [Call("o1", 4, "10"), Call("o2", 6, "10")])
    company.engine.execute(
        "INSERT INTO allocations SELECT 1, 1, rule, 'usage', kind, 'USD', TIMESTAMP '2026-03-01', cell_id, NULL, NULL, "
        "meter, NULL, NULL, 50, 50 FROM cells, (VALUES ('cpu', 'usage', 'cpu_seconds'), ('rest', 'shared', NULL)) "
        "AS t(rule, kind, meter) WHERE event_type = 'api.called'"
    )
    found = receipt(company.engine, company.contract, "order", "o1")
    shares = {share.rule: (share.part, share.whole, share.cost) for share in found.shares}
    assert shares == {"cpu": (4, 100, 2), "rest": (1, 20, Decimal("2.5"))}
