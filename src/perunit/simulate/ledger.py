"""Puts prices on sums. Enters: a cell of the tally. Leaves: its figures as exact integers of 10^-24.

Written apart from perunit's economics on purpose: the two must agree, so they must not share code.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from perunit.model.money import COST_SCALE, QUANTITY_SCALE, UNIT_PRICE_SCALE, exact
from perunit.simulate.company import EVENT_TYPES, PLANS, REGIONS
from perunit.simulate.prices import FEE_FIXED, FEE_PERCENTAGE, METERS, Prices
from perunit.simulate.truth import COUNTS, Cell

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

__all__ = ["FIGURES", "Figures", "Ledger", "added", "text_of", "with_margins"]

# Name → integer of 10^-24, whatever the figure counts: places enough for a quantity times a unit price.
Figures = dict[str, int]

# Column of the tally → its account and decimal places.
_AMOUNTS = {
    "amount": ("recorded_revenue", 2),
    "discount": ("discounts", 2),
    "refund": ("refunds", 2),
    "tax": ("tax", 2),
    "commission": ("recorded_fees", 2),
    "cost": ("recorded_cost", 4),
}
_PRICED = tuple(f"cost_{meter.name}" for meter in METERS if meter.name != "exports")
FIGURES = (
    *COUNTS,
    *(account for account, _ in _AMOUNTS.values()),
    *("priced_fees", "priced_revenue"),
    *(f"usage_{meter.name}" for meter in METERS),
    *_PRICED,
)
_SETTLED = EVENT_TYPES.index("payment.settled")
_ONE = 10**COST_SCALE


class Ledger:
    """The prices as integers, and what they make of a cell."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices

    def figures_of(self, cell: Cell) -> Figures:
        """Everything in `FIGURES`; usage at list prices."""
        sums = cell.sums
        figures = {name: sums[name] * _ONE for name in COUNTS}
        for column, (account, places) in _AMOUNTS.items():
            figures[account] = sums[column] * 10 ** (COST_SCALE - places)
        settled = figures["events"] if cell.kind == _SETTLED else 0
        share, fixed = self._fee
        figures["priced_fees"] = (figures["recorded_revenue"] * share + settled * fixed) // 10**UNIT_PRICE_SCALE
        for meter in METERS:
            quantity = sums[meter.column] * 10 ** (QUANTITY_SCALE - meter.places)
            figures[f"usage_{meter.name}"] = quantity * 10**UNIT_PRICE_SCALE
            figures[f"cost_{meter.name}"] = quantity * self._costs[meter.name, cell.region, cell.after]
        exports = sums["exports"] * 10**QUANTITY_SCALE
        figures["priced_revenue"] = exports * self._export_prices[cell.plan, cell.after]
        return {name: figures[name] for name in FIGURES}

    @cached_property
    def _fee(self) -> tuple[int, int]:
        """The share and the fixed part of 10^-15; amounts have 2 places, so dividing by 10^15 leaves no rest."""
        return _integer(FEE_PERCENTAGE.scaleb(-2)), _integer(FEE_FIXED)

    @cached_property
    def _costs(self) -> dict[tuple[str, int, bool], int]:
        return {
            (meter.name, region, after): _integer(self._prices.cost_of(meter.name, region, after))
            for meter in METERS
            for region in range(len(REGIONS))
            for after in (False, True)
        }

    @cached_property
    def _export_prices(self) -> dict[tuple[int, bool], int]:
        return {
            (plan, after): _integer(self._prices.revenue_of("exports", plan, after))
            for plan in range(len(PLANS))
            for after in (False, True)
        }


def _integer(price: Decimal) -> int:
    with exact():
        return int(price.scaleb(UNIT_PRICE_SCALE))


def added(many: Iterable[Figures]) -> Figures:
    """The sum of each figure in `FIGURES`."""
    columns = zip(*(figures.values() for figures in many), strict=True)
    return dict.fromkeys(FIGURES, 0) | dict(zip(FIGURES, map(sum, columns), strict=False))


def with_margins(figures: Figures) -> Figures:
    """The measures that follow, before any bill: variable cost is what list prices make of the usage."""
    gross = figures["recorded_revenue"] + figures["priced_revenue"]
    revenue = gross - figures["discounts"] - figures["refunds"]
    fees = figures["recorded_fees"] + figures["priced_fees"]
    variable = fees + figures["recorded_cost"] + sum(figures[name] for name in _PRICED)
    return {
        **figures,
        "gross_revenue": gross,
        "revenue": revenue,
        "fees": fees,
        "variable_cost": variable,
        "contribution_margin": revenue - variable,
    }


def text_of(figure: int) -> str:
    """The exact decimal, without trailing zeros.

    >>> text_of(-15 * 10**23), text_of(2 * 10**24), text_of(1)
    ('-1.5', '2', '0.000000000000000000000001')
    """
    if not figure:
        return "0"
    whole, rest = divmod(abs(figure), _ONE)
    digits = f"{whole}.{rest:0{COST_SCALE}d}".rstrip("0").rstrip(".") if rest else str(whole)
    return f"-{digits}" if figure < 0 else digits
