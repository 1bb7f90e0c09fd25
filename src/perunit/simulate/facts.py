"""What happened, as vectors. Enters: orders. Leaves: their events, each once, with every number as an integer.

Amounts are cents, third-party costs hundredths of a cent, processor time milliseconds, latency microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from perunit.simulate import company
from perunit.simulate.chance import Chance, Flags, Ints, along, below, happens, pick
from perunit.simulate.company import KIND
from perunit.simulate.orders import ATTEMPTS, Checkout, Orders, checkout_of, orders_of
from perunit.simulate.scenario import DAY_MS, HOUR_MS, Scenario

__all__ = ["COLUMNS", "CONFLICT", "DUPLICATE", "ORIGINAL", "Facts", "comes", "facts_of", "joined"]

COLUMNS = (
    *("order", "slot", "kind", "time", "recorded", "arrival", "copy", "user", "plan", "region", "channel"),
    *("release", "keyed", "items", "amount", "discount", "tax", "refund", "commission", "cost", "cpu_ms"),
    *("egress_bytes", "exports", "latency_us", "resource", "tokens_in", "tokens_out", "outcome", "attempt"),
    *("detail", "late"),
)
_ROW = {name: row for row, name in enumerate(COLUMNS)}

ORIGINAL, DUPLICATE, CONFLICT = 0, 1, 2
SUCCESS, FAILURE = 1, 2
NO_CHANNEL = -1

_TEAM, _PRO = company.PLANS.index("team"), company.PLANS.index("pro")
_PARTNER = company.CHANNELS.index("partner")
_HEAVY_PERCENT = 140
_CALLS = (50, 35, 15)
_EXPORTING, _ERRORS, _ORPHANS = 0.2, 0.006, 0.004
_LLM, _RISK, _RISK_DEEP = 0.28, 0.45, 0.3
_RISK_COSTS = (150, 425)
_COMMISSION_PERCENT = 5
_INVOICED = 0.3
_REFUNDED, _REFUNDED_PARTNER, _REFUNDED_PARTLY = 0.022, 0.09, 0.4
_LATE_SPAN_MS = 6 * DAY_MS

Values = Mapping[str, Ints | int]


@dataclass(frozen=True, slots=True)
class Facts:
    """A table of events: one row of `matrix` per name in `COLUMNS`, one column per event."""

    matrix: Ints

    def __getitem__(self, name: str) -> Ints:
        row: Ints = self.matrix[_ROW[name]]
        return row

    def __len__(self) -> int:
        return int(self.matrix.shape[1])

    def take(self, chosen: Ints | Flags) -> Facts:
        """The chosen events, in the order of the choice."""
        if chosen.dtype == np.bool_:
            chosen = np.flatnonzero(chosen)
        return Facts(self.matrix.take(chosen, axis=1))

    def event_number(self) -> Ints:
        """A number no other event of the company has."""
        return self["order"] * company.SLOTS + self["slot"]

    def changed(self, **values: Ints | int) -> Facts:
        """The same events with some columns replaced."""
        matrix = self.matrix.copy()
        for name, value in values.items():
            matrix[_ROW[name]] = value
        return Facts(matrix)


def joined(tables: Iterable[Facts]) -> Facts:
    """The events of all tables."""
    matrices = [table.matrix for table in tables]
    return Facts(np.concatenate(matrices, axis=1) if matrices else np.empty((len(COLUMNS), 0), dtype=np.int64))


def facts_of(scenario: Scenario, number: Ints) -> Facts:
    """All events of these orders that happen before the end, whenever they arrive; without a tail, those that have."""
    orders = orders_of(scenario, number)
    checkout = checkout_of(scenario, orders)
    tables = (
        _placed(orders),
        *_api_calls(scenario, orders),
        _llm_calls(scenario.chance, orders),
        _risk_checks(scenario.chance, orders),
        *_checkouts(orders, checkout),
        _completed(orders, checkout),
        _failed(scenario.chance, orders, checkout),
        *_payments(scenario.chance, orders, checkout),
    )
    facts = joined(tables)
    facts = _recorded(scenario, facts.take(facts["time"] < scenario.end))
    return facts.take(comes(scenario, facts))


def comes(scenario: Scenario, facts: Facts) -> Flags:
    """Which of them are there: all, or without a tail those that arrive before the end."""
    end = np.iinfo(np.int64).max if scenario.options.tail else scenario.end
    return facts["arrival"] < end


def _events(orders: Orders, who: Flags, kind: str, slot: int, values: Values) -> Facts:
    """Events of one kind for the orders `who`; `values` are per order or the same for all."""
    chosen = np.flatnonzero(who)
    matrix = np.zeros((len(COLUMNS), len(chosen)), dtype=np.int64)
    shared: Values = {
        "order": orders.number,
        "user": orders.user,
        "plan": orders.plan,
        "region": orders.region,
        "channel": orders.channel,
        "release": orders.release,
        "slot": slot,
        "kind": KIND[kind],
        "keyed": 1,
    }
    for name, value in {**shared, **values}.items():
        matrix[_ROW[name]] = value if isinstance(value, int) else value[chosen]
    return Facts(matrix)


def _placed(orders: Orders) -> Facts:
    everyone = np.ones(len(orders.number), dtype=np.bool_)
    return _events(orders, everyone, "order.placed", 0, {"time": orders.time, "items": orders.items})


def _api_calls(scenario: Scenario, orders: Orders) -> Iterable[Facts]:
    count = 1 + pick(scenario.chance.draws("calls", orders.number), _CALLS)
    for call in range(len(_CALLS)):
        number = orders.number * company.SLOTS + call
        yield _events(orders, count > call, "api.call", 1 + call, _api_call(scenario, orders, number))


def _api_call(scenario: Scenario, orders: Orders, number: Ints) -> dict[str, Ints | int]:
    chance = scenario.chance
    machine = below(chance.draws("machine", number), company.VMS_PER_REGION)
    exporting = happens(chance.draws("exporting", number), _EXPORTING) & (orders.plan >= _PRO)
    exports = 1 + below(chance.draws("exports", number), 6)
    kilobytes = along(chance.draws("egress", number), company.EGRESS_KB)
    return {
        "time": orders.time + 1 + below(chance.draws("call time", number), 90_000),
        "cpu_ms": _cpu(scenario, orders, number),
        "egress_bytes": kilobytes * 10 * np.array(company.EGRESS_PERCENT)[orders.region]
        + below(chance.draws("bytes", number), 1000),
        "exports": np.where(exporting, exports, 0),
        "latency_us": along(chance.draws("latency", number), company.LATENCY_US),
        "resource": orders.region * company.VMS_PER_REGION + machine,
        "detail": happens(chance.draws("errors", number), _ERRORS).astype(np.int64),
        **_maybe_orphan(chance, orders, number, "call"),
    }


def _cpu(scenario: Scenario, orders: Orders, number: Ints) -> Ints:
    percent = np.array(company.PLAN_CPU_PERCENT)[orders.plan]
    heavy = np.where(orders.release == scenario.heavy_release, _HEAVY_PERCENT, 100)
    cpu_ms: Ints = along(scenario.chance.draws("cpu", number), company.CPU_MS) * percent * heavy // 10_000
    return cpu_ms


def _maybe_orphan(chance: Chance, orders: Orders, number: Ints, kind: str) -> dict[str, Ints | int]:
    """Some telemetry has lost its context: no order and no channel."""
    orphan = happens(chance.draws(f"{kind} orphan", number), _ORPHANS)
    return {"keyed": (~orphan).astype(np.int64), "channel": np.where(orphan, NO_CHANNEL, orders.channel)}


def _llm_calls(chance: Chance, orders: Orders) -> Facts:
    number = orders.number
    values: Values = {
        "time": orders.time + 1 + below(chance.draws("llm time", number), 90_000),
        "tokens_in": along(chance.draws("tokens in", number), company.TOKENS_IN),
        "tokens_out": along(chance.draws("tokens out", number), company.TOKENS_OUT),
        "latency_us": 20 * along(chance.draws("llm latency", number), company.LATENCY_US),
        **_maybe_orphan(chance, orders, number, "llm"),
    }
    return _events(orders, happens(chance.draws("llm", number), _LLM), "llm.call", 4, values)


def _risk_checks(chance: Chance, orders: Orders) -> Facts:
    number = orders.number
    checked = orders.paid & happens(chance.draws("risk", number), _RISK)
    deep = happens(chance.draws("risk deep", number), _RISK_DEEP).astype(np.int64)
    values: Values = {
        "time": orders.time + 1 + below(chance.draws("risk time", number), 15_000),
        "cost": np.array(_RISK_COSTS)[deep],
        "detail": deep,
    }
    return _events(orders, checked, "risk.checked", 5, values)


def _checkouts(orders: Orders, checkout: Checkout) -> Iterable[Facts]:
    for attempt in range(ATTEMPTS):
        values: Values = {
            "time": checkout.time[attempt],
            "outcome": np.where(checkout.failed[attempt], FAILURE, SUCCESS),
            "attempt": attempt + 1,
            "detail": orders.paid.astype(np.int64),
        }
        yield _events(orders, checkout.made[attempt], "checkout.attempted", 6 + attempt, values)


def _completed(orders: Orders, checkout: Checkout) -> Facts:
    commission = np.where(orders.channel == _PARTNER, orders.amount * _COMMISSION_PERCENT // 100, 0)
    values: Values = {"time": checkout.end, "items": orders.items, "commission": commission}
    return _events(orders, checkout.completed, "order.completed", 9, values)


def _failed(chance: Chance, orders: Orders, checkout: Checkout) -> Facts:
    reason = pick(chance.draws("reason", orders.number), (60, 25, 15))
    values: Values = {"time": checkout.end, "items": orders.items, "detail": reason}
    return _events(orders, ~checkout.completed, "order.failed", 10, values)


def _payments(chance: Chance, orders: Orders, checkout: Checkout) -> tuple[Facts, Facts]:
    number = orders.number
    settled = checkout.completed & orders.paid
    invoiced = (orders.plan == _TEAM) & happens(chance.draws("invoiced", number), _INVOICED)
    days = 1 + below(chance.draws("invoice days", number), 3)
    soon = 1_000 + below(chance.draws("settle time", number), 89_000)
    at = checkout.end + soon + np.where(invoiced, days * DAY_MS, 0)
    values: Values = {
        "time": at,
        "amount": orders.amount,
        "discount": orders.discount,
        "tax": orders.tax,
        "detail": invoiced.astype(np.int64),
    }
    return _events(orders, settled, "payment.settled", 11, values), _refunds(chance, orders, settled, at)


def _refunds(chance: Chance, orders: Orders, settled: Flags, at: Ints) -> Facts:
    number = orders.number
    draw = chance.draws("refund", number)
    refunded = np.where(orders.channel == _PARTNER, happens(draw, _REFUNDED_PARTNER), happens(draw, _REFUNDED))
    partly = happens(chance.draws("partly", number), _REFUNDED_PARTLY)
    whole = orders.amount - orders.discount
    days = 1 + below(chance.draws("refund days", number), 10)
    values: Values = {
        "time": at + days * DAY_MS + below(chance.draws("refund time", number), 8 * HOUR_MS),
        "refund": np.where(partly, whole // 2, whole),
        "detail": partly.astype(np.int64),
    }
    return _events(orders, settled & refunded, "order.refunded", 12, values)


def _recorded(scenario: Scenario, facts: Facts) -> Facts:
    """Adds when each event reached its source: soon, or more than a day later for the late ones."""
    chance, number = scenario.chance, facts.event_number()
    late = happens(chance.draws("late", number), scenario.options.late)
    draw = chance.draws("recording", number)
    delay = np.where(late, DAY_MS + 1 + below(draw, _LATE_SPAN_MS), along(draw, company.RECORDING_MS))
    recorded = facts["time"] + delay
    facts["late"][:] = late
    facts["recorded"][:] = recorded
    facts["arrival"][:] = recorded
    return facts
