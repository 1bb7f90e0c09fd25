"""Weights of thresholds, and estimates held against every sample that could have been drawn."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perunit.model.sampling import WEIGHT_MAX, hajek, probability_of, total, variance, weight_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# Sampling units as (probability, y, z) of each part; one is never dropped, one has parts of three probabilities.
_F = Fraction
POPULATION: list[list[tuple[Fraction, Fraction, Fraction]]] = [
    [(_F(1, 2), _F(3), _F(1))],
    [(_F(1, 3), _F(5), _F(1)), (_F(1), _F(2), _F(0))],
    [(_F(1), _F(4), _F(1))],
    [(_F(1, 4), _F(-7, 2), _F(2)), (_F(1, 2), _F(1, 3), _F(0)), (_F(1), _F(9), _F(1))],
    [(_F(2, 5), _F(6), _F(1))],
]


def samples() -> Iterator[tuple[Fraction, list[list[tuple[Fraction, Fraction, Fraction]]]]]:
    """Every sample with its probability: a unit's number R keeps the parts whose probability lies above it."""
    each = [_outcomes(unit) for unit in POPULATION]
    for drawn in itertools.product(*each):
        chance = Fraction(1)
        for probability, _ in drawn:
            chance *= probability
        yield chance, [[(1 / p, y, z) for p, y, z in parts] for _, parts in drawn]


def _outcomes(unit: list[tuple[Fraction, Fraction, Fraction]]) -> list[tuple[Fraction, list[tuple[Fraction, ...]]]]:
    steps = [Fraction(0), *sorted({p for p, _, _ in unit} | {Fraction(1)})]
    return [(upper - lower, [part for part in unit if part[0] >= upper]) for lower, upper in itertools.pairwise(steps)]


def of_y(sample: list[list[tuple[Fraction, Fraction, Fraction]]]) -> list[list[tuple[Fraction, Fraction]]]:
    """The parts of a sample as (weight, y)."""
    return [[(w, y) for w, y, _ in unit] for unit in sample]


@pytest.mark.parametrize(
    ("threshold", "weight"),
    [("aaab", "3.0000458"), ("e666", "9.9993897"), ("0", "1"), ("00", "1"), ("8", "2"), ("c0", "4")],
)
def test_a_threshold_has_its_published_weight(threshold: str, weight: str) -> None:
    """The weights are those the specification's tables give, at their seven places."""
    assert round(weight_of(threshold), 7) == Decimal(weight)


def test_the_highest_threshold_keeps_one_in_two_to_the_56() -> None:
    """Fourteen times f leaves a single random number, and its weight fits."""
    assert weight_of("f" * 14) == WEIGHT_MAX == 2**56
    assert probability_of("F" * 14) == Fraction(1, 2**56)
    assert weight_of("f") == 16


@pytest.mark.parametrize("text", ["", "f" * 15, "0" * 15, "0x1", "g", " 8", "8\n", "1_0", "-1", "٣"])
def test_what_is_no_threshold_is_refused(text: str) -> None:
    """Nothing, too many digits and anything but plain hexadecimal digits raise, naming the value and the rule."""
    with pytest.raises(ValueError, match="must be 1 to 14 hexadecimal digits"):
        weight_of(text)


@given(st.integers(0, 2**56 - 1))
def test_a_weight_is_one_over_the_probability(threshold: int) -> None:
    """Every threshold's weight is within half of its last place, and trailing zeros say nothing."""
    text = f"{threshold:014x}"
    assert abs(Fraction(weight_of(text)) - 1 / probability_of(text)) <= Fraction(1, 2 * 10**18)
    assert weight_of(text) == weight_of(text.rstrip("0") or "0")


def test_totals_are_right_on_average_over_all_samples() -> None:
    """Over every sample that could be drawn the estimated total averages to the true one, exactly."""
    assert sum(chance for chance, _ in samples()) == 1
    truth = sum(y for unit in POPULATION for _, y, _ in unit)
    assert sum(chance * total(of_y(sample)) for chance, sample in samples()) == truth


def test_the_variance_is_right_on_average_over_all_samples() -> None:
    """Over every sample the estimated variance averages to the variance the estimated totals have, exactly."""
    truth = sum(y for unit in POPULATION for _, y, _ in unit)
    spread = sum(chance * (total(of_y(sample)) - truth) ** 2 for chance, sample in samples())
    assert spread > 0
    assert sum(chance * variance(of_y(sample)) for chance, sample in samples()) == spread


def test_what_is_always_kept_adds_no_variance() -> None:
    """Parts of weight 1 change no variance, alone or beside sampled parts of their unit."""
    sampled = [[(Fraction(10), Fraction(3))]]
    assert variance([*sampled, [(Fraction(1), Fraction(99))]]) == variance(sampled)
    assert variance([[(Fraction(10), Fraction(3)), (Fraction(1), Fraction(99))]]) == variance(sampled)


def test_the_variance_of_a_ratio_nears_its_mean_square_error_as_units_come_in() -> None:
    """Over all samples it is below the ratio's mean square error for few units, and closes in on it with more."""
    found = [_told(units) / _true(units) for units in (4, 8, 12)]
    assert found == sorted(found)
    assert found[0] < Fraction(3, 5)
    assert Fraction(4, 5) < found[-1] < 1


_VALUES = [Fraction(v) for v in (3, 5, 4, 6, 5, 4, 3, 6, 5, 4, 5, 4)]
_KEPT = Fraction(3, 4)


def _ratios(units: int) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    """(chance, ratio, variance) of every sample of at least two of the first `units` values."""
    for kept in itertools.product([False, True], repeat=units):
        sample = [[(1 / _KEPT, y, Fraction(1))] for y, keep in zip(_VALUES, kept, strict=False) if keep]
        if len(sample) > 1:
            yield (_KEPT ** len(sample) * (1 - _KEPT) ** (units - len(sample)), *hajek(sample))


def _told(units: int) -> Fraction:
    return sum((chance * spread for chance, _, spread in _ratios(units)), Fraction(0))


def _true(units: int) -> Fraction:
    truth = sum(_VALUES[:units]) / units
    return sum((chance * (ratio - truth) ** 2 for chance, ratio, _ in _ratios(units)), Fraction(0))


def test_a_ratio_of_what_is_proportional_has_no_error() -> None:
    """Where every unit has the same ratio, which units were kept does not matter."""
    assert hajek([[(Fraction(10), Fraction(6), Fraction(2))], [(Fraction(2), Fraction(3), Fraction(1))]]) == (3, 0)
