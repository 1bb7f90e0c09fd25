"""A sampled service bears what its whole usage comes to, and every bill still sums to its lines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CPU = {"name": "cpu", "method": "usage", "meter": "cpu_seconds", "resource": "resource_id"}


def weigh(store: Any, cell_id: int, weight: str | None) -> None:
    """Says how many stand behind the events of a cell."""
    store.engine.execute("UPDATE cells SET weight = $weight WHERE cell_id = $cell", {"weight": weight, "cell": cell_id})


def test_sampled_usage_bears_its_whole_share(store: Any) -> None:
    """Ten seconds that stand for a hundred weigh as much as a hundred that were all kept."""
    store.charge("35", resource_id="i-1")
    store.usage(1, "10")
    store.usage(2, "100")
    weigh(store, 1, "10")
    store.allocate(CPU)
    assert store.parts("cell_id, billed_cost") == [(1, Decimal("17.5")), (2, Decimal("17.5"))]


def test_usage_of_unknown_weight_counts_as_it_is(store: Any) -> None:
    """Nobody knows how much it stands for, so it bears what is there."""
    store.charge("30", resource_id="i-1")
    store.usage(1, "10")
    store.usage(2, "20")
    weigh(store, 1, None)
    store.allocate(CPU)
    assert store.parts("cell_id, billed_cost") == [(1, 10), (2, 20)]


def test_a_capacity_is_held_against_the_whole_usage(store: Any) -> None:
    """Half of the node was used, though only a tenth of that was measured."""
    store.charge("40", resource_id="i-1", consumed_quantity=Decimal(200))
    store.usage(1, "10")
    weigh(store, 1, "10")
    store.allocate(CPU | {"capacity": "consumed_quantity"})
    assert store.parts() == [("idle", None, 20), ("usage", 1, 20)]


@pytest.mark.parametrize(("to", "parts"), [("revenue", (20, 10)), ("events", (20, 10)), ("variable_cost", (20, 10))])
def test_measures_that_a_rule_follows_are_weighted(store: Any, to: str, parts: tuple[int, int]) -> None:
    """Amounts, counts and list-priced costs of a sample count as often as they stand for."""
    store.charge("30", charge_category="Tax")
    for cell in (1, 2):
        store.amounts(cell, revenue="5", cost="3")
    weigh(store, 1, "2")
    store.allocate({"name": "shared", "method": "proportional", "to": to})
    assert store.parts("cell_id, billed_cost") == [(1, parts[0]), (2, parts[1])]


def test_what_a_bill_was_found_to_cost_is_not_weighted_again(store: Any) -> None:
    """Variable cost borne by usage is the whole already: tax follows it as it stands."""
    store.charge("40", resource_id="i-1")
    store.charge("4", charge_category="Tax")
    store.usage(1, "10")
    store.usage(2, "100")
    weigh(store, 1, "10")
    rule = {"name": "tax", "method": "proportional", "to": "variable_cost", "match": "charge_category = 'Tax'"}
    store.allocate(rule, CPU)
    assert store.parts("cell_id, billed_cost") == [(1, 2), (1, 20), (2, 2), (2, 20)]


@settings(deadline=None, max_examples=15, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cost=st.integers(-(10**20), 10**20).map(lambda quanta: Decimal(quanta).scaleb(-18)),
    weights=st.tuples(*[st.sampled_from([None, "1", "3.0000457771", "9.999389685688126717", "72057594037927936"])] * 3),
    quantities=st.tuples(*[st.integers(0, 10**12)] * 3),
)
def test_a_bill_is_conserved_whatever_the_weights(
    store: Any, cost: Decimal, weights: tuple[str | None, ...], quantities: tuple[int, ...]
) -> None:
    """The parts sum to the line to the last digit, and no one who used more bears less."""
    for table in ("rollup_usage", "charges", "bills"):
        store.engine.execute(f"DELETE FROM {table}")
    store.lines.clear()
    store.charge(f"{cost:f}", resource_id="i-1")
    for cell, (weight, quantity) in enumerate(zip(weights, quantities, strict=True), start=1):
        store.usage(cell, f"{Decimal(quantity).scaleb(-9):f}")
        weigh(store, cell, weight)
    store.allocate(CPU)
    assert store.engine.value("SELECT sum(billed_cost) FROM allocations") == cost
