"""The Shapley value: all cost is borne, equals bear equally, who adds nothing bears nothing."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from perunit.model.shapley import shapley_values

Game = dict[frozenset[str], Decimal]
games = st.dictionaries(
    st.frozensets(st.sampled_from("abcd"), min_size=1), st.integers(1, 10**12).map(Decimal), min_size=1, max_size=8
)


@settings(deadline=None)
@given(games)
def test_all_cost_is_borne(game: Game) -> None:
    """The values sum to the cost of all players together, exactly."""
    everyone = frozenset[str]().union(*game)
    game[everyone] = Decimal(10**12)
    assert sum(shapley_values(game).values()) == Fraction(10**12)


@settings(deadline=None)
@given(games)
def test_who_adds_nothing_bears_nothing(game: Game) -> None:
    """A player that changes the cost of no group has the value zero, and the others keep theirs."""
    joined = game | {group | {"x"}: cost for group, cost in game.items()}
    assert shapley_values(joined) == shapley_values(game) | {"x": Fraction(0)}


@settings(deadline=None)
@given(games)
def test_equals_bear_equally(game: Game) -> None:
    """Two players that cost the same in any company have the same value."""
    without = {group - {"a", "b"}: cost for group, cost in game.items() if group - {"a", "b"}}
    alike = {frozenset("a"): Decimal(7), frozenset("b"): Decimal(7), frozenset("ab"): Decimal(9)}
    values = shapley_values(without | alike)
    assert values["a"] == values["b"]


def test_two_partners_share_what_they_save() -> None:
    """Apart 10 and 6, together 12: each saves 2."""
    costs = {frozenset("a"): Decimal(10), frozenset("b"): Decimal(6), frozenset("ab"): Decimal(12)}
    assert shapley_values(costs) == {"a": 8, "b": 4}
