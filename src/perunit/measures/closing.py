"""A billing period as finance sees it. Enters: a period. Leaves: its tie-out, scores and what stands behind them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit.economics.reconcile.bridge import Bridge, bridges
from perunit.economics.reconcile.entries import Entry, entries_of
from perunit.economics.reconcile.locks import Figure, Lock, lock_period, locks_of, refuse_open
from perunit.economics.reconcile.score import CoveredCost, covered_costs
from perunit.economics.reconcile.tie_out import InvoiceLine, TieOut, latest_period, tie_out
from perunit.economics.reconcile.variance import Variance, classified, variances
from perunit.measures.query import Query, run_query
from perunit.model.errors import UsageError
from perunit.model.money import is_currency, plain
from perunit.model.plain import plain_value
from perunit.model.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["CLOSING", "Reconciliation", "Score", "close_period", "closing_figures", "reconciliation", "unbridged"]

# What a period came to, as far as a lock keeps it.
CLOSING = (
    *("units", "revenue", "fees", "variable_cost", "shared_cost", "idle_cost", "unallocated_cost"),
    *("billed_cost", "effective_cost", "contribution_margin", "fully_loaded_margin", "reconciliation_score"),
)


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
    locks: tuple[Lock, ...]
    variances: tuple[Variance, ...]
    bridges: tuple[Bridge, ...]

    @property
    def period(self) -> str:
        """The period's name, such as 2026-05."""
        return f"{self.window.start:%Y-%m}"

    @property
    def status(self) -> str:
        """``closed`` where the period is locked or every issuer has closed it; ``provisional`` until then."""
        if any(lock.invoice_issuer_name is None for lock in self.locks):
            return "closed"
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
            "locks": plain_value(self.locks),
            "bridges": [plain_value(bridge) | {"open": plain_value(bridge.open)} for bridge in self.bridges],
            "variances": [plain_value(each) | {"variance": plain_value(each.variance)} for each in self.variances],
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
    locks = tuple(lock for lock in locks_of(engine) if lock.window == window)
    with classified(engine, contract):
        found = variances(engine, window)
        bridged = bridges(engine, window, found, tied, currency)
    shown = tuple(each for each in found if currency in {None, each.currency})
    scores = _scores(engine, contract, window, currency)
    return Reconciliation(window, tied, scores, tuple(entries), locks, shown, bridged)


def _scores(engine: Engine, contract: Contract, window: Window, currency: str | None) -> tuple[Score, ...]:
    costs = covered_costs(engine, window)
    found = sorted({cost.currency for cost in costs if currency in {None, cost.currency}})
    return tuple(
        Score(code, _score(engine, contract, window, code), tuple(cost for cost in costs if cost.currency == code))
        for code in found
    )


def _score(engine: Engine, contract: Contract, window: Window, currency: str) -> Decimal | None:
    asked = Query(("reconciliation_score",), window=window, currency=currency, converts=False)
    rows = run_query(engine, contract, asked).rows
    value: Decimal | None = rows[0].values["reconciliation_score"] if rows else None
    return value


def close_period(
    engine: Engine, contract: Contract, window: Window, *, issuer: str | None, actor: str, reason: str, now: datetime
) -> Lock:
    """Locks a period with the figures it comes to now; raises CheckFailedError while it does not tie out."""
    refuse_open(tie_out(engine, window, contract.reconciliation.tolerance), issuer)
    figures = closing_figures(engine, contract, window)
    return lock_period(engine, window, figures, issuer=issuer, actor=actor, reason=reason, now=now)


def closing_figures(engine: Engine, contract: Contract, window: Window) -> dict[Figure, str | None]:
    """What a period comes to as known now, as exact text: measures, costs by service and account, invoices."""
    return dict(sorted((*_measures(engine, contract, window), *_costs(engine, window), *_invoices(engine, window))))


def _measures(engine: Engine, contract: Contract, window: Window) -> Iterator[tuple[Figure, str | None]]:
    billed = engine.rows("SELECT DISTINCT billing_currency FROM bills WHERE superseded_at IS NULL")
    for currency in sorted({contract.currency, *(code for (code,) in billed)}):
        asked = Query(CLOSING, window=window, currency=currency, converts=False)
        values = next((row.values for row in run_query(engine, contract, asked).rows), {})
        for name in CLOSING:
            value = values.get(name)
            yield Figure("measure", "", name, currency), None if value is None else plain(Decimal(value))


def _costs(engine: Engine, window: Window) -> Iterator[tuple[Figure, str | None]]:
    for cost in covered_costs(engine, window):
        name = f"{cost.service_name or '(none)'} / {cost.cloud_account or '(none)'}"
        yield Figure("cost", name, "effective_cost", cost.currency), plain(cost.source_cost)
        yield Figure("cost", name, "unallocated_cost", cost.currency), plain(cost.gap)


def _invoices(engine: Engine, window: Window) -> Iterator[tuple[Figure, str | None]]:
    for line in tie_out(engine, window, Decimal(0)).invoices:
        name = f"{line.invoice_issuer_name or '(none)'} / {line.invoice_id or '(none)'}"
        amounts = {"lines": line.billed_cost, "entries": line.entries, "total": line.total}
        for figure, amount in amounts.items():
            yield (
                Figure("invoice", name, figure, line.billing_currency),
                None if amount is None else plain(amount),
            )


def unbridged(engine: Engine, contract: Contract) -> dict[str, Any] | None:
    """The first bridge whose steps do not lead from computed cost to its end; None where all do."""
    months = engine.rows(
        "SELECT DISTINCT strftime(billing_period_start, '%Y-%m') AS month FROM bills WHERE superseded_at IS NULL "
        "ORDER BY month"
    )
    with classified(engine, contract):
        for (month,) in months:
            window = Window.of_month(month)
            tied = tie_out(engine, window, contract.reconciliation.tolerance)
            for bridge in bridges(engine, window, variances(engine, window), tied):
                if bridge.open:
                    return {"period": month, "currency": bridge.currency, "open": bridge.open}
    return None
