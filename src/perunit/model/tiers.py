"""Prices by volume: what a month's whole quantity of a meter comes to. Enters: a quantity. Leaves: a charge.

A charge is a whole number of quanta of 10^-18, so that it can be split over the usage behind it without a rest.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from perunit.model.money import exact, plain

__all__ = ["CHARGE_SCALE", "Tier", "Tiered"]

CHARGE_SCALE = 18
_QUANTA = 10**CHARGE_SCALE


@dataclass(frozen=True, slots=True)
class Tier:
    """`price` for every `per` units up to a quantity of `up_to`, itself included; without end where None."""

    price: Decimal
    per: Decimal = Decimal(1)
    up_to: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Tiered:
    """A price that depends on a calendar month's total. `factor` is what adjustments multiply its charge by.

    `graduated`: each slice at the price of its tier. `volume`: all of it at the price of the tier it falls in.
    `package`: the price of the one tier for every started `per` units.
    """

    mode: Literal["graduated", "volume", "package"]
    tiers: tuple[Tier, ...]
    minimum: Decimal = Decimal(0)
    factor: Decimal = Decimal(1)

    def quanta(self, quantity: Decimal) -> int:
        """A month's charge in quanta, rounded half-even once, before adjustments; 0 where there is no usage.

        >>> free, more = Tier(Decimal(0), up_to=Decimal(1)), Tier(Decimal("0.40"), up_to=Decimal(10))
        >>> Tiered("graduated", (free, more, Tier(Decimal("0.20")))).quanta(Decimal(12))  # 0 + 9 × 0.40 + 2 × 0.20
        4000000000000000000
        """
        if quantity <= 0:
            return 0
        modes = {"graduated": self._graduated, "volume": self._volume, "package": self._package}
        charge: Fraction = max(modes[self.mode](Fraction(quantity)), Fraction(self.minimum))
        quanta: int = round(charge * _QUANTA)
        return quanta

    def adjusted(self, quanta: int) -> int:
        """A part of the charge times the factor, rounded half-even once."""
        return round(Fraction(self.factor) * quanta)

    def times(self, factors: list[Decimal]) -> Tiered:
        """The same with its charge multiplied by `factors` too."""
        with exact():
            factor = self.factor
            for each in factors:
                factor *= each
            return replace(self, factor=factor.normalize())

    def _graduated(self, quantity: Fraction) -> Fraction:
        charge, below = Fraction(0), Fraction(0)
        for tier in self.tiers:
            until = quantity if tier.up_to is None else min(quantity, Fraction(tier.up_to))
            charge += max(until - below, Fraction(0)) * Fraction(tier.price) / Fraction(tier.per)
            below = max(until, below)
        return charge

    def _volume(self, quantity: Fraction) -> Fraction:
        tier = next(tier for tier in self.tiers if tier.up_to is None or quantity <= tier.up_to)
        return quantity * Fraction(tier.price) / Fraction(tier.per)

    def _package(self, quantity: Fraction) -> Fraction:
        (tier,) = self.tiers
        return -(-quantity // Fraction(tier.per)) * Fraction(tier.price)

    def text(self) -> str:
        """The same as JSON, for the column `rates.tiers`; equal prices have equal texts."""
        return json.dumps(asdict(self), default=plain, sort_keys=True)

    @classmethod
    def of(cls, text: str) -> Tiered:
        """What `text` gave."""
        said: dict[str, Any] = json.loads(text)
        tiers = tuple(Tier(**{name: _decimal(value) for name, value in tier.items()}) for tier in said["tiers"])
        return cls(said["mode"], tiers, Decimal(said["minimum"]), Decimal(said["factor"]))

    def __str__(self) -> str:
        """In a person's words: ``graduated 0 to 1000000, then 0.4 per 1000000; minimum 5``."""
        tiers = ", then ".join(_said(tier) for tier in self.tiers)
        return f"{self.mode} {tiers}" + (f"; minimum {plain(self.minimum)}" if self.minimum else "")


def _decimal(value: str | None) -> Any:
    return None if value is None else Decimal(value)


def _said(tier: Tier) -> str:
    per = "" if tier.per == 1 else f" per {plain(tier.per)}"
    return f"{plain(tier.price)}{per}" + (f" to {plain(tier.up_to)}" if tier.up_to is not None else "")
