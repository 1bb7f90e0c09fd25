"""Pools split by stated weights, at once or by way of other rules."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perunit.measures.receipt_bills import bill_lines

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = "unit_key, billed_cost"


def rule(name: str, weights: dict[str, Any], method: str = "fixed") -> dict[str, Any]:
    """A rule that takes the lines of the service of its name."""
    return {"name": name, "method": method, "match": f"service_name = '{name}'", "unit": "order", "weights": weights}


def test_the_airport_game_is_four_fixed_rules(store: Any) -> None:
    """Runways of 8, 11, 13 and 18: each increment is shared by those who need it, which gives 2, 3, 4 and 9."""
    for name, cost in (("r1", "8"), ("r2", "3"), ("r3", "2"), ("r4", "5")):
        store.charge(cost, service_name=name)
    store.allocate(*(rule(f"r{n}", dict.fromkeys("abcd"[n - 1 :], 1)) for n in (1, 2, 3, 4)))
    found = store.engine.rows("SELECT unit_key, sum(billed_cost) FROM allocations GROUP BY 1 ORDER BY 1")
    assert found == [("a", 2), ("b", 3), ("c", 4), ("d", 9)]


def test_a_hand_worked_step_down(store: Any) -> None:
    """100 of service s: 20% to t, 50% to p, 30% to f; t splits its 20 as 3 to 1, so p has 50 + 15 and f 30 + 5."""
    store.charge("100", service_name="s")
    store.allocate(rule("s", {"rule:t": 2, "p": 5, "f": 3}, "step_down"), rule("t", {"p": "0.75", "f": "0.25"}))
    assert store.parts(f"rule, kind, {PARTS}") == [("s", "shared", "f", 35), ("s", "shared", "p", 65)]
    assert [(bill.kind, bill.effective_cost) for bill in bill_lines(store.engine, {"order": ["p"]})] == [("shared", 65)]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(-(10**31), 10**31),
    st.lists(st.lists(st.integers(1, 10**26), min_size=5, max_size=5), min_size=1, max_size=4),
)
def test_any_step_down_conserves_its_pools(make_store: Callable[[], Any], quanta: int, graph: list[list[int]]) -> None:
    """Every rule hands on to all rules after it; no quantum is lost, and parts have the sign of their pool."""
    store, rules = make_store(), []
    for at, row in enumerate(graph):
        keys = ["x", "y", *(f"rule:r{after}" for after in range(at + 1, len(graph)))]
        weights = {key: Decimal(weight).scaleb(-9) for key, weight in zip(keys, row, strict=False)}
        rules.append(rule(f"r{at}", weights, "step_down"))
    amount = Decimal(quanta).scaleb(-18)
    store.charge(f"{amount:f}", service_name="r0")
    store.allocate(*rules)
    costs = [cost for (cost,) in store.parts("billed_cost")]
    assert store.engine.value("SELECT sum(billed_cost) FROM allocations") == amount
    assert all(cost * quanta >= 0 for cost in costs)
