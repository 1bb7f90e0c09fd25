"""Formulas: what is known, what is not, and where is divided."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perunit.measures.formula import Change, Part, Ratio, Spread, Total, evaluate

A, B = Part("a"), Part("b")
AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=12)


def digits(number: Decimal) -> int:
    """The number without its point, by its text, so that no decimal context can round it."""
    return int(f"{number:f}".replace(".", ""))


def test_a_total_adds_what_is_known() -> None:
    """An unknown part adds nothing; without any known part the total is unknown."""
    total = Total((A,), (B,))
    assert evaluate(total, {"a": Decimal(3)}) == Decimal(3)
    assert evaluate(total, {"b": Decimal(3)}) == Decimal(-3)
    assert evaluate(total, {"a": None}) is None


def test_a_ratio_needs_both_sides() -> None:
    """Nothing to divide, or nothing to divide by, is unknown and not 0."""
    assert evaluate(Ratio(A, B), {"a": Decimal(1), "b": 0}) is None
    assert evaluate(Ratio(A, B), {"b": 4}) is None


@given(AMOUNTS, AMOUNTS)
def test_totals_are_exact(first: Decimal, second: Decimal) -> None:
    """No digit is lost in a total, however far apart its parts are."""
    tiny = Decimal(1).scaleb(-24)
    total = evaluate(Total((A, B), (Part("c"),)), {"a": first, "b": second, "c": tiny})
    assert total is not None
    assert total.as_tuple().exponent == -24
    assert digits(total) == (digits(first) + digits(second)) * 10**12 - 1


def test_a_change_is_relative_to_the_size_of_the_base() -> None:
    """From −4 to −3 is a rise of a quarter; against nothing the change is unknown."""
    assert evaluate(Change(A), {"a": Decimal(-3)}, before={"a": Decimal(-4)}) == Decimal("0.25")
    assert evaluate(Change(A), {"a": Decimal(-3)}, before={"a": Decimal(0)}) is None
    assert evaluate(Change(A), {"a": Decimal(1)}) is None


def test_a_spread_is_the_sample_standard_deviation() -> None:
    """2, 4, 9 have mean 5 and variance (9 + 1 + 16) / 2 = 13; days without a value are left out."""
    days = (*tuple({"a": Decimal(each)} for each in (2, 4, 9)), {"a": None})
    spread = evaluate(Spread(A), {}, days=days)
    assert spread is not None
    assert abs(spread**2 - 13) < Decimal("1e-30")
    assert evaluate(Spread(A), {}, days=days[:1]) is None


def test_a_change_is_no_part_of_a_formula() -> None:
    """What looks at several buckets cannot be summed: a bug, and loud."""
    with pytest.raises(TypeError, match="several buckets"):
        evaluate(Total((Change(A),)), {"a": Decimal(1)})
