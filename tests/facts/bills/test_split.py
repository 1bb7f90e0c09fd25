"""AWS split cost allocation: the cost of an instance is given to the pods and tasks on it, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from perunit.engine.duckdb import Engine

    Load: TypeAlias = Callable[..., Any]
    Table: TypeAlias = Callable[..., str]

NODE = {
    "bill_payer_account_id": "111",
    "bill_billing_period_start_date": "2026-05-01T00:00:00Z",
    "bill_billing_period_end_date": "2026-06-01T00:00:00Z",
    "line_item_line_item_type": "Usage",
    "line_item_usage_start_date": "2026-05-01T00:00:00Z",
    "line_item_usage_end_date": "2026-05-01T01:00:00Z",
    "line_item_usage_type": "EUC1-BoxUsage:m5.xlarge",
    "line_item_resource_id": "i-1",
    "line_item_usage_amount": "1",
    "line_item_currency_code": "USD",
    "line_item_unblended_cost": "1",
    "split_line_item_parent_resource_id": "",
    "split_line_item_split_cost": "",
    "split_line_item_unused_cost": "",
    "resource_tags": '{"user_node":"n1"}',
}


def pod(name: str, used: str, unused: str = "0", **change: str) -> dict[str, str]:
    """A split row of the node."""
    row = {
        "line_item_usage_type": "EUC1-EKS-EC2-vCPU-Hours",
        "line_item_resource_id": name,
        "line_item_unblended_cost": "0",
        "split_line_item_parent_resource_id": "i-1",
        "split_line_item_split_cost": used,
        "split_line_item_unused_cost": unused,
        "resource_tags": f'{{"user_app":"{name}"}}',
    }
    return NODE | row | change


def parts(engine: Engine) -> list[tuple[Any, ...]]:
    """Who bears what."""
    return engine.rows("SELECT allocated_resource_id, allocated_part, billed_cost FROM charges ORDER BY line")


def test_the_published_example_of_aws(engine: Engine, load: Load, table: Table) -> None:
    """An instance of 1 USD an hour; published shares .2292, .4003, .1852, .1852, here of a whole that they sum to."""
    shares = {"pod1": "0.2292", "pod2": "0.4003", "pod3": "0.1852", "pod4": "0.1852"}
    (result,) = load(table(NODE, *(pod(name, share) for name, share in shares.items())))
    found = parts(engine)
    assert (result.lines, result.billed_cost) == (4, 1)
    assert sum(cost for *_, cost in found) == 1
    for name, part, cost in found:
        assert part == "used"
        assert abs(cost - Decimal(shares[name])) < Decimal("0.0001")


def test_used_and_unused_parts_are_charges_of_their_own(engine: Engine, load: Load, table: Table) -> None:
    """Of 1 USD: 0.5 and 0.3 used, 0.1 of each pod unused; they keep the node's words and carry the pod's tags."""
    load(table(NODE, pod("a", "0.5", "0.1"), pod("b", "0.3", "0.1"), NODE | {"line_item_resource_id": "i-2"}))
    assert parts(engine) == [
        ("a", "used", Decimal("0.5")),
        ("a", "unused", Decimal("0.1")),
        ("b", "used", Decimal("0.3")),
        ("b", "unused", Decimal("0.1")),
        (None, None, Decimal(1)),
    ]
    assert engine.rows(
        "SELECT DISTINCT resource_id, tags['node'], allocated_tags['app'], allocated_method_id, "
        "sum(consumed_quantity) OVER () FROM charges WHERE allocated_part = 'used' ORDER BY ALL"
    ) == [
        ("i-1", "n1", "a", "AWS split cost allocation", Decimal("0.8")),
        ("i-1", "n1", "b", "AWS split cost allocation", Decimal("0.8")),
    ]


def test_only_the_instance_s_own_hours_are_split(engine: Engine, load: Load, table: Table) -> None:
    """Traffic of the instance, another hour and split rows without their instance stay as they are."""
    traffic = NODE | {"line_item_usage_type": "EUC1-DataTransfer-Out-Bytes", "line_item_unblended_cost": "0.2"}
    later = {"line_item_usage_start_date": "2026-05-01T01:00:00Z", "line_item_usage_end_date": "2026-05-01T02:00:00Z"}
    (result,) = load(
        table(
            NODE,
            traffic,
            NODE | later,
            pod("a", "1"),
            pod("z", "1", line_item_usage_type="x", split_line_item_parent_resource_id="i-9"),
        )
    )
    assert result.billed_cost == Decimal("2.2")
    assert parts(engine) == [
        ("a", "used", Decimal(1)),
        (None, None, Decimal("0.2")),
        (None, None, Decimal(1)),
        (None, None, Decimal(0)),
    ]


weights = st.decimals(min_value=0, max_value=1000, places=10)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    costs=st.lists(st.decimals(min_value=-1000, max_value=10**6, places=18), min_size=1, max_size=3),
    pods=st.lists(st.tuples(weights, weights), min_size=1, max_size=6),
)
def test_the_parts_sum_to_the_line_to_the_last_digit(
    engine: Engine, load: Load, table: Table, costs: list[Decimal], pods: list[tuple[Decimal, Decimal]]
) -> None:
    """Whatever the weights are; the bill's total does not change, and the same file changes nothing."""
    nodes = [NODE | {"line_item_unblended_cost": f"{cost:f}"} for cost in costs]
    rows = [pod(f"p{place}", f"{used:f}", f"{unused:f}") for place, (used, unused) in enumerate(pods)]
    content = table(*nodes, *rows)
    (result,) = load(content)
    assert result.billed_cost == result.effective_cost == sum(costs)
    assert load(content)[0].status == "unchanged"
    stored = engine.value("SELECT sum(billed_cost) FROM charges WHERE bill_id = $id", {"id": result.bill_id})
    assert stored == sum(costs)
