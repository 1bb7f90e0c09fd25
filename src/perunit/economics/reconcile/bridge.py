"""Bridges computed cost to the invoice. Enters: variances, lines by step, the tie-out. Leaves: steps that sum exactly.

computed (usage at list prices) + causes of variance + lines that are not compared with usage = effective cost of the
period's bills; + purchases and amortisation = billed cost; + what was decided and what is left = invoice total.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from perunit.economics.reconcile.variance import VARIANCE_CAUSES, Variance
from perunit.engine.files import sql_text
from perunit.model.money import exact
from perunit.model.window import closed_bounds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perunit.economics.reconcile.tie_out import InvoiceLine, TieOut
    from perunit.engine.duckdb import Engine
    from perunit.model.window import Window

__all__ = ["STEPS", "Bridge", "Step", "bridges"]

_LINES = ("direct", "shared", "unallocated", "unused_commitment", "tax", "credit", "correction")
_SPREAD = ("upfront_purchase", "amortisation")
_INVOICE = ("other_periods", "entries", "not_invoiced", "rounding", "unexplained")
STEPS = (*VARIANCE_CAUSES, *_LINES, *_SPREAD, *_INVOICE)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and the cost reached with it."""

    name: str
    amount: Decimal
    reached: Decimal


@dataclass(frozen=True, slots=True)
class Bridge:
    """From `computed` to `end` in one currency: the invoices' total, or billed cost where no total is known."""

    currency: str
    computed: Decimal
    steps: tuple[Step, ...]
    effective: Decimal
    billed: Decimal
    end: Decimal
    is_invoiced: bool

    @property
    def open(self) -> Decimal:
        """What the steps leave between computed and end; 0, or a bug."""
        with exact():
            return self.end - self.computed - sum((step.amount for step in self.steps), _ZERO)


def bridges(
    engine: Engine, window: Window, variances: Iterable[Variance], tied: TieOut, currency: str | None = None
) -> tuple[Bridge, ...]:
    """The bridge of every currency of a period; `variance.classified` must hold its lines."""
    found = list(variances)
    lines: dict[str, dict[str, Decimal]] = {}
    for code, step, amount in engine.rows(sql_text("economics.reconcile", "steps"), closed_bounds(window)):
        lines.setdefault(code, {})[step] = amount
    codes = {*lines, *(each.currency for each in found), *(line.billing_currency for line in tied.invoices)}
    with exact():
        return tuple(
            _bridge(
                code,
                [each for each in found if each.currency == code],
                lines.get(code, {}),
                [line for line in tied.invoices if line.billing_currency == code],
            )
            for code in sorted(codes)
            if currency in {None, code}
        )


def _bridge(code: str, found: list[Variance], lines: dict[str, Decimal], invoices: list[InvoiceLine]) -> Bridge:
    computed = sum((each.estimated for each in found), _ZERO)
    amounts = dict.fromkeys(STEPS, _ZERO)
    for each in found:
        for cause, part in each.parts.items():
            amounts[cause] += part
    for step in (*_LINES, *_SPREAD, "duplicate"):
        amounts[step] += lines.get(step, _ZERO)
    totals = [line.total for line in invoices if line.total is not None]
    billed = lines.get("billed", _ZERO)
    if totals:
        for line in invoices:
            _invoice(line, amounts)
    end = sum(totals, _ZERO) if totals else billed
    return Bridge(code, computed, _steps(computed, amounts), lines.get("effective", _ZERO), billed, end, bool(totals))


def _invoice(line: InvoiceLine, amounts: dict[str, Decimal]) -> None:
    """What one invoice adds between billed cost and the totals."""
    amounts["other_periods"] += line.billed_elsewhere
    amounts["entries"] += line.entries
    if line.difference is None:
        amounts["not_invoiced"] -= line.billed_cost + line.entries
    elif abs(line.difference) <= line.tolerance:
        amounts["rounding"] -= line.difference
    else:
        amounts["unexplained"] -= line.difference


def _steps(computed: Decimal, amounts: dict[str, Decimal]) -> tuple[Step, ...]:
    steps = []
    reached = computed
    for name in STEPS:
        reached += amounts[name]
        steps.append(Step(name, amounts[name], reached))
    return tuple(steps)
