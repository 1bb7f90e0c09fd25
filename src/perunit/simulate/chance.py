"""Chance that means the same for ever. Enters: a seed, a stream's name, numbers. Leaves: integers, one per number.

A draw is a pure function of (seed, stream, number): splitmix64 in wrapping 64-bit arithmetic. No floats and no
library generator are involved, so neither a new NumPy nor another processor changes a simulated company.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Chance", "Draws", "Flags", "Ints", "along", "below", "happens", "limit_of", "pick"]

Ints = NDArray[np.int64]
Draws = NDArray[np.uint64]
Flags = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S32 = (np.uint64(bits) for bits in (27, 30, 31, 32))
_FRACTION_BITS = 16


class Chance:
    """The draws of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._salts: dict[str, np.uint64] = {}

    def words(self, stream: str, numbers: Ints) -> Draws:
        """64 random bits for each number; different numbers of one stream never share a word."""
        word = numbers.astype(np.uint64)
        word *= _GOLDEN
        word += self._salt(stream)
        word ^= word >> _S30
        word *= _FIRST
        word ^= word >> _S27
        word *= _SECOND
        word ^= word >> _S31
        return word

    def draws(self, stream: str, numbers: Ints) -> Draws:
        """A draw in [0, 2^32) for each number."""
        return self.words(stream, numbers) >> _S32

    def _salt(self, stream: str) -> np.uint64:
        if stream not in self._salts:
            digest = sha256(f"{self._seed}:{stream}".encode()).digest()
            self._salts[stream] = np.uint64(int.from_bytes(digest[:8], "little"))
        return self._salts[stream]


def below(draws: Draws, bound: int) -> Ints:
    """Evenly distributed integers in [0, bound)."""
    return ((draws * np.uint64(bound)) >> _S32).astype(np.int64)


def limit_of(share: float) -> int:
    """The draw below which something with this probability happens."""
    return round(share * 2**32)


def happens(draws: Draws, share: float) -> Flags:
    """True with the given probability."""
    return draws < np.uint64(limit_of(share))


def pick(draws: Draws, weights: Sequence[int]) -> Ints:
    """Positions in `weights`, each in proportion to its weight."""
    edges = np.cumsum(np.array(weights, dtype=np.uint64))[:-1]
    return np.searchsorted(edges, below(draws, sum(weights)).astype(np.uint64), side="right").astype(np.int64)


def along(draws: Draws, quantiles: Sequence[int]) -> Ints:
    """Values of a distribution given by 17 evenly spaced quantiles (0/16 to 16/16), straight in between.

    >>> import numpy as np
    >>> along(np.array([0, 2**31], dtype=np.uint64), [0] * 8 + [100] * 9).tolist()
    [0, 100]
    """
    table = np.array(quantiles, dtype=np.int64)
    slot = (draws >> np.uint64(28)).astype(np.int64)
    fraction = ((draws >> np.uint64(28 - _FRACTION_BITS)) & np.uint64(2**_FRACTION_BITS - 1)).astype(np.int64)
    low = table[slot]
    return low + ((table[slot + 1] - low) * fraction >> _FRACTION_BITS)
