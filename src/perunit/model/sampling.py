"""What a sample says of the whole. Enters: what was kept, each with the probability it was kept with, or its weight
1 ÷ p. Leaves: unbiased totals, ratios, and how far they may be off.

Sampling is consistent: all parts of one sampling unit (a trace, an order) are decided by one random number R, and a
part is kept when R is at least its threshold, so that what is kept more often is always kept with what is kept less
often. Numbers may be of any exact or floating kind, all of one kind.

Sources: OpenTelemetry, TraceState: Probability Sampling (thresholds); Horvitz and Thompson 1952 (totals and their
variance); Särndal, Swensson and Wretman, Model Assisted Survey Sampling, 1992, chapter 5 (ratios by linearisation).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from perunit.model.money import exact

__all__ = ["WEIGHT_MAX", "WEIGHT_SCALE", "hajek", "probability_of", "total", "variance", "weight_of"]

# Decimal places of a weight.
WEIGHT_SCALE = 18
_STEPS = 2**56
WEIGHT_MAX = Decimal(_STEPS)
_DIGITS = 14
_THRESHOLD = re.compile(r"[0-9a-fA-F]{1,14}\Z")

N = TypeVar("N", Fraction, float)
# One sampling unit: (weight, value) of each of its parts that were kept, one a weight.
Kept = Sequence[tuple[N, N]]


def probability_of(threshold: str) -> Fraction:
    """The probability (2^56 − T) ÷ 2^56 with which a threshold keeps; T is hexadecimal, its trailing zeros left out.

    Raises ValueError where the text is no threshold: nothing, more than 14 digits, or other characters.

    >>> probability_of("8"), probability_of("0"), probability_of("c")
    (Fraction(1, 2), Fraction(1, 1), Fraction(1, 4))
    """
    if not _THRESHOLD.match(threshold):
        raise ValueError(
            f"threshold: got {threshold!r}, must be 1 to {_DIGITS} hexadecimal digits; "
            "send the th of tracestate as it is"
        )
    return Fraction(_STEPS - int(threshold.ljust(_DIGITS, "0"), 16), _STEPS)


def weight_of(threshold: str) -> Decimal:
    """How many like it stand behind what a threshold kept: 1 ÷ p, half-even at 18 places.

    >>> round(weight_of("aaab"), 7), round(weight_of("e666"), 7), weight_of("0")
    (Decimal('3.0000458'), Decimal('9.9993897'), Decimal('1'))
    """
    kept = probability_of(threshold)
    with exact():
        weight = (Decimal(kept.denominator) / Decimal(kept.numerator)).quantize(Decimal(1).scaleb(-WEIGHT_SCALE))
        return weight.to_integral_value() if weight == weight.to_integral_value() else weight


def total(units: Iterable[Kept[N]]) -> N:
    """The Horvitz–Thompson estimate of a total, Σ weight × value: right on average whatever the values are.

    >>> total([[(10.0, 3.0)], [(10.0, 1.0), (1.0, 0.5)]])
    40.5
    """
    return sum((weight * value for unit in units for weight, value in unit), start=0)  # type: ignore[return-value]


def variance(units: Iterable[Kept[N]]) -> N:
    """An unbiased estimate of the variance of :func:`total`, over sampling units that are decided independently.

    A unit of one weight adds (1 − p) ÷ p² × value² = w × (w − 1) × value². Parts k and l of different weights are both
    kept as often as the rarer one, so the pair adds max(w) × (min(w) − 1) × value × value: what is always kept, of
    weight 1, adds nothing, alone or with others.

    >>> variance([[(10.0, 3.0)], [(1.0, 7.0)]])
    810.0
    >>> variance([[(10.0, 3.0), (2.0, 1.0)]])
    872.0
    """
    return sum(
        (max(w, v) * (min(w, v) - 1) * x * y for unit in units for w, x in unit for v, y in unit),
        start=0,
    )  # type: ignore[return-value]


def hajek(units: Iterable[Sequence[tuple[N, N, N]]]) -> tuple[N, N]:
    """(ratio, variance) of Σ weight × y ÷ Σ weight × z over units of (weight, y, z) a part.

    The variance is that of the total of e = (y − ratio × z) ÷ Σ weight × z, which is what the ratio is off by to first
    order. Raises ZeroDivisionError where z comes to nothing.

    Three orders kept with p = ½, costing 2, 4 and 6: a cost per order of 24 ÷ 6 = 4, and as
    2 × 1 × ((2 − 4)² + 0 + (6 − 4)²) ÷ 6² = 16 ÷ 36, give or take ⅔.

    >>> ratio, spread = hajek([[(2.0, 2.0, 1.0)], [(2.0, 4.0, 1.0)], [(2.0, 6.0, 1.0)]])
    >>> ratio, round(spread**0.5, 3)
    (4.0, 0.667)
    """
    kept = [list(unit) for unit in units]
    y = total([(w, y) for w, y, _ in unit] for unit in kept)
    z = total([(w, z) for w, _, z in unit] for unit in kept)
    ratio = y / z
    residuals = ([(w, (y - ratio * z_) / z) for w, y, z_ in unit] for unit in kept)
    return ratio, variance(residuals)
