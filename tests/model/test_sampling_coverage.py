"""A population with known truth, sampled hundreds of times: intervals of two errors hold the truth as often as said."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import pytest

from perunit.model.sampling import hajek, total, variance, weight_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WEIGHT = float(weight_of("e666"))
RUNS = 400
# Half the width of an interval of 95 %, in standard errors.
WIDTH = 1.959964


@dataclass(frozen=True)
class Order:
    """An order with the costs of its calls; of a critical one all is kept, of any other the `whole` part is."""

    critical: bool
    costs: tuple[float, ...]
    whole: float
    success: float


def population(random: Random) -> list[Order]:
    """Two thousand orders: one to four calls each, dearer ones failing more often, a tenth of them critical."""
    return [
        Order(
            critical=random.random() < 0.1,
            costs=(costs := tuple(random.lognormvariate(0, 0.6) for _ in range(random.randint(1, 4)))),
            whole=random.uniform(0, 0.5),
            success=float(random.random() < 1 / (1 + sum(costs) / 10)),
        )
        for _ in range(2000)
    ]


Part = tuple[float, float, float]
# (what is sampled of an order, what is always kept of it, what it is divided by)
Value = tuple[float, float, float]


def drawn(orders: list[Order], random: Random, of: Callable[[Order], Value]) -> list[Sequence[Part]]:
    """One sample, by one random number an order: (weight, y, z) of what is kept of each."""
    kept: list[Sequence[Part]] = []
    for order in orders:
        sampled, whole, z = of(order)
        weight = 1.0 if order.critical else WEIGHT
        here = random.random() * weight < 1
        kept.append([(1.0, whole, 0.0), *([(weight, sampled, z)] if here else [])])
    return kept


def cost(order: Order) -> Value:
    """What it costs, and that it is one."""
    return sum(order.costs), order.whole, 1.0


def outcome(order: Order) -> Value:
    """Whether it succeeded, and that it was tried."""
    return order.success, 0.0, 1.0


@pytest.mark.parametrize("of", [cost, outcome], ids=["cost", "outcome"])
def test_intervals_of_totals_and_ratios_hold_the_truth_as_often_as_said(of: Callable[[Order], Value]) -> None:
    """In 92 to 98 of 100 samples, with critical orders whole and parts of every order unsampled."""
    random = Random(20260301)
    orders = population(random)
    y, z = sum(of(order)[0] + of(order)[1] for order in orders), float(len(orders))
    totals = ratios = 0
    for _ in range(RUNS):
        sample = drawn(orders, random, of)
        values = [[(w, value) for w, value, _ in unit] for unit in sample]
        totals += abs(total(values) - y) <= WIDTH * variance(values) ** 0.5
        ratio, spread = hajek(sample)
        ratios += abs(ratio - y / z) <= WIDTH * spread**0.5
    assert 0.92 <= totals / RUNS <= 0.98
    assert 0.92 <= ratios / RUNS <= 0.98


def test_a_variance_over_events_would_be_too_small() -> None:
    """Calls of one order are kept together: taken one by one, far fewer intervals hold the truth."""
    random = Random(20260301)
    orders = population(random)
    truth = sum(sum(order.costs) for order in orders)
    held = 0
    for _ in range(RUNS):
        kept = [o for o in orders if random.random() * (1.0 if o.critical else WEIGHT) < 1]
        calls = [[(1.0 if o.critical else WEIGHT, each)] for o in kept for each in o.costs]
        held += abs(total(calls) - truth) <= WIDTH * variance(calls) ** 0.5
    assert held / RUNS < 0.88
