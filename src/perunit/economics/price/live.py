"""Compares price books with what bills charged. Enters: bills in force and the list-priced usage they took over.
Leaves: per meter and resource the list rate, the billed rate and the money between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from perunit.economics.price.tiers import define_splits
from perunit.engine.files import sql_text
from perunit.model.money import divide, exact
from perunit.model.window import Window, naive

if TYPE_CHECKING:
    from decimal import Decimal

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["Finding", "LiveRate", "last_period", "live_rates"]

# How many of a meter's UCUM unit one of a bill's units is; the units of FOCUS are words.
_UNITS: dict[str, dict[str, int]] = {
    "s": {"seconds": 1, "minutes": 60, "hours": 3600, "hrs": 3600, "hour": 3600, "days": 86_400},
    "h": {"hours": 1, "hrs": 1, "hour": 1},
    "By": {"bytes": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30}
    | {"tib": 2**40},
    "{request}": {"requests": 1, "request": 1},
}


class Finding(StrEnum):
    """What a comparison came to; without a list rate or measured usage there is nothing to compare."""

    WITHIN = "within"
    BEYOND = "beyond"
    UNPRICED = "no list rate"
    UNMEASURED = "no usage"


@dataclass(frozen=True, slots=True)
class LiveRate:
    """One meter and resource (None: all of them). Rates are for one unit of the meter, in `currency`.

    `consumed_rate` is effective cost ÷ the bill's consumed quantity, None where its unit cannot be told in the
    meter's; `measured_rate` is effective cost ÷ measured usage, what was bought and not used included.
    """

    meter: str
    resource: str | None
    currency: str
    effective_cost: Decimal
    measured_quantity: Decimal | None
    list_rate: Decimal | None
    consumed_rate: Decimal | None
    measured_rate: Decimal | None

    @property
    def billed_rate(self) -> Decimal | None:
        """The price a bill charges: by what it says was consumed where that can be told, else by what was measured."""
        return self.measured_rate if self.consumed_rate is None else self.consumed_rate

    @property
    def difference(self) -> Decimal | None:
        """(billed − list) ÷ list."""
        if self.billed_rate is None or self.list_rate is None:
            return None
        with exact():
            return divide(self.billed_rate - self.list_rate, self.list_rate)

    @property
    def at_stake(self) -> Decimal | None:
        """(billed − list) × measured usage: by how much the list misstates this usage."""
        if self.billed_rate is None or self.list_rate is None or self.measured_quantity is None:
            return None
        with exact():
            return (self.billed_rate - self.list_rate) * self.measured_quantity

    def finding(self, tolerance: Decimal) -> Finding:
        """How the two rates compare; a list rate of 0 is beyond any tolerance of a bill that is not."""
        if self.measured_quantity is None:
            return Finding.UNMEASURED
        if self.list_rate is None or self.billed_rate is None:
            return Finding.UNPRICED
        with exact():
            beyond = abs(self.billed_rate - self.list_rate) > tolerance * self.list_rate
        return Finding.BEYOND if beyond else Finding.WITHIN


def last_period(engine: Engine) -> Window | None:
    """The month of the newest bill in force that a usage rule takes lines of; None where there is none."""
    month = engine.value(
        "SELECT strftime(max(b.billing_period_start), '%Y-%m') FROM bills b WHERE b.superseded_at IS NULL "
        "AND b.bill_id IN (SELECT bill_id FROM allocations WHERE method = 'usage')"
    )
    return None if month is None else Window.of_month(month)


def live_rates(engine: Engine, contract: Contract, period: Window) -> tuple[LiveRate, ...]:
    """Every meter and resource whose usage bills of the period have taken over."""
    assert period.start is not None  # noqa: S101 - a month is closed
    assert period.end is not None  # noqa: S101 - a month is closed
    bounds = {"start": naive(period.start), "end": naive(period.end)}
    define_splits(engine)
    return tuple(_rate(contract, row) for row in engine.records(sql_text("economics.price", "live_rates"), bounds))


def _rate(contract: Contract, row: dict[str, Any]) -> LiveRate:
    unit = contract.meters[row["meter"]].unit if row["meter"] in contract.meters else None
    consumed = _in_unit(row["consumed_quantity"], row["consumed_unit"], unit)
    return LiveRate(
        row["meter"],
        row["resource"],
        row["currency"],
        row["effective_cost"],
        row["measured_quantity"],
        divide(row["listed_cost"], row["priced_quantity"]),
        divide(row["effective_cost"], consumed),
        divide(row["effective_cost"], row["measured_quantity"]),
    )


def _in_unit(quantity: Decimal | None, of: str | None, unit: str | None) -> Decimal | None:
    """A bill's quantity in a meter's unit; None where the two have no known relation."""
    if quantity is None or of is None or unit is None:
        return None
    factor = 1 if of == unit else _UNITS.get(unit, {}).get(of.lower())
    with exact():
        return None if factor is None else quantity * factor
