"""Tie-out: the lines of every invoice beside its total, and what people decide about the difference."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perunit.economics.reconcile.entries import Decision, decide, entries_of, find_invoice, reverse
from perunit.economics.reconcile.tie_out import TieStatus, latest_period, tie_out
from perunit.model.errors import UsageError
from perunit.model.window import Window

MAY = Window.of_month("2026-05")
NOW = datetime(2026, 6, 5, tzinfo=UTC)
ZERO = Decimal(0)


def test_an_invoice_ties_out_at_zero_exactly(books: Any) -> None:
    """Lines that sum to the total tie out; one quantum off differs."""
    books.charge("10.10")
    books.charge("0.000000000000000001", invoice_id="I-2")
    books.invoice("10.10")
    books.invoice("0", "I-2")
    tied = tie_out(books.engine, MAY, ZERO)
    assert [line.status for line in tied.invoices] == [TieStatus.TIES, TieStatus.DIFFERS]
    assert [line.difference for line in tied.invoices] == [0, Decimal("1e-18")]
    assert tied.differs


def test_a_tolerance_lets_a_small_difference_pass(books: Any) -> None:
    """At the tolerance it ties out, beyond it it differs."""
    books.charge("10.004")
    books.invoice("10.00")
    statuses = [tie_out(books.engine, MAY, Decimal(t)).invoices[0].status for t in ("0.004", "0.0039")]
    assert statuses == [TieStatus.TIES, TieStatus.DIFFERS]


def test_nothing_is_hidden(books: Any) -> None:
    """Lines without an invoice id, invoices without lines and without a total all have a row."""
    books.charge("1.00", invoice_id=None)
    books.charge("2.00", invoice_id="I-3")
    books.invoice("5.00", "I-4")
    tied = tie_out(books.engine, MAY, ZERO)
    assert {line.invoice_id: line.status for line in tied.invoices} == {
        None: TieStatus.NO_ID,
        "I-3": TieStatus.NO_INVOICE,
        "I-4": TieStatus.NO_LINES,
    }
    assert tied.differs
    assert tied.inconclusive


def test_no_total_is_inconclusive_never_a_pass(books: Any) -> None:
    """Lines alone prove nothing."""
    books.charge("2.00")
    tied = tie_out(books.engine, MAY, Decimal(1000))
    assert (tied.differs, tied.inconclusive, tied.invoices[0].difference) == (False, True, None)
    assert tie_out(books.engine, latest_period(books.engine) or MAY, ZERO) == tie_out(books.engine, MAY, ZERO)


def test_currencies_and_issuers_stay_apart(books: Any) -> None:
    """The same invoice id in another currency or of another issuer is another invoice."""
    books.bill(2, currency="EUR")
    books.charge("1.00")
    books.charge("7.00", bill_id=2)
    books.charge("3.00", invoice_issuer_name="Other")
    for total, currency, issuer in (("1.00", "USD", "Cloud"), ("7.00", "EUR", "Cloud"), ("3.00", "USD", "Other")):
        books.invoice(total, currency=currency, issuer=issuer)
    tied = tie_out(books.engine, MAY, ZERO)
    assert [line.status for line in tied.invoices] == [TieStatus.TIES] * 3
    with pytest.raises(UsageError, match="say which with --issuer and --currency"):
        find_invoice(books.engine, "I-1", "Cloud", None)


def test_an_invoice_takes_in_lines_of_other_periods(books: Any) -> None:
    """A line belongs to its invoice wherever it stands, and the part from elsewhere is shown."""
    books.charge("10.00")
    books.bill(2, month="2026-06")
    books.charge("0.50", bill_id=2)
    books.charge("9.00", bill_id=2, invoice_id=None)
    books.invoice("10.50")
    (line,) = tie_out(books.engine, MAY, ZERO).invoices
    assert (line.status, line.billed_elsewhere) == (TieStatus.TIES, Decimal("0.5"))


def test_a_superseded_bill_does_not_count(books: Any) -> None:
    """Only the version in force is compared."""
    books.charge("10.00")
    books.charge("11.00", bill_id=2)
    books.engine.execute("UPDATE bills SET superseded_at = '2026-06-04' WHERE bill_id = 1")
    books.invoice("11.00")
    assert tie_out(books.engine, MAY, ZERO).invoices[0].status is TieStatus.TIES


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.decimals("-1000", "1000", places=6), min_size=1, max_size=8), st.decimals("-500", "500", places=4))
def test_difference_is_lines_and_entries_less_total(books: Any, costs: list[Decimal], entry: Decimal) -> None:
    """Whatever the lines and an entry are, the difference is their exact sum less the total."""
    for table in ("charges", "bills", "invoices", "reconciliation_entries"):
        books.engine.execute(f"DELETE FROM {table}")
    books.lines.clear()
    for cost in costs:
        books.charge(str(cost))
    books.invoice("100.00")
    line = find_invoice(books.engine, "I-1", None, None)
    if entry:
        decide(books.engine, line, Decision("adjust", entry, "why", "ada"), NOW)
    assert find_invoice(books.engine, "I-1", None, None).difference == sum(costs) + entry - 100


def test_accepting_takes_what_is_left_and_reversing_gives_it_back(books: Any) -> None:
    """An entry closes the gap, another one opens it again; both stay."""
    books.charge("10.03")
    books.invoice("10.00")
    line = find_invoice(books.engine, "I-1", None, None)
    made = decide(books.engine, line, Decision("accept", None, "rounding of the issuer", "ada", "rounding"), NOW)
    assert made.amount == Decimal("-0.03")
    assert tie_out(books.engine, MAY, ZERO).invoices[0].status is TieStatus.ENTERED
    reverse(books.engine, made.entry_id, "not rounding after all", "bo", NOW)
    assert tie_out(books.engine, MAY, ZERO).invoices[0].status is TieStatus.DIFFERS
    assert [(entry.kind, entry.amount, entry.reverses) for entry in entries_of(books.engine)] == [
        ("accept", Decimal("-0.03"), None),
        ("reverse", Decimal("0.03"), 1),
    ]
    with pytest.raises(UsageError, match="reversed already, by entry 2"):
        reverse(books.engine, 1, "again", "bo", NOW)


def test_an_entry_that_enters_nothing_is_refused(books: Any) -> None:
    """No difference, no total, no reason, no invoice: each is refused and nothing is written."""
    books.charge("10.00")
    line = find_invoice(books.engine, "I-1", None, None)
    with pytest.raises(UsageError, match="no total is known"):
        decide(books.engine, line, Decision("accept", None, "why", "ada"), NOW)
    books.invoice("10.00")
    line = find_invoice(books.engine, "I-1", None, None)
    with pytest.raises(UsageError, match="nothing to accept"):
        decide(books.engine, line, Decision("accept", None, "why", "ada"), NOW)
    with pytest.raises(UsageError, match="--reason: is empty"):
        decide(books.engine, line, Decision("adjust", Decimal(1), " ", "ada"), NOW)
    with pytest.raises(UsageError, match="must have at most 18 places"):
        decide(books.engine, line, Decision("adjust", Decimal("1e-19"), "why", "ada"), NOW)
    with pytest.raises(UsageError, match="must be one of: I-1"):
        find_invoice(books.engine, "I-9", None, None)
    with pytest.raises(UsageError, match="entry 7 is not there"):
        reverse(books.engine, 7, "why", "ada", NOW)
    assert entries_of(books.engine) == ()


def test_a_period_is_closed_when_every_issuer_says_so(books: Any) -> None:
    """Until then it is provisional."""
    books.charge("1.00")
    assert not tie_out(books.engine, MAY, ZERO).closed
    books.engine.execute(
        "INSERT INTO billing_periods VALUES ('Cloud', '2026-05-01', '2026-06-01', 'Closed', 1, 'f', '2026-06-03', NULL)"
    )
    assert tie_out(books.engine, MAY, ZERO).closed
    books.charge("1.00", invoice_issuer_name="Other")
    assert not tie_out(books.engine, MAY, ZERO).closed
