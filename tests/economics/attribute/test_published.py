"""Published worked examples of every way to split cost come out to the digit."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

instant = datetime.fromisoformat
NODE = {"name": "node", "method": "usage", "match": "true", "resource": "resource_id"}


def measured(store: Any, meter: str, by_cell: Mapping[int, str]) -> None:
    """An hour of a meter on node i-1."""
    for cell, quantity in by_cell.items():
        store.usage(cell, quantity, meter=meter)


def stated(name: str, method: str = "step_down", **weights: int) -> dict[str, Any]:
    """A department's rule; a weight of `to_x` goes on to rule x."""
    keys = {f"rule:{key[3:]}" if key.startswith("to_") else key: weight for key, weight in weights.items()}
    return {"name": name, "method": method, "match": f"service_name = '{name}'", "unit": "order", "weights": keys}


def test_requests_count_where_less_was_used(store: Any) -> None:
    """OpenCost: the larger of request and usage. Requests of 30, 30 and 10 share 35 as 15, 15 and 5."""
    store.charge("35", resource_id="i-1")
    measured(store, "requested", {1: "30", 2: "30", 3: "10"})
    measured(store, "used", {1: "12", 2: "30"})
    store.allocate(NODE | {"meter": "used", "at_least": "requested"})
    assert store.parts("cell_id, billed_cost") == [(1, 15), (2, 15), (3, 5)]


def test_what_is_used_beyond_its_request_counts(store: Any) -> None:
    """The first cell used 60 of the 30 it requested: 60, 30 and 10 of 100."""
    store.charge("35", resource_id="i-1")
    measured(store, "requested", {1: "30", 2: "30", 3: "10"})
    measured(store, "used", {1: "25", 2: "30"})
    measured(store, "used", {1: "35"})
    store.allocate(NODE | {"meter": "used", "at_least": "requested"})
    assert store.parts("cell_id, billed_cost") == [(1, 21), (2, Decimal("10.5")), (3, Decimal("3.5"))]


@pytest.mark.parametrize(
    ("idle", "expected"),
    [
        ("share", {1: "0.229199372056514914", 2: "0.400313971742543171", 3: "0.370486656200941915"}),
        ("separate", {1: "0.218210361067503924", 2: "0.383830455259026688", None: "0.038461538461538462"}),
    ],
)
def test_aws_pods_share_a_dollar_of_cpu_and_memory_at_9_to_1(
    store: Any, idle: str, expected: dict[int | None, str]
) -> None:
    """AWS split cost allocation: 4 vCPU and 16 GB for $1 an hour give .2292, .4003 and twice .1852.

    The first pod reserves 1 vCPU and 4 GB, the second uses 1.9 vCPU and 6 GB, the last two reserve 1 and 2 GB each.
    More CPU is taken than there is, and 2 of 16 GB are unused: 2 ÷ 52 of a dollar, which AWS shares.
    """
    store.charge("1", resource_id="i-1")
    measured(store, "cpu_reserved", {1: "1", 2: "1", 3: "2"})
    measured(store, "cpu", {1: "0.1", 2: "1.9", 3: "1"})
    measured(store, "memory_reserved", {1: "4", 2: "4", 3: "4"})
    measured(store, "memory", {1: "3", 2: "6", 3: "4"})
    meters = {
        "cpu": {"weight": 9, "capacity": "4", "at_least": "cpu_reserved"},
        "memory": {"weight": 1, "capacity": "16", "at_least": "memory_reserved"},
    }
    store.allocate(NODE | {"meters": meters, "idle": idle})
    found = dict(store.engine.rows("SELECT cell_id, sum(billed_cost) FROM allocations GROUP BY 1"))
    assert sum(found.values()) == 1
    assert {cell: found[cell] for cell in expected} == {
        cell: pytest.approx(Decimal(cost), abs=Decimal("3e-18")) for cell, cost in expected.items()
    }


def test_a_blend_without_a_capacity_is_unallocated(store: Any) -> None:
    """How much of the price is for memory is unknown then, so nothing of it is guessed."""
    store.charge("1", resource_id="i-1")
    measured(store, "cpu", {1: "1"})
    meters = {"cpu": {"weight": 9, "capacity": "4"}, "memory": {"weight": 1, "capacity": "consumed_quantity"}}
    store.allocate(NODE | {"meters": meters})
    assert store.parts("kind, billed_cost, reason") == [("unallocated", 1, "the line states no capacity of each meter")]


def test_arbon_steps_three_departments_down(store: Any) -> None:
    """Garrison's Arbon Company: employees, square feet and machine-hours give 327,500 and 615,000 of 942,500."""
    costs = {"admin": "84000", "janitor": "67800", "upkeep": "36000", "prep": "256100", "finish": "498600"}
    for name, cost in costs.items():
        store.charge(cost, service_name=name)
    store.allocate(
        stated("admin", to_janitor=60, to_upkeep=240, to_prep=600, to_finish=300),
        stated("janitor", to_upkeep=10_000, to_prep=20_000, to_finish=70_000),
        stated("upkeep", to_prep=10_000, to_finish=30_000),
        stated("prep", "fixed", preparation=1),
        stated("finish", "fixed", finishing=1),
    )
    found = store.engine.rows("SELECT unit_key, sum(billed_cost) FROM allocations GROUP BY 1 ORDER BY 1")
    assert found == [("finishing", 615_000), ("preparation", 327_500)]


def test_the_airport_game_by_its_shapley_value(store: Any) -> None:
    """Runways of 8, 11, 13 and 18 cost 2, 3, 4 and 9: what each airline adds, over every order of arrival."""
    store.charge("18", service_name="runway")
    costs = [{"units": [name], "cost": cost} for name, cost in zip("abcd", (8, 11, 13, 18), strict=True)]
    store.allocate({"name": "runway", "method": "shapley", "match": "true", "unit": "order", "costs": costs})
    assert store.parts("kind, unit_key, billed_cost") == [
        ("shared", "a", 2),
        ("shared", "b", 3),
        ("shared", "c", 4),
        ("shared", "d", 9),
    ]


def test_a_savings_plan_is_billed_upfront_and_used_by_the_day(store: Any) -> None:
    """FOCUS: 459,035.52 billed and 1,269.12 effective, of it 943.20 used, 314.40 unused and 11.52 on demand.

    The published sums are those of a year's plan, 365 days at 1,257.60, on its first day.
    """
    plan = {"commitment_discount_id": "plan", "service_name": "Compute"}
    day = {"hours": 24, "resource_id": "i-1"}
    store.charge("459024.00", "0.00", hours=24 * 365, charge_category="Purchase", **plan)
    store.charge("0", "943.20", commitment_discount_status="Used", **plan, **day)
    store.charge("0", "314.40", commitment_discount_status="Unused", **plan, hours=24)
    store.charge("11.52", service_name="Compute", **day)
    store.usage(1, "2")
    store.usage(2, "1")
    rule = {"name": "compute", "method": "usage", "meter": "cpu_seconds", "match": "service_name = 'Compute'"}
    store.allocate(rule | {"match": "service_name = 'Compute' and charge_category = 'Usage'"})
    found = {
        (kind, cell): (billed, effective)
        for kind, cell, billed, effective in store.engine.rows(
            "SELECT kind, cell_id, sum(billed_cost), sum(effective_cost) FROM allocations GROUP BY ALL"
        )
    }
    assert found == {
        ("usage", 1): (Decimal("7.68"), Decimal("636.48")),
        ("usage", 2): (Decimal("3.84"), Decimal("318.24")),
        ("idle", None): (0, Decimal("314.40")),
        ("unallocated", None): (Decimal("459024"), 0),
    }
    assert sum(billed for billed, _ in found.values()) == Decimal("459035.52")
    assert sum(effective for _, effective in found.values()) == Decimal("1269.12")


@pytest.mark.parametrize("column", [{"commitment_discount_status": "Unused"}, {"allocated_part": "unused"}])
def test_what_is_called_unused_is_idle_unless_its_rule_shares_it(store: Any, column: dict[str, str]) -> None:
    """A commitment or a split-cost row: without a rule, and under one that keeps idle apart, nobody bears it."""
    store.charge("3", **column)
    store.opened(1, 1)
    even = {"name": "all", "method": "even", "unit": "order", "match": "true"}
    store.allocate()
    assert store.parts("rule, method, kind") == [("unused", "unused", "idle")]
    store.allocate(even)
    assert store.parts("rule, method, kind") == [("all", "unused", "idle")]
    store.allocate(even | {"idle": "share"})
    assert store.parts("rule, method, kind, cell_id") == [("all", "even", "shared", 1)]
