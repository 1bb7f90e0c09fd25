"""Ties bills out with invoices. Enters: charges in force, invoice totals, entries. Leaves: one line an invoice.

difference = Σ BilledCost of the invoice's lines + Σ entries − the invoice's total, per issuer, invoice and currency
(METHODS §11). Zero ties out, and so does what is within the contract's tolerance, which every answer names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from perunit.engine.files import sql_text
from perunit.model.money import exact
from perunit.model.window import Window, closed_bounds

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from perunit.engine.duckdb import Engine

__all__ = ["InvoiceLine", "TieOut", "TieStatus", "latest_period", "tie_out"]


class TieStatus(StrEnum):
    """What the comparison of an invoice with its lines comes to."""

    TIES = "ties out"
    ENTERED = "ties out with entries"
    DIFFERS = "differs"
    NO_LINES = "no lines"
    NO_INVOICE = "no invoice to tie out with"
    NO_ID = "lines without invoice id"


_GOOD = frozenset({TieStatus.TIES, TieStatus.ENTERED})
_UNKNOWN = frozenset({TieStatus.NO_INVOICE, TieStatus.NO_ID})


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One invoice in one currency; `total` None where no one has said what it comes to.

    `billed_elsewhere` is the part of `billed_cost` that stands in bills of other billing periods.
    """

    invoice_issuer_name: str | None
    invoice_id: str | None
    billing_currency: str
    lines: int
    billed_cost: Decimal
    billed_elsewhere: Decimal
    entries: Decimal
    total: Decimal | None
    invoice_version: int | None
    invoice_issue_status: str | None
    origin: str | None
    tolerance: Decimal

    @property
    def difference(self) -> Decimal | None:
        """Lines and entries beyond the total; None where there is no total."""
        with exact():
            return None if self.total is None else self.billed_cost + self.entries - self.total

    @property
    def ties(self) -> bool:
        """Whether the invoice comes to what its lines and entries come to."""
        return self.status in _GOOD

    @property
    def status(self) -> TieStatus:
        """The comparison's outcome."""
        if self.invoice_id is None:
            return TieStatus.NO_ID
        if self.difference is None:
            return TieStatus.NO_INVOICE
        if abs(self.difference) > self.tolerance:
            return TieStatus.DIFFERS if self.lines else TieStatus.NO_LINES
        return TieStatus.ENTERED if self.entries else TieStatus.TIES


@dataclass(frozen=True, slots=True)
class TieOut:
    """Every invoice of a billing period. `closed` is whether every issuer says the period is."""

    window: Window
    tolerance: Decimal
    invoices: tuple[InvoiceLine, ...]
    closed: bool

    @property
    def differs(self) -> bool:
        """Whether an invoice is known and its lines come to something else."""
        return any(line.status not in _GOOD | _UNKNOWN for line in self.invoices)

    @property
    def inconclusive(self) -> bool:
        """Whether there are lines, or no lines at all, that nothing can be compared with."""
        return not self.invoices or any(line.status in _UNKNOWN for line in self.invoices)


def tie_out(engine: Engine, window: Window, tolerance: Decimal) -> TieOut:
    """The invoices of the billing periods that start in a closed window, with their lines in force."""
    values = closed_bounds(window)
    rows = engine.records(sql_text("economics.reconcile", "tie_out"), values)
    invoices = tuple(InvoiceLine(**row, tolerance=tolerance) for row in rows)
    return TieOut(window, tolerance, invoices, _closed(engine, values, invoices))


def _closed(engine: Engine, values: dict[str, datetime], invoices: tuple[InvoiceLine, ...]) -> bool:
    rows = engine.rows(
        "SELECT invoice_issuer_name, bool_and(lower(billing_period_status) = 'closed') FROM billing_periods "
        "WHERE superseded_at IS NULL AND billing_period_start >= $start AND billing_period_start < $end GROUP BY ALL",
        values,
    )
    said = dict(rows)
    return bool(invoices) and all(said.get(line.invoice_issuer_name, False) for line in invoices)


def latest_period(engine: Engine) -> Window | None:
    """The month in which the last billing period starts that a bill in force or an invoice is of."""
    start = engine.value(
        "SELECT max(billing_period_start) FROM (SELECT billing_period_start FROM bills WHERE superseded_at IS NULL "
        "UNION ALL SELECT billing_period_start FROM invoices WHERE superseded_at IS NULL)"
    )
    return None if start is None else Window.of_month(f"{start:%Y-%m}")
