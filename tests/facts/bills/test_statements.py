"""What issuers state of invoices and billing periods is kept in versions, like bills."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perunit.facts.bills import import_statements, state_invoice
from perunit.facts.bills.faults import BillFaultsError
from perunit.facts.bills.fields import INVOICES, PERIODS, looks_like
from perunit.model.errors import UsageError
from perunit.model.window import Window

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine
    from perunit.facts.bills import StatementResult

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "focus-1.2-1.3-toolkit" / "generated"
MAY = Window.of_month("2026-05")
HEADER = "InvoiceIssuerName,InvoiceId,BilledCost,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,InvoiceDetailId\n"
FIRST = "AWS,I-1,10.10,USD,2026-05-01,2026-06-01,1\nAWS,I-1,0.02,USD,2026-05-01,2026-06-01,2\n"


def clock(day: int = 1) -> datetime:
    """A day of June."""
    return datetime(2026, 6, day, tzinfo=UTC)


def stated(engine: Engine, path: Path, text: str, dataset: str = INVOICES) -> list[StatementResult]:
    """Imports statements that are written to a file."""
    path.write_text(text, encoding="utf-8")
    return import_statements(engine, path, dataset, clock=clock)


def test_the_lines_of_an_invoice_are_its_total(engine: Engine, tmp_path: Path) -> None:
    """The same content in another order changes nothing; other content is the next version."""
    path = tmp_path / "invoices.csv"
    (first,) = stated(engine, path, HEADER + FIRST)
    assert (first.status, first.invoice_id, first.billed_cost) == ("imported", "I-1", Decimal("10.12"))
    before = engine.rows("FROM invoices")
    lines = FIRST.splitlines(keepends=True)
    assert stated(engine, path, HEADER + "".join(reversed(lines)))[0].status == "unchanged"
    assert engine.rows("FROM invoices") == before
    (other,) = stated(engine, path, HEADER + lines[0])
    assert (other.status, other.version, other.previous_billed_cost) == ("restated", 2, Decimal("10.12"))
    assert engine.rows("SELECT version, superseded_at IS NULL FROM invoices ORDER BY version") == [
        (1, False),
        (2, True),
    ]


def test_a_total_can_be_told(engine: Engine, tmp_path: Path) -> None:
    """A person's word supersedes the file's, and the file's again that of the person."""
    stated(engine, tmp_path / "invoices.csv", HEADER + FIRST)
    told = state_invoice(engine, "AWS", "I-1", Decimal("10.13"), "USD", MAY, clock=clock)
    assert (told.status, told.version, told.previous_billed_cost) == ("restated", 2, Decimal("10.12"))
    again = state_invoice(engine, "AWS", "I-1", Decimal("10.130"), "USD", MAY, clock=lambda: clock(2))
    assert (again.status, again.version) == ("unchanged", 2)
    assert engine.rows("SELECT origin FROM invoices WHERE superseded_at IS NULL") == [("told",)]


@pytest.mark.parametrize(("total", "currency"), [("1", "DOLLARS"), ("1e13", "USD"), ("1e-19", "USD")])
def test_a_total_that_is_no_money_is_refused(engine: Engine, total: str, currency: str) -> None:
    """Nothing is rounded to fit."""
    with pytest.raises(UsageError, match="must"):
        state_invoice(engine, "AWS", "I-1", Decimal(total), currency, MAY, clock=clock)
    assert engine.rows("FROM invoices") == []


def test_a_billing_period_is_open_until_it_is_closed(engine: Engine, tmp_path: Path) -> None:
    """Each status is a version."""
    text = "InvoiceIssuerName,BillingPeriodStart,BillingPeriodEnd,BillingPeriodStatus\nAWS,2026-05-01,2026-06-01,"
    path = tmp_path / "periods.csv"
    assert stated(engine, path, f"{text}open\n", PERIODS)[0].status == "imported"
    assert stated(engine, path, f"{text}Open\n", PERIODS)[0].status == "unchanged"
    (closed,) = stated(engine, path, f"{text}Closed\n", PERIODS)
    assert (closed.status, closed.version, closed.billing_period_status) == ("restated", 2, "Closed")


def test_a_wrong_statement_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    """The line, the value and the rule are named."""
    with pytest.raises(BillFaultsError, match=r"'ten', must be a plain decimal number"):
        stated(engine, tmp_path / "invoices.csv", HEADER + FIRST + FIRST.replace("10.10", "ten"))
    assert engine.rows("FROM invoices") == []


def test_a_table_of_totals_is_told_from_charges_by_its_columns() -> None:
    """Invoice totals in a CSV need no further column; with a column of charges it is a bill that lacks some."""
    names = HEADER.strip().split(",")[:-1]
    assert looks_like(names) == INVOICES
    assert looks_like([*names, "ChargePeriodStart"]) is None


@pytest.mark.skipif(not SAMPLES.exists(), reason="the third-party samples are not here")
@pytest.mark.parametrize(
    ("provider", "total"),
    [("aws", "21680.581928138869135"), ("azure", "37603.158611616752"), ("gcp", "20775.948943532903")],
)
def test_the_samples_invoices_are_the_sum_of_their_lines(engine: Engine, provider: str, total: str) -> None:
    """Invoice Detail of FOCUS 1.4 comes to the control total of its Cost and Usage, and its period is closed."""
    folder = SAMPLES / f"{provider}_1.4"
    import_statements(engine, folder / "synthetic_focus_1_4_invoice_detail.csv", INVOICES, clock=clock)
    import_statements(engine, folder / "synthetic_focus_1_4_billing_period.csv", PERIODS, clock=clock)
    assert engine.value("SELECT sum(billed_cost) FROM invoices") == Decimal(total)
    assert engine.rows("SELECT DISTINCT billing_period_status FROM billing_periods") == [("Closed",)]
