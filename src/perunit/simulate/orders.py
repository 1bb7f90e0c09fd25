"""Orders as vectors. Enters: order numbers. Leaves: for each, who ordered what when, and how the checkout went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perunit.simulate import company
from perunit.simulate.chance import Chance, Flags, Ints, below, happens, limit_of, pick
from perunit.simulate.scenario import BLOCK_MS, DAY_MS, Scenario

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ATTEMPTS", "Checkout", "Orders", "checkout_of", "customers", "orders_of"]

ATTEMPTS = 3
NO_USER = -1
_FREE, _STARTER = company.PLANS.index("free"), company.PLANS.index("starter")
_IOS = company.CHANNELS.index("ios")
_GUESTS = 0.06
_ROLLOUT = 0.2
_FAILS, _FAILS_FREE, _FAILS_IN_OUTAGE, _RETRIES = 0.05, 0.01, 0.62, 0.75
_DISCOUNTED = 0.18


@dataclass(frozen=True, slots=True)
class Orders:
    """One element an order. `user` is -1 for a guest; amounts are cents; `release` and the like are positions."""

    number: Ints
    time: Ints
    user: Ints
    plan: Ints
    region: Ints
    channel: Ints
    release: Ints
    items: Ints
    amount: Ints
    discount: Ints
    tax: Ints

    @property
    def paid(self) -> Flags:
        """Whether the plan charges for orders."""
        paid: Flags = self.plan != _FREE
        return paid


@dataclass(frozen=True, slots=True)
class Checkout:
    """The attempts to check out, up to three an order: whether each was made, failed, and when."""

    made: tuple[Flags, ...]
    failed: tuple[Flags, ...]
    time: tuple[Ints, ...]
    completed: Flags
    end: Ints


def customers(chance: Chance, users: Ints) -> tuple[Ints, Ints]:
    """The plan and the region of each user; both stay for life."""
    plan = pick(chance.draws("user plan", users), company.PLAN_WEIGHTS)
    return plan, pick(chance.draws("user region", users), company.REGION_WEIGHTS)


def orders_of(scenario: Scenario, number: Ints) -> Orders:
    """The orders of these numbers; numbers run from 0 in the order of the five-minute blocks."""
    chance = scenario.chance
    time = _placed_at(scenario, number)
    user, plan, region = _placed_by(scenario, number)
    items = 1 + pick(chance.draws("items", number), (60, 22, 10, 5, 3))
    amount = items * _item_cents(chance, number, plan)
    discount = np.where(happens(chance.draws("discount", number), _DISCOUNTED), amount // 10, 0)
    tax = (amount - discount) * np.array(company.TAX_PERCENT)[region] // 100
    channel = pick(chance.draws("channel", number), company.CHANNEL_WEIGHTS)
    release = _release(scenario, number, (time - scenario.start) // DAY_MS)
    return Orders(number, time, user, plan, region, channel, release, items, amount, discount, tax)


def _placed_at(scenario: Scenario, number: Ints) -> Ints:
    """Numbers rise with time: each order has its own share of its block, and falls somewhere in it."""
    placed = scenario.placed_before
    block = np.searchsorted(placed, number, side="right").astype(np.int64) - 1
    within, count = number - placed[block], placed[block + 1] - placed[block]
    jitter = below(scenario.chance.draws("time", number), BLOCK_MS)
    return scenario.block_start(0) + block * BLOCK_MS + (within * BLOCK_MS + jitter) // count


def _placed_by(scenario: Scenario, number: Ints) -> tuple[Ints, Ints, Ints]:
    chance = scenario.chance
    # The square of an even draw: few customers order often, most seldom.
    draw = chance.draws("user", number)
    user = below(draw * draw >> np.uint64(32), scenario.users)
    guest = happens(chance.draws("guest", number), _GUESTS)
    plan, region = customers(chance, user)
    guest_region = pick(chance.draws("guest region", number), company.REGION_WEIGHTS)
    return (
        np.where(guest, NO_USER, user),
        np.where(guest, _STARTER, plan),
        np.where(guest, guest_region, region),
    )


def _item_cents(chance: Chance, number: Ints, plan: Ints) -> Ints:
    least = np.array([low for low, _ in company.ITEM_CENTS])[plan]
    width = np.array([width for _, width in company.ITEM_CENTS])[plan]
    cents: Ints = least + (below(chance.draws("price", number), 1 << 20) * width >> 20)
    return cents


def _release(scenario: Scenario, number: Ints, day: Ints) -> Ints:
    newest = scenario.release_of(day)
    waits = scenario.is_first_day(day) & ~happens(scenario.chance.draws("rollout", number), _ROLLOUT)
    release: Ints = newest - waits.astype(np.int64)
    return release


def checkout_of(scenario: Scenario, orders: Orders) -> Checkout:
    """Failed attempts are mostly retried, twice at most; the attempts of one order share an intent."""
    chance, number = scenario.chance, orders.number
    limit = _failure_limit(scenario, orders)
    at = orders.time + 20_000 + below(chance.draws("checkout time", number), 160_000)
    made, failed, times = [], [], []
    trying = np.ones(len(number), dtype=np.bool_)
    for attempt in range(ATTEMPTS):
        fails = trying & (chance.draws(f"fails {attempt}", number) < limit)
        made.append(trying)
        failed.append(fails)
        times.append(at)
        trying = fails & happens(chance.draws(f"retries {attempt}", number), _RETRIES)
        at = at + np.where(trying, 15_000 + below(chance.draws(f"pause {attempt}", number), 45_000), 0)
    completed = np.logical_or.reduce([once & ~fails for once, fails in zip(made, failed, strict=True)])
    end = at + 200 + below(chance.draws("end", number), 4_800)
    return Checkout(tuple(made), tuple(failed), tuple(times), completed, end)


def _failure_limit(scenario: Scenario, orders: Orders) -> NDArray[np.uint64]:
    limit = np.where(orders.paid, np.uint64(limit_of(_FAILS)), np.uint64(limit_of(_FAILS_FREE)))
    begin, end = scenario.outage
    out = (orders.channel == _IOS) & orders.paid & (orders.time >= begin) & (orders.time < end)
    return np.where(out, np.uint64(limit_of(_FAILS_IN_OUTAGE)), limit)
