"""Billing periods and the lines of their bills, for whoever looks through them. Enters: windows. Leaves: rows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit.economics.reconcile.locks import locks_of
from perunit.economics.reconcile.tie_out import tie_out
from perunit.engine.files import sql_text
from perunit.measures.closing import Reconciliation
from perunit.model.money import exact
from perunit.model.window import Window, closed_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from perunit.contract.shape import Contract
    from perunit.economics.reconcile.tie_out import InvoiceLine
    from perunit.economics.reconcile.variance import Variance
    from perunit.engine.duckdb import Engine

__all__ = ["ChargeList", "PeriodTotal", "VarianceSum", "charge_totals", "charges", "period_totals", "periods", "sums"]

_ZERO = Decimal(0)
_MONTHS = (
    "SELECT DISTINCT strftime(billing_period_start, '%Y-%m') FROM (SELECT billing_period_start FROM bills WHERE "
    "superseded_at IS NULL UNION ALL SELECT billing_period_start FROM invoices WHERE superseded_at IS NULL) "
    "ORDER BY 1 DESC"
)
_TOTALS = (
    "SELECT billing_currency AS currency, count(*) AS lines, sum(effective_cost) AS effective_cost, "
    "sum(billed_cost) AS billed_cost FROM ({}) GROUP BY billing_currency ORDER BY billing_currency"
)
_ALL_LINES = 1 << 40


@dataclass(frozen=True, slots=True)
class PeriodTotal:
    """What the invoices of a period come to in one currency; `invoiced` None where a total is not known."""

    currency: str
    billed: Decimal
    invoiced: Decimal | None
    difference: Decimal | None


@dataclass(frozen=True, slots=True)
class VarianceSum:
    """Variances of one key together; `parts` sum to billed − estimated."""

    key: str | None
    currency: str
    billed: Decimal
    estimated: Decimal
    variance: Decimal
    parts: dict[str, Decimal]


def periods(engine: Engine, contract: Contract) -> Iterator[Reconciliation]:
    """The tie-out and the locks of every billing period, the latest first; scores and variances are left out."""
    locks = locks_of(engine)
    for (name,) in engine.rows(_MONTHS):
        window = Window.of_month(name)
        tied = tie_out(engine, window, contract.reconciliation.tolerance)
        yield Reconciliation(window, tied, (), (), tuple(lock for lock in locks if lock.window == window), (), ())


def period_totals(invoices: Iterable[InvoiceLine]) -> tuple[PeriodTotal, ...]:
    """The totals of invoices by currency."""
    found: dict[str, list[InvoiceLine]] = {}
    for line in invoices:
        found.setdefault(line.billing_currency, []).append(line)
    return tuple(_total(currency, lines) for currency, lines in sorted(found.items()))


def _total(currency: str, lines: list[InvoiceLine]) -> PeriodTotal:
    known = all(line.total is not None for line in lines)
    with exact():
        billed = sum((line.billed_cost for line in lines), _ZERO)
        invoiced = sum((line.total or _ZERO for line in lines), _ZERO) if known else None
        difference = sum((line.difference or _ZERO for line in lines), _ZERO) if known else None
    return PeriodTotal(currency, billed, invoiced, difference)


def sums(variances: Iterable[Variance], key: Callable[[Variance], str | None]) -> tuple[VarianceSum, ...]:
    """Variances by key and currency, the largest first."""
    found: dict[tuple[str | None, str], list[Variance]] = {}
    for each in variances:
        found.setdefault((key(each), each.currency), []).append(each)
    with exact():
        summed = [_sum(*of, together) for of, together in found.items()]
        return tuple(sorted(summed, key=lambda each: (-abs(each.variance), each.key or "", each.currency)))


def _sum(key: str | None, currency: str, together: list[Variance]) -> VarianceSum:
    parts: dict[str, Decimal] = {}
    for each in together:
        for cause, amount in each.parts.items():
            parts[cause] = parts.get(cause, _ZERO) + amount
    billed = sum((each.billed for each in together), _ZERO)
    estimated = sum((each.estimated for each in together), _ZERO)
    return VarianceSum(key, currency, billed, estimated, billed - estimated, parts)


@dataclass(frozen=True, slots=True)
class ChargeList:
    """Which lines: of a period, of a service, only those that no one bears; after (bill, line)."""

    window: Window
    unmatched: bool = False
    service: str | None = None
    after: tuple[int, int] = (0, 0)
    limit: int = 100

    def values(self) -> dict[str, Any]:
        """What the statement binds."""
        chosen = {"unmatched": self.unmatched, "service": self.service, "bill": self.after[0], "line": self.after[1]}
        return closed_bounds(self.window) | chosen | {"limit": self.limit}


def charges(engine: Engine, asked: ChargeList) -> list[dict[str, Any]]:
    """A page of lines, in the order of the bills."""
    return engine.records(sql_text("measures", "charges"), asked.values())


def charge_totals(engine: Engine, asked: ChargeList) -> list[dict[str, Any]]:
    """What all such lines come to, by currency."""
    values = asked.values() | {"bill": 0, "line": -1, "limit": _ALL_LINES}
    return engine.records(_TOTALS.format(sql_text("measures", "charges")), values)
