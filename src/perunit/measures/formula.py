"""How sums become a measure: totals of totals, ratios divided last. Enters: sums. Leaves: Decimal or None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from perunit.model.money import divide, exact

__all__ = [
    "Change",
    "Formula",
    "Number",
    "Part",
    "Product",
    "Ratio",
    "Spread",
    "Sums",
    "Total",
    "evaluate",
    "needs",
    "slopes",
]

Number = Decimal | int
Sums = Mapping[str, Number | None]


@dataclass(frozen=True, slots=True)
class Part:
    """One sum, by its name in the list of sums."""

    name: str


@dataclass(frozen=True, slots=True)
class Total:
    """Σ `plus` − Σ `minus`. A part that was not recorded adds nothing; without any part nothing is known."""

    plus: tuple[Formula, ...]
    minus: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Ratio:
    """`numerator` ÷ `denominator`, unknown where there is nothing to divide by."""

    numerator: Formula
    denominator: Formula


@dataclass(frozen=True, slots=True)
class Product:
    """All `factors` times each other, unknown where one is."""

    factors: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """(now − before) ÷ |before| of a formula, where before is the bucket or window just before this one."""

    of: Formula


@dataclass(frozen=True, slots=True)
class Spread:
    """The sample standard deviation of a formula's daily values within the bucket; unknown below two days."""

    of: Formula


Formula = Part | Total | Product | Ratio | Change | Spread


def needs(formula: Formula) -> frozenset[str]:
    """The names of the sums a formula reads."""
    match formula:
        case Part(name):
            return frozenset({name})
        case Total(plus, minus):
            return frozenset().union(*(needs(part) for part in plus + minus))
        case Product(factors):
            return frozenset().union(*(needs(factor) for factor in factors))
        case Ratio(numerator, denominator):
            return needs(numerator) | needs(denominator)
        case Change(of) | Spread(of):
            return needs(of)


def evaluate(formula: Formula, now: Sums, before: Sums | None = None, days: tuple[Sums, ...] = ()) -> Decimal | None:
    """The formula's value for one bucket; `before` and `days` serve :class:`Change` and :class:`Spread`.

    >>> evaluate(Ratio(Total((Part("fees"), Part("cost"))), Part("units")), {"fees": Decimal(3), "units": 4})
    Decimal('0.75')
    """
    with exact():
        match formula:
            case Change(of):
                return _change(_value(of, now), None if before is None else _value(of, before))
            case Spread(of):
                return _deviation([value for day in days if (value := _value(of, day)) is not None])
            case _:
                return _value(formula, now)


def slopes(formula: Formula, sums: Sums) -> dict[str, Decimal] | None:
    """How much the formula's value changes with each of its sums; None where it looks at several buckets or has none.

    >>> slopes(Ratio(Part("cost"), Part("units")), {"cost": Decimal(6), "units": 4})
    {'cost': Decimal('0.25'), 'units': Decimal('-0.375')}
    """
    match formula:
        case Part(name):
            return {name: Decimal(1)}
        case Total(plus, minus):
            parts = [(part, Decimal(1)) for part in plus] + [(part, Decimal(-1)) for part in minus]
            return _combined([(slopes(part, sums), factor) for part, factor in parts])
        case Product(factors):
            with exact():
                values = [_value(factor, sums) for factor in factors]
            return _combined([(slopes(each, sums), _times(_others(values, n))) for n, each in enumerate(factors)])
        case Ratio(numerator, denominator):
            with exact():
                below, ratio = _value(denominator, sums), _value(formula, sums)
            each = divide(Decimal(1), below)
            if each is None or ratio is None:
                return None
            return _combined([(slopes(numerator, sums), each), (slopes(denominator, sums), -ratio * each)])
        case _:
            return None


def _others(values: list[Decimal | None], place: int) -> list[Decimal | None]:
    return values[:place] + values[place + 1 :]


def _times(values: list[Decimal | None]) -> Decimal | None:
    product = Decimal(1)
    with exact():
        for value in values:
            if value is None:
                return None
            product *= value
    return product


def _combined(parts: Sequence[tuple[dict[str, Decimal] | None, Decimal | None]]) -> dict[str, Decimal] | None:
    found: dict[str, Decimal] = {}
    for slope, factor in parts:
        if slope is None or factor is None:
            return None
        for name, value in slope.items():
            found[name] = found.get(name, Decimal(0)) + value * factor
    return found


def _value(formula: Formula, sums: Sums) -> Decimal | None:
    match formula:
        case Part(name):
            value = sums.get(name)
            return None if value is None else Decimal(value)
        case Total(plus, minus):
            return _total([_value(part, sums) for part in plus], [_value(part, sums) for part in minus])
        case Product(factors):
            return _times([_value(factor, sums) for factor in factors])
        case Ratio(numerator, denominator):
            return divide(_value(numerator, sums), _value(denominator, sums))
        case _:
            raise TypeError(f"{formula!r} looks at several buckets, must not be a part of another formula")


def _total(plus: list[Decimal | None], minus: list[Decimal | None]) -> Decimal | None:
    if all(part is None for part in plus + minus):
        return None
    added = sum((part for part in plus if part is not None), Decimal(0))
    return added - sum((part for part in minus if part is not None), Decimal(0))


def _change(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if now is None or before is None else divide(now - before, abs(before))


def _deviation(values: list[Decimal]) -> Decimal | None:
    if len(values) < 2:
        return None
    mean = sum(values, Decimal(0)) / len(values)
    variance = sum(((value - mean) ** 2 for value in values), Decimal(0)) / (len(values) - 1)
    return divide(variance.sqrt(), 1)
