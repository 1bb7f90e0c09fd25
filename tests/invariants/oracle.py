"""What the rollups of a history must say by the day, worked out once more in plain Python and exact decimals.

Written from the meaning of the terms, not from the SQL: it shares no code with it but the contract's names.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.invariants.company import ACCOUNTS, DIMENSIONS, LIMIT, METERS, Event

from perunit.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from perunit.contract.prices import PriceBook, Rate

Key = tuple[Any, ...]
_UNPRICED_BY_NATURE = {"reviews"}
_AMOUNTS = {
    "order.completed": {"revenue": "total", "discount": "discount", "fee": "fee"},
    "order.refunded": {"refund": "total"},
}


def add(*values: Decimal | None) -> Decimal | None:
    """A sum in which the unknown counts for nothing, and a sum of nothing but unknowns is unknown."""
    with exact():
        known = [value for value in values if value is not None]
        return sum(known, Decimal(0)) if known else None


class Truth:
    """The figures of a set of events under the rates of the last book.

    `seen` are all valid deliveries, whose segment values compete for being shown.
    """

    def __init__(self, events: Iterable[Event], seen: Iterable[Event], books: Sequence[PriceBook]) -> None:
        self.events = list(events)
        self.rates = books[-1].rates if books else ()
        self._shown = {dimension: self._shown_values(dimension, list(seen)) for dimension in DIMENSIONS}

    def _shown_values(self, dimension: str, seen: list[Event]) -> set[str]:
        """The first values by (first seen, value), and those that a rate names."""
        first: dict[str, datetime] = {}
        for event in seen:
            if value := getattr(event, dimension):
                first[value] = min(event.time, first.get(value, event.time))
        ranked = sorted(first, key=lambda value: (first[value], value.encode()))
        return {*ranked[:LIMIT], *(value for r in self.rates if (value := r.conditions.get(dimension)) is not None)}

    def segments(self, event: Event) -> tuple[str | None, ...]:
        """Its segment values as shown."""
        values = {dimension: getattr(event, dimension) or None for dimension in DIMENSIONS}
        return tuple(v if v is None or v in self._shown[d] else "__other__" for d, v in values.items())

    def rate(self, event: Event, kind: str, meter: str) -> Rate | None:
        """The rate with the most conditions of those the event meets, times all adjustments that it meets."""
        met = [
            r
            for r in self.rates
            if r.effective_from <= event.time and (r.effective_to is None or event.time < r.effective_to)
            and all(getattr(event, dimension) == value for dimension, value in r.conditions.items())
        ]  # fmt: skip
        found = [r for r in met if r.kind == kind and r.meter == meter and r.event_type in (None, event.type)]
        best = max(found, key=lambda r: len(r.conditions), default=None)
        factors = [r.unit_price for r in met if r.adjusts == kind and r.meter in ("*", meter)]
        if best is None or not factors:
            return best
        each = Fraction(best.price) / Fraction(best.per)
        for factor in factors:
            each *= Fraction(factor)
        places = 12 if meter.startswith("@") and meter != "@events" else 15
        return replace(best, unit_price=Decimal(round(each * 10**places)).scaleb(-places))

    def amounts(self) -> dict[Key, Any]:
        """(day, segments, type, outcome, currency) → events and the sum of every account."""
        found: dict[Key, Any] = defaultdict(lambda: (0, *[None] * len(ACCOUNTS)))
        for event in self.events:
            key = (day(event), *self.segments(event), event.type, outcome(event), currency(event))
            count, *sums = found[key]
            own = (amount(event, account) for account in ACCOUNTS)
            found[key] = (count + 1, *(add(a, b) for a, b in zip(sums, own, strict=True)))
        return dict(found)

    def priced(self) -> dict[Key, Any]:
        """(day, segments, kind, meter, currency) → the amount; 'unpriced' → how many facts have no price."""
        found: dict[Key, Any] = {}
        for event in self.events:
            for key, value in self._priced_parts(event):
                key = (day(event), *self.segments(event), *key)
                found[key] = add(found.get(key), value)
        return found

    def _priced_parts(self, event: Event) -> Iterable[tuple[Key, Decimal]]:
        with exact():
            for meter, quantity in usage(event).items():
                rates = [r for kind in ("cost", "revenue", "fee") if (r := self.rate(event, kind, meter))]
                if not rates and meter not in _UNPRICED_BY_NATURE:
                    yield ("unpriced", meter, None), Decimal(1)
                yield from (((r.kind, meter, r.currency), quantity * r.unit_price) for r in rates)
            revenue = amount(event, "revenue")
            if revenue is not None and (share := self.rate(event, "fee", "@revenue")):
                yield ("fee", "@revenue", currency(event)), revenue * share.unit_price
            if fixed := self.rate(event, "fee", "@events"):
                yield ("fee", "@events", fixed.currency), fixed.unit_price

    def opened(self) -> dict[Key, int]:
        """(hour, unit type, weight) → units whose first event lies in it, and whose least known weight it is."""
        first: dict[Key, datetime] = {}
        for event in self.events:
            for unit, key in units(event).items():
                first[unit, key] = min(event.time, first.get((unit, key), event.time))
        weights = self.unit_weights()
        found: dict[Key, int] = defaultdict(int)
        for (unit, key), time in first.items():
            found[naive(time.replace(minute=0, second=0, microsecond=0)), unit, weights[unit, key]] += 1
        return dict(found)

    def unit_weights(self) -> dict[Key, Decimal | None]:
        """(unit type, unit) → the least weight of its events, where any is known."""
        found: dict[Key, Decimal | None] = {}
        for event in self.events:
            for unit, key in units(event).items():
                known = [w for w in (weight(event), found.get((unit, key))) if w is not None]
                found[unit, key] = min(known, default=None)
        return found

    def weighted(self, unit: str) -> dict[str, Decimal | None]:
        """Measures of a unit type over all time: each event as often as its weight says, once where none is known."""
        seen = [event for event in self.events if unit in units(event)]
        stands = [(weight(event) or Decimal(1), event) for event in seen]
        known = self.unit_weights()
        with exact():
            return {
                "events": sum((w for w, _ in stands), Decimal(0)),
                "cpu_seconds": add(*(w * q for w, e in stands if (q := usage(e).get("cpu_seconds")) is not None)),
                "attempts": sum((w for w, e in stands if tried(e, unit)[0]), Decimal(0)),
                "units": sum((w or Decimal(1) for (kind, _), w in known.items() if kind == unit), Decimal(0)),
                "unweighted_events": Decimal(sum(weight(event) is None for event in seen)),
            }

    def unit_days(self) -> dict[Key, Any]:
        """(day, unit type, unit, currency) → events, attempts, successes, gross revenue and unpriced usage facts."""
        found: dict[Key, Any] = defaultdict(lambda: (0, 0, 0, None, 0))
        for event in self.events:
            missing = sum(1 for (kind, *_), _ in self._priced_parts(event) if kind == "unpriced")
            for unit, key in units(event).items():
                attempt, success = tried(event, unit)
                events, attempts, successes, revenue, unpriced = found[day(event), unit, key, currency(event)]
                found[day(event), unit, key, currency(event)] = (
                    events + 1, attempts + attempt, successes + success, add(revenue, amount(event, "revenue")),
                    unpriced + missing,
                )  # fmt: skip
        return dict(found)

    def latencies(self) -> dict[Key, int]:
        """(day, segments, bucket) → observations."""
        found: dict[Key, int] = defaultdict(int)
        for event in self.events:
            value = event.number("duration_ms")
            if event.type == "api.called" and value is not None:
                found[day(event), *self.segments(event), bucket(value)] += 1
        return dict(found)


def naive(time: datetime) -> datetime:
    """As the store keeps it: UTC without a zone."""
    return time.replace(tzinfo=None)


def day(event: Event) -> datetime:
    """The midnight before the event."""
    return naive(event.time.replace(hour=0, minute=0, second=0, microsecond=0))


def units(event: Event) -> dict[str, str]:
    """Unit type → key, of those it carries."""
    carried = {"order": event.order_id, "user": event.user_id}
    return {unit: key for unit, key in carried.items() if key}


def outcome(event: Event) -> str | None:
    """Its outcome, where its type has one."""
    return event.outcome if event.type in {"order.attempted", "user.visited"} else None


def weight(event: Event) -> Decimal | None:
    """How many it stands for; None where nobody knows."""
    return None if event.weight == "0" else Decimal(event.weight or 1)


def currency(event: Event) -> str:
    """Its currency, the contract's where it has none."""
    return (event.currency if event.type in _AMOUNTS else None) or "USD"


def amount(event: Event, account: str) -> Decimal | None:
    """What it books to an account."""
    name = _AMOUNTS.get(event.type, {}).get(account)
    return event.number(name) if name else None


def usage(event: Event) -> dict[str, Decimal]:
    """Meter → measured quantity."""
    if event.type != "api.called":
        return {}
    return {meter: quantity for meter in METERS if (quantity := event.number(meter)) is not None}


def tried(event: Event, unit: str) -> tuple[bool, bool]:
    """Whether an event is an attempt, and a success, of a unit type: only ever of the one it is about."""
    if unit == "order" and event.type.startswith("order."):
        return event.type == "order.completed" or outcome(event) is not None, event.type == "order.completed"
    if unit == "user" and event.type == "user.visited":
        return event.outcome is not None, event.outcome == "success"
    return False, False


def bucket(value: Decimal) -> int | None:
    """The i with 2^(i/32) < value <= 2^((i+1)/32), found in whole numbers; None for zero."""
    if value == 0:
        return None
    power = Fraction(value) ** 32
    index = power.numerator.bit_length() - power.denominator.bit_length() - 2
    while Fraction(2) ** (index + 1) < power:
        index += 1
    return index


def is_late(event: Event, hours: int = 24) -> bool:
    """Whether it was recorded long after it happened."""
    return event.recorded is not None and event.recorded > event.time + timedelta(hours=hours)
