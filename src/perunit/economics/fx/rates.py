"""What one currency is worth in another on a day. Enters: the store's rates. Leaves: a rate and where it comes from.

The own rates of price books come first, then reference rates. Of those the last published one counts, at most
`max_age_days` old: markets rest at weekends. No later rate is ever used, and without one there is none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from perunit.model.money import exact

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine

__all__ = ["FX_PLACES", "FxRates", "Worth", "WorthOf", "cross_rate", "unconverted"]

# As a unit price: what is below is rounded once, half-even, and never again.
FX_PLACES = 15
_BASE = "EUR"
_OWN = (
    "SELECT r.rate_id, r.meter, r.currency, r.unit_price, r.effective_from, r.effective_to "
    "FROM rates r JOIN price_books b USING (book, version) "
    "WHERE b.withdrawn_at IS NULL AND r.kind = 'fx' AND r.meter IN ($left, $right) AND r.currency IN ($left, $right)"
)
_REFERENCE = (
    "SELECT day, max(rate) FILTER (WHERE quote = $left), max(rate) FILTER (WHERE quote = $right), max(origin) "
    "FROM fx_rates WHERE superseded_at IS NULL AND base = $base AND quote IN ($left, $right) GROUP BY day ORDER BY day"
)


def cross_rate(of: Decimal, to: Decimal) -> Decimal:
    """What one unit of a currency is worth in another, of what one euro is worth in each: to ÷ of, at 15 places.

    >>> cross_rate(Decimal("0.8"), Decimal("1.12"))
    Decimal('1.400000000000000')
    """
    with exact():
        return (to / of).quantize(Decimal(1).scaleb(-FX_PLACES), ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Worth:
    """One unit of a currency is `rate` of another; `origin` says who says so, `day` when it was published."""

    rate: Decimal
    origin: str
    day: date


WorthOf = Callable[[str, date], Worth | None]


def unconverted(currency: str) -> WorthOf:
    """Worths for who converts nothing: a currency is worth itself, and of any other nothing is known."""
    return lambda of, day: Worth(Decimal(1), "", day) if of == currency else None


@dataclass(frozen=True, slots=True)
class _Own:
    worth: Decimal
    origin: str
    start: datetime
    end: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


class FxRates:
    """Rates into one currency, read from the store when first asked for.

    `used` and `missing` say, by currency, which origins answered and how many facts had no rate; `quoted` holds every
    answer by currency and day.
    """

    def __init__(self, engine: Engine, currency: str, max_age_days: int) -> None:
        self.currency = currency
        self.used: dict[str, set[str]] = {}
        self.quoted: dict[tuple[str, date], Worth] = {}
        self.missing: dict[tuple[str, str], int] = {}
        self.missing_cost: dict[str, Decimal] = {}
        self._engine = engine
        self._max_age = timedelta(days=max_age_days)
        self._own: dict[str, tuple[_Own, ...]] = {}
        self._published: dict[str, tuple[list[date], list[Worth]]] = {}

    def of(self, currency: str, day: date) -> Worth | None:
        """What one unit of `currency` was worth on a day (UTC), None where no rate is known; of its own it is 1."""
        if currency == self.currency:
            return Worth(Decimal(1), "", day)
        found = self._own_rate(currency, day) or self._reference_rate(currency, day)
        if found is not None:
            self.used.setdefault(currency, set()).add(found.origin)
            self.quoted[currency, day] = found
        return found

    def miss(self, what: str, currency: str, facts: int, cost: Decimal | None = None) -> None:
        """Counts facts (`what`: events, usage facts or bills) that have no rate."""
        if facts:
            self.missing[what, currency] = self.missing.get((what, currency), 0) + facts
        if cost is not None:
            with exact():
                self.missing_cost[currency] = self.missing_cost.get(currency, Decimal(0)) + cost

    def _own_rate(self, currency: str, day: date) -> Worth | None:
        if currency not in self._own:
            rows = self._engine.rows(_OWN, {"left": currency, "right": self.currency})
            self._own[currency] = tuple(_own(row, currency) for row in sorted(rows, key=lambda row: row[1] != currency))
        at = datetime.combine(day, time(), UTC).replace(tzinfo=None)
        return next((Worth(own.worth, own.origin, day) for own in self._own[currency] if own.holds(at)), None)

    def _reference_rate(self, currency: str, day: date) -> Worth | None:
        if currency not in self._published:
            values = {"left": currency, "right": self.currency, "base": _BASE}
            published = list(self._read(self._engine.rows(_REFERENCE, values), currency))
            self._published[currency] = ([worth.day for worth in published], published)
        days, worths = self._published[currency]
        place = bisect_right(days, day)
        return worths[place - 1] if place and day - days[place - 1] <= self._max_age else None

    def _read(self, rows: list[tuple[date, Decimal | None, Decimal | None, str]], currency: str) -> list[Worth]:
        found = []
        for day, of, to, origin in rows:
            of_one = Decimal(1) if currency == _BASE else of
            to_one = Decimal(1) if self.currency == _BASE else to
            if of_one is not None and to_one is not None:
                found.append(Worth(cross_rate(of_one, to_one), origin, day))
        return found


def _own(row: tuple[str, str, str, Decimal, datetime, datetime | None], currency: str) -> _Own:
    """A rate as it is written, or the other way round."""
    rate_id, base, _, rate, start, end = row
    return _Own(rate if base == currency else cross_rate(rate, Decimal(1)), rate_id, start, end)
