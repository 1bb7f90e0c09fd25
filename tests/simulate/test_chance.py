"""Draws mean the same for ever and are as likely as asked."""

from __future__ import annotations

import numpy as np

from perunit.simulate.chance import Chance, along, below, happens, pick

MANY = np.arange(200_000, dtype=np.int64)


def splitmix(number: int, salt: int) -> int:
    """The same mixing in plain Python integers."""
    full = 2**64 - 1
    word = (number * 0x9E3779B97F4A7C15 + salt) & full
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & full
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & full
    return word ^ (word >> 31)


def test_words_are_splitmix64() -> None:
    """Vectors give what exact integers give; the salt of seed 7, stream 'time' is part of the promise."""
    salt = 2_432_079_194_132_160_696
    numbers = [0, 1, 2, 10**9, 2**40]
    words = Chance(7).words("time", np.array(numbers, dtype=np.int64))
    assert words.tolist() == [splitmix(number, salt) for number in numbers]


def test_words_never_repeat_within_a_stream() -> None:
    """Event ids are words, so two events of a company cannot share one."""
    assert len(np.unique(Chance(1).words("event id", MANY))) == len(MANY)


def test_streams_and_seeds_differ() -> None:
    """Another stream or another seed gives other draws."""
    draws = Chance(1).draws("a", MANY)
    assert not np.array_equal(draws, Chance(1).draws("b", MANY))
    assert not np.array_equal(draws, Chance(2).draws("a", MANY))


def test_shares_and_weights_are_kept() -> None:
    """Over many draws the frequencies are those asked for."""
    draws = Chance(3).draws("x", MANY)
    assert abs(happens(draws, 0.02).mean() - 0.02) < 0.002
    assert not happens(draws, 0.0).any()
    assert happens(draws, 1.0).all()
    counts = np.bincount(pick(draws, (1, 2, 7))) / len(MANY)
    assert np.allclose(counts, [0.1, 0.2, 0.7], atol=0.005)
    assert set(below(draws, 5).tolist()) == {0, 1, 2, 3, 4}


def test_curves_stay_between_their_ends() -> None:
    """A distribution of quantiles gives its median at the middle and never leaves its range."""
    quantiles = [number**3 for number in range(17)]
    values = along(Chance(3).draws("y", MANY), quantiles)
    assert values.min() >= 0
    assert values.max() <= 16**3
    assert abs(int(np.median(values)) - 8**3) < 10
