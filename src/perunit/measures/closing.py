"""A billing period as finance sees it. Enters: a period. Leaves: its tie-out, scores and what stands behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perunit.economics.reconcile.entries import Entry, entries_of
from perunit.economics.reconcile.plain import plain_value
from perunit.economics.reconcile.score import CoveredCost, covered_costs
from perunit.economics.reconcile.tie_out import InvoiceLine, TieOut, latest_period, tie_out
from perunit.measures.query import Query, run_query
from perunit.model.errors import UsageError
from perunit.model.money import is_currency

if TYPE_CHECKING:
    from decimal import Decimal

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.model.window import Window

__all__ = ["Reconciliation", "Score", "reconciliation"]


@dataclass(frozen=True, slots=True)
class Score:
    """`reconciliation_score` (M10) of one currency, and of every service and account, the largest gap first."""

    currency: str
    score: Decimal | None
    costs: tuple[CoveredCost, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All there is to say about a billing period."""

    window: Window
    tie_out: TieOut
    scores: tuple[Score, ...]
    entries: tuple[Entry, ...]

    @property
    def period(self) -> str:
        """The period's name, such as 2026-05."""
        return f"{self.window.start:%Y-%m}"

    @property
    def status(self) -> str:
        """``closed`` where every issuer has closed the period; ``provisional`` until then."""
        return "closed" if self.tie_out.closed else "provisional"

    @property
    def verdict(self) -> str:
        """What the tie-out comes to as a whole."""
        if self.tie_out.differs:
            return "differs"
        return "inconclusive" if self.tie_out.inconclusive else "ties out"

    def as_json(self) -> dict[str, Any]:
        """Plain values: decimals as exact text, times as RFC 3339."""
        return {
            "period": self.period,
            "status": self.status,
            "verdict": self.verdict,
            "tolerance": plain_value(self.tie_out.tolerance),
            "invoices": [_invoice_json(line) for line in self.tie_out.invoices],
            "scores": [_score_json(score) for score in self.scores],
            "entries": plain_value(self.entries),
        }


def _invoice_json(line: InvoiceLine) -> dict[str, Any]:
    answer: dict[str, Any] = plain_value(line)
    return answer | {"difference": plain_value(line.difference), "status": str(line.status)}


def _score_json(score: Score) -> dict[str, Any]:
    costs = [
        {**plain_value(cost), "gap": plain_value(cost.gap), "score": plain_value(cost.score)} for cost in score.costs
    ]
    return {"currency": score.currency, "reconciliation_score": plain_value(score.score), "costs": costs}


def reconciliation(
    engine: Engine, contract: Contract, window: Window | None = None, currency: str | None = None
) -> Reconciliation:
    """The reconciliation of a billing period, the last one by default; raises UsageError where there is none."""
    if currency is not None and not is_currency(currency):
        raise UsageError(f"--currency: got {currency!r}, must be an ISO 4217 code such as USD; correct it")
    window = window or latest_period(engine)
    if window is None:
        raise UsageError("there is no bill and no invoice yet; perunit bills import PATH")
    tied = tie_out(engine, window, contract.reconciliation.tolerance)
    invoices = tuple(line for line in tied.invoices if currency in {None, line.billing_currency})
    tied = TieOut(window, tied.tolerance, invoices, tied.closed)
    ids = {(line.invoice_issuer_name, line.invoice_id, line.billing_currency) for line in invoices}
    entries = (
        entry
        for entry in entries_of(engine)
        if (entry.invoice_issuer_name, entry.invoice_id, entry.billing_currency) in ids
    )
    return Reconciliation(window, tied, _scores(engine, contract, window, currency), tuple(entries))


def _scores(engine: Engine, contract: Contract, window: Window, currency: str | None) -> tuple[Score, ...]:
    costs = covered_costs(engine, window)
    found = sorted({cost.currency for cost in costs if currency in {None, cost.currency}})
    return tuple(
        Score(code, _score(engine, contract, window, code), tuple(cost for cost in costs if cost.currency == code))
        for code in found
    )


def _score(engine: Engine, contract: Contract, window: Window, currency: str) -> Decimal | None:
    asked = Query(("reconciliation_score",), window=window, currency=currency)
    rows = run_query(engine, contract, asked).rows
    value: Decimal | None = rows[0].values["reconciliation_score"] if rows else None
    return value
