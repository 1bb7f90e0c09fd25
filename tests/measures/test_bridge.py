"""The bridge's steps add up to the difference of two margins, whatever the data, and each is what it says."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from perunit.measures.bridge import STEPS, Book, Cell, levels
from perunit.model.money import exact

ACCOUNTS = ("gross_revenue", "discounts", "refunds", "fees", "other_cost")
AMOUNTS = st.decimals(-(10**9), 10**9, places=12)
QUANTITIES = st.decimals(0, 10**9, places=9)
CELLS = st.builds(
    Cell,
    st.integers(0, 10**6).map(Decimal),
    st.dictionaries(st.sampled_from(ACCOUNTS), AMOUNTS),
    st.dictionaries(st.sampled_from(["cpu", "bytes"]), QUANTITIES),
    st.dictionaries(st.sampled_from(["cpu", "bytes", ""]), st.decimals(-(10**6), 10**9, places=24)),
)
BOOKS = st.dictionaries(st.sampled_from([None, "eu", "us", "asia"]), CELLS, max_size=4)


def margin(book: Book) -> Decimal:
    """The margin, written out once more."""
    with exact():
        total = Decimal(0)
        for cell in book.values():
            total += cell.amounts.get("gross_revenue", Decimal(0))
            total -= sum((cell.amounts.get(name, Decimal(0)) for name in ACCOUNTS[1:]), Decimal(0))
            total -= sum(cell.costs.values(), Decimal(0))
        return total


@given(BOOKS, BOOKS, st.booleans())
def test_the_steps_lead_exactly_from_the_one_margin_to_the_other(before: Book, after: Book, mixed: bool) -> None:
    """To the last digit, with segments that come and go, without units, without rates."""
    found = levels(before, after, mixed=mixed)
    assert len(found) == len(STEPS) + (1 if mixed else 0)
    assert (found[0], found[-1]) == (margin(before), margin(after))
    with exact():
        steps = [later - earlier for earlier, later in pairwise(found)]
        assert found[0] + sum(steps, Decimal(0)) == found[-1]


@given(BOOKS)
def test_nothing_changed_makes_no_step(book: Book) -> None:
    """Each step of a period to itself is nothing, up to the rounding of levels."""
    found = levels(book, book, mixed=True)
    assert all(abs(level - found[0]) < Decimal("1e-11") for level in found)


def one(units: int, revenue: str, quantity: str, cost: str) -> Cell:
    """A segment with one meter."""
    return Cell(Decimal(units), {"gross_revenue": Decimal(revenue)}, {"cpu": Decimal(quantity)}, {"cpu": Decimal(cost)})


def steps(before: Book, after: Book) -> dict[str, Decimal]:
    """What each step comes to, those of nothing left out."""
    found = levels(before, after, mixed=True)
    named = dict(zip(STEPS, (later - earlier for earlier, later in pairwise(found)), strict=True))
    return {name: amount for name, amount in named.items() if amount}


def test_one_cause_makes_one_step() -> None:
    """Twice the units is volume, a higher price is price, more seconds are usage, dearer seconds the cost rate."""
    before = {"eu": one(10, "100", "50", "20")}
    assert steps(before, {"eu": one(20, "200", "100", "40")}) == {"volume": 80}
    assert steps(before, {"eu": one(10, "130", "50", "20")}) == {"price": 30}
    assert steps(before, {"eu": one(10, "100", "70", "28")}) == {"usage": -8}
    assert steps(before, {"eu": one(10, "100", "50", "25")}) == {"cost_rate": -5}


def test_mix_is_other_segments_share() -> None:
    """As many units, of which more are of the segment that earns less: only the mix has changed."""
    before = {"eu": one(10, "100", "50", "20"), "us": one(10, "40", "50", "20")}
    after = {"eu": one(5, "50", "25", "10"), "us": one(15, "60", "75", "30")}
    assert steps(before, after) == {"mix": -30}


def test_a_new_segment_is_taken_to_be_as_the_others_were() -> None:
    """It brings volume; what it differs by is price and usage, not mix."""
    before = {"eu": one(10, "100", "50", "20")}
    after = {"eu": one(10, "100", "50", "20"), "us": one(10, "70", "100", "40")}
    assert steps(before, after) == {"volume": 80, "price": -30, "usage": -20}
