"""The allocation score: the share of cost that has a bearer, by service and account."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from perunit.economics.reconcile import cover_costs, covered_costs
from perunit.measures.query import Query, run_query
from perunit.model.window import Window

MAY = Window.of_month("2026-05")


def score(books: Any, *by: str) -> dict[tuple[str | None, ...], Decimal | None]:
    """The measure, by service or account."""
    result = run_query(books.engine, books.contract, Query(("reconciliation_score",), by=by, window=MAY))
    return {tuple(row.values[name] for name in by): row.values["reconciliation_score"] for row in result.rows}


def test_gaps_of_two_services_do_not_net_out(books: Any) -> None:
    """A gap of +10 in one service and −10 in another is a gap of 20, of a source of 10 + 10 + 80."""
    books.charge("10.00", service_name="Archive")
    books.charge("-10.00", service_name="Refunds", charge_category="Credit")
    books.charge("80.00", resource_id="m-1")
    books.usage("5", "1")
    books.allocate()
    assert score(books) == {(): Decimal("0.8")}
    assert score(books, "service_name") == {("Archive",): 0, ("Refunds",): 0, ("Compute",): 1}


def test_accounts_stay_apart(books: Any) -> None:
    """The sub account, or else the billing account, is the account."""
    books.charge("60.00", resource_id="m-1", sub_account_id="sub")
    books.charge("40.00", service_name="Archive")
    books.usage("5", "1")
    books.allocate()
    assert score(books, "cloud_account") == {("sub",): 1, ("a",): 0}
    found = [(cost.cloud_account, cost.gap, cost.score) for cost in covered_costs(books.engine, MAY)]
    assert found == [("a", Decimal(40), Decimal(0)), ("sub", Decimal(0), Decimal(1))]


def test_a_part_that_waits_is_the_gap_of_all_its_lines(books: Any) -> None:
    """Of a pool of 30 and 10, a quarter is of months still to come: 7.50 and 2.50 have no bearer yet."""
    books.charge("30.00", service_name="Archive")
    books.charge("10.00", service_name="Vault")
    books.allocate()
    books.engine.execute("INSERT INTO allocations BY NAME SELECT * REPLACE ('fixed' AS kind) FROM allocations")
    books.engine.execute(
        "UPDATE allocations SET effective_cost = CASE kind WHEN 'fixed' THEN 30 ELSE 10 END WHERE kind <> 'usage'"
    )
    cover_costs(books.engine)
    found = {cost.service_name: cost.gap for cost in covered_costs(books.engine, MAY)}
    assert found == {"Archive": Decimal("7.5"), "Vault": Decimal("2.5")}
    assert score(books) == {(): Decimal("0.75")}


def test_nothing_charged_has_no_score(books: Any) -> None:
    """No bill: unknown, not perfect."""
    assert set(score(books).values()) <= {None}
    books.charge("0", service_name="Archive")
    books.allocate()
    assert score(books) == {(): None}
