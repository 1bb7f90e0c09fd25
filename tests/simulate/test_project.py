"""What is written is a project: perunit's own check accepts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.contract.read import examine
from perunit.simulate.bills import RULES

if TYPE_CHECKING:
    from tests.simulate.conftest import Company


def test_the_contract_and_price_books_are_without_fault(company: Company) -> None:
    """`perunit check` finds nothing, even with a price change within an hour."""
    found = examine(company.root)
    assert found.faults == ()
    assert found.project is not None
    assert len(found.project.price_books) == 4


def test_the_rules_of_the_contract_are_those_of_the_truth(company: Company) -> None:
    """truth/bills.csv speaks of the allocation rules by the names the contract gives them."""
    project = examine(company.root).project
    assert project is not None
    assert {rule.name for rule in project.contract.allocation} == set(RULES) - {""}
