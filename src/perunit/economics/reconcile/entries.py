"""What people decide about an invoice's difference. Enters: a decision, its reason and actor. Leaves: an entry.

An entry is never changed or removed; another entry reverses it. Its amount is added to what the lines sum to, so
that +12.50 says "the bill lacks a line of 12.50" and −0.03 "the lines are 0.03 too many, and we leave it at that".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from perunit.economics.reconcile.tie_out import InvoiceLine, tie_out
from perunit.model.errors import UsageError
from perunit.model.money import exact, plain
from perunit.model.window import Window, naive

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine

__all__ = ["CAUSES", "Decision", "Entry", "decide", "entries_of", "find_invoice", "reverse"]

CAUSES = (
    *("rounding", "tax", "credit", "currency", "timing", "correction", "price", "usage", "duplicate"),
    *("missing", "late_data", "other"),
)
_ALWAYS = Window(datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person says: accept a difference or adjust for it. `amount` None accepts all that is left."""

    kind: str
    amount: Decimal | None
    reason: str
    actor: str
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of `reconciliation_entries`; `entered_at` is aware UTC."""

    entry_id: int
    kind: str
    invoice_issuer_name: str | None
    invoice_id: str
    billing_currency: str
    amount: Decimal
    cause: str | None
    reason: str
    actor: str
    reverses: int | None
    entered_at: datetime


def find_invoice(engine: Engine, invoice_id: str, issuer: str | None, currency: str | None) -> InvoiceLine:
    """The only invoice of this id, of any period; raises UsageError where there is none or more than one."""
    known = [line for line in tie_out(engine, _ALWAYS, Decimal(0)).invoices if line.invoice_id]
    found = [
        line
        for line in known
        if line.invoice_id == invoice_id
        and issuer in {None, line.invoice_issuer_name}
        and currency in {None, line.billing_currency}
    ]
    if len(found) == 1:
        return found[0]
    if found:
        which = ", ".join(f"{line.invoice_issuer_name or 'no issuer'} in {line.billing_currency}" for line in found)
        raise UsageError(f"invoice {invoice_id!r} is of {which}; say which with --issuer and --currency")
    names = ", ".join(sorted({str(line.invoice_id) for line in known})[:5]) or "none yet"
    raise UsageError(f"invoice {invoice_id!r} is not known, must be one of: {names}; perunit reconcile lists them")


def decide(engine: Engine, line: InvoiceLine, decision: Decision, now: datetime) -> Entry:
    """Enters a decision about one invoice.

    Raises UsageError where it would enter nothing, or where there is no total to accept a difference to.
    """
    amount = decision.amount
    if amount is None:
        if line.difference is None:
            raise UsageError(
                f"invoice {line.invoice_id}: no total is known, so there is no difference to accept; "
                "tell the total with perunit bills invoice, or state --amount"
            )
        with exact():
            amount = -line.difference
    if amount == 0:
        raise UsageError(f"invoice {line.invoice_id}: the amount is 0, so there is nothing to {decision.kind}")
    return _enter(engine, line.invoice_issuer_name, str(line.invoice_id), line.billing_currency, decision, amount, now)


def reverse(engine: Engine, entry_id: int, reason: str, actor: str, now: datetime) -> Entry:
    """Enters the opposite of an entry; raises UsageError for one that is not there or is reversed already."""
    entries = {entry.entry_id: entry for entry in entries_of(engine)}
    if entry_id not in entries:
        raise UsageError(f"entry {entry_id} is not there; perunit reconcile entries shows the numbers")
    by = next((entry for entry in entries.values() if entry.reverses == entry_id), None)
    if by is not None:
        raise UsageError(f"entry {entry_id} is reversed already, by entry {by.entry_id}; reverse that one instead")
    old = entries[entry_id]
    decision = Decision("reverse", None, reason, actor, old.cause)
    with exact():
        amount = -old.amount
    invoice = (old.invoice_issuer_name, old.invoice_id, old.billing_currency)
    return _enter(engine, *invoice, decision, amount, now, entry_id)


def entries_of(engine: Engine) -> tuple[Entry, ...]:
    """Every entry, in the order they were made."""
    rows = engine.records("SELECT * FROM reconciliation_entries ORDER BY entry_id")
    return tuple(Entry(**{**row, "entered_at": row["entered_at"].replace(tzinfo=UTC)}) for row in rows)


def _enter(
    engine: Engine,
    issuer: str | None,
    invoice_id: str,
    currency: str,
    decision: Decision,
    amount: Decimal,
    now: datetime,
    reverses: int | None = None,
) -> Entry:
    for what, text in (("--reason", decision.reason), ("--actor", decision.actor)):
        if not text.strip():
            raise UsageError(f"{what}: is empty, must say it; an entry without it explains nothing")
    _check_fits(amount)
    values = {
        "issuer": issuer,
        "invoice": invoice_id,
        "currency": currency,
        "kind": decision.kind,
        "amount": amount,
        "cause": decision.cause,
        "reason": decision.reason,
        "actor": decision.actor,
        "reverses": reverses,
        "now": naive(now),
    }
    with engine.transaction():
        engine.execute(
            "INSERT INTO reconciliation_entries SELECT coalesce(max(entry_id), 0) + 1, $kind, $issuer, $invoice, "
            "$currency, CAST($amount AS DECIMAL(38, 18)), $cause, $reason, $actor, $reverses, $now "
            "FROM reconciliation_entries",
            values | {"amount": plain(amount)},
        )
    return entries_of(engine)[-1]


def _check_fits(amount: Decimal) -> None:
    exponent = amount.normalize().as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -18 or amount.adjusted() > 18:
        raise UsageError(f"--amount: got {amount}, must have at most 18 places before and after the point; correct it")
