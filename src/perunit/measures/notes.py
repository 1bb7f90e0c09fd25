"""What a reader of a result would otherwise miss. Enters: the sums read and how. Leaves: sentences."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from perunit.measures.catalogue import MEASURES
from perunit.measures.permitted import shown
from perunit.model.money import exact, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.economics.fx.rates import FxRates
    from perunit.engine.duckdb import Engine
    from perunit.measures.scan import Lens, Table

__all__ = ["COST_SUMS", "notes"]

COST_SUMS = MEASURES["fully_loaded_margin"].needs() - MEASURES["revenue"].needs()
_AMOUNT_SUMS = frozenset(name for name in MEASURES["contribution_margin"].needs() if name.startswith("recorded_"))
_BILL_SUMS = frozenset({"billed_all", "effective_all"}) | {name for name in COST_SUMS if name.startswith("billed_")}

_FOREIGN_EVENTS = """
SELECT k.currency, CAST(sum(f.events) AS BIGINT)
FROM rollup f JOIN cells k ON k.cell_id = f.cell_id
WHERE k.currency <> $currency AND (k.unit_mask >> CAST($bit AS INTEGER)) & 1 = 1
    AND f.window_start >= $hour AND f.window_start < $end
    AND coalesce(f.revenue, f.discount, f.refund, f.fee, f.tax, f.cost) IS NOT NULL AND {seen}
GROUP BY k.currency ORDER BY k.currency
"""
_FOREIGN_USAGE = """
SELECT f.currency, CAST(sum(f.usage_events) AS BIGINT) FROM rollup_priced f LEFT JOIN cells k ON k.cell_id = f.cell_id
WHERE f.currency <> $currency AND f.window_start >= $hour AND f.window_start < $end AND {seen}
GROUP BY f.currency ORDER BY f.currency
"""
_FOREIGN_BILLS = """
SELECT f.currency, sum(f.effective_cost) FROM allocations f LEFT JOIN cells k ON k.cell_id = f.cell_id
WHERE f.currency <> $currency AND f.day >= $start AND f.day < $end AND {seen}
GROUP BY f.currency ORDER BY f.currency
"""


_FACTS = {"rollup": "event", "rollup_priced": "usage fact"}


def notes(engine: Engine, lens: Lens, table: Table, needed: frozenset[str]) -> Iterator[str]:
    """Every reservation about the sums in `table`."""
    yield from _foreign(engine, lens, needed) if lens.fx is None else _converted(lens.fx)
    if lens.sampled:
        yield from _sampling(engine, lens, table, needed)
    if not needed & COST_SUMS:
        return
    unpriced = sum(int(row["unpriced"] or 0) for row in table.values())
    if unpriced:
        yield f"{unpriced:,} usage facts have no price: costs are a lower bound and margins an upper one"
    with exact():
        elsewhere = sum((Decimal(row["billed_elsewhere"] or 0) for row in table.values()), Decimal(0))
        # A note is read, not computed with: two places say enough, unless they would say nothing.
        shown = elsewhere.quantize(Decimal("0.01")) or elsewhere
    if elsewhere:
        yield f"{plain(shown)} {lens.currency} of the bills is borne by units other than {lens.unit}"
    if needed & _AMOUNT_SUMS and not any(row.get(name) is not None for row in table.values() for name in COST_SUMS):
        yield "no cost is known here: a margin is the revenue alone"


_KEPT = """
SELECT CAST(coalesce(sum(f.events), 0) AS BIGINT),
    CAST(coalesce(sum(f.events) FILTER (WHERE k.weight > 1), 0) AS BIGINT),
    CAST(coalesce(sum(f.events) FILTER (WHERE k.weight IS NULL), 0) AS BIGINT)
FROM rollup f JOIN cells k ON k.cell_id = f.cell_id
WHERE (k.unit_mask >> CAST($bit AS INTEGER)) & 1 = 1 AND f.window_start >= $hour AND f.window_start < $end
    AND {seen}
"""


def _sampling(engine: Engine, lens: Lens, table: Table, needed: frozenset[str]) -> Iterator[str]:
    """How much of what is counted was sampled, and what that leaves open."""
    events, sampled, unweighted = engine.rows(_KEPT.format(seen=shown(lens.rows, "k")), lens.values())[0]
    if sampled:
        yield f"{sampled:,} of {events:,} events stand for others that were left out: ± is one standard error"
    if unweighted:
        with exact():
            share = (Decimal(100) * unweighted / events).quantize(Decimal("0.01"))
        yield f"{share} % of the events were sampled with a probability nobody stated: counts are lower bounds"
    split_bills = lens.by and any(row.get("billed_usage") for row in table.values()) and needed & COST_SUMS
    if sampled and split_bills:
        yield "bills are split by what sampled usage says; ± does not hold the error of that split"


def _converted(fx: FxRates) -> Iterator[str]:
    """Which rates were used, and what is left out for want of one."""
    if fx.used:
        origins = ", ".join(sorted(set().union(*fx.used.values())))
        yield f"{', '.join(sorted(fx.used))} converted to {fx.currency} at the rates of each day ({origins})"
    for (fact, currency), facts in sorted(fx.missing.items()):
        if fact in _FACTS:
            what = (
                f"{facts:,} {_FACTS[fact]}{' in' if facts == 1 else 's in'} {currency} {'is' if facts == 1 else 'are'}"
            )
        else:
            what = f"bills of {plain(fx.missing_cost[currency])} {currency} are"
        yield f"{what} not converted to {fx.currency} and not included: no exchange rate of their days is known"


def _foreign(engine: Engine, lens: Lens, needed: frozenset[str]) -> Iterator[str]:
    values, seen = lens.values(), shown(lens.rows, "k")
    # The first test reads a small table, so that one-currency projects do not pay for the second.
    if needed & _AMOUNT_SUMS and engine.value("SELECT count(*) FROM cells WHERE currency <> $currency", values):
        for currency, events in engine.rows(_FOREIGN_EVENTS.format(seen=seen), values):
            yield f"{events:,} events in {currency} are not converted to {lens.currency} and not included"
    if needed & COST_SUMS and engine.value("SELECT count(*) FROM rates WHERE currency <> $currency", values):
        for currency, facts in engine.rows(_FOREIGN_USAGE.format(seen=seen), values):
            yield f"{facts:,} usage facts in {currency} are not converted to {lens.currency} and not included"
    if needed & _BILL_SUMS and engine.value("SELECT count(*) FROM bills WHERE billing_currency <> $currency", values):
        for currency, cost in engine.rows(_FOREIGN_BILLS.format(seen=seen), values):
            yield f"bills of {plain(cost)} {currency} are not converted to {lens.currency} and not included"
