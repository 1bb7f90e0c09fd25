"""The Shapley value of a small cost game. Enters: what groups of players cost. Leaves: what each player bears."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

__all__ = ["PLAYERS_MAX", "shapley_values"]

# 2^12 groups are summed for each player.
PLAYERS_MAX = 12


def shapley_values(costs: Mapping[frozenset[str], Decimal]) -> dict[str, Fraction]:
    """What each player adds to the cost of those before it, averaged over every order of arrival, exactly.

    A group whose cost is not stated costs as much as the dearest group within it. Source: Shapley, "A value for
    n-person games" (1953); the airport game is Littlechild and Owen's (1973).

    >>> from decimal import Decimal
    >>> runways = {"a": 8, "b": 11, "c": 13, "d": 18}
    >>> game = {frozenset(name): Decimal(cost) for name, cost in runways.items()}
    >>> {name: int(value) for name, value in shapley_values(game).items()}
    {'a': 2, 'b': 3, 'c': 4, 'd': 9}
    """
    players = sorted(frozenset[str]().union(*costs))
    known = _completed(players, costs)
    return {player: _value(player, players, known) for player in players}


def _completed(players: list[str], costs: Mapping[frozenset[str], Decimal]) -> dict[frozenset[str], Fraction]:
    known = {frozenset[str](): Fraction(0)}
    for size in range(1, len(players) + 1):
        for group in map(frozenset, combinations(players, size)):
            known[group] = Fraction(costs[group]) if group in costs else max(known[group - {one}] for one in group)
    return known


def _value(player: str, players: list[str], known: dict[frozenset[str], Fraction]) -> Fraction:
    others = [each for each in players if each != player]
    value = Fraction(0)
    for size in range(len(players)):
        added = sum(known[group | {player}] - known[group] for group in map(frozenset, combinations(others, size)))
        value += added * Fraction(factorial(size) * factorial(len(others) - size), factorial(len(players)))
    return value
