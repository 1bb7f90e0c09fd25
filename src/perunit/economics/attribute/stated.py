"""Weights that rules state. Enters: the contract. Leaves: each rule's targets as spans, and the order of the rules."""

from __future__ import annotations

from graphlib import TopologicalSorter
from math import lcm
from typing import TYPE_CHECKING

import pyarrow as pa

from perunit.model.shapley import shapley_values

if TYPE_CHECKING:
    from perunit.contract.shape import AllocationRule, Contract

__all__ = ["stated_order", "stated_weights"]

_WEIGHTS = pa.schema(
    [(name, pa.string()) for name in ("rule", "unit_type", "unit_key", "target")]
    + [(name, pa.int64()) for name in ("w_start", "w_end", "w")]
)
_PLACES = 9
_DIGITS = 18


def stated_order(contract: Contract) -> tuple[str, ...]:
    """Rules with stated weights, each before the rules it hands parts on to."""
    stated = (rule for rule in contract.allocation if rule.weights or rule.costs)
    graph = {rule.name: rule.targets() for rule in stated}
    return tuple(reversed(tuple(TopologicalSorter(graph).static_order())))


def stated_weights(contract: Contract) -> pa.Table:
    """One row a rule and key, running weights cut to 18 digits so that products stay within 128 bits."""
    rows = [row for rule in contract.allocation if rule.weights or rule.costs for row in _spans(rule)]
    return pa.Table.from_pylist(rows, schema=_WEIGHTS)


def _given(rule: AllocationRule) -> dict[str, int]:
    return {key: int(weight.scaleb(_PLACES)) for key, weight in sorted((rule.weights or {}).items())}


def _borne(rule: AllocationRule) -> dict[str, int]:
    """Shapley values over their common denominator; a unit that adds no cost bears nothing."""
    values = shapley_values({frozenset(each.units): each.cost for each in rule.costs or ()})
    whole = lcm(*(value.denominator for value in values.values()))
    return {key: int(value * whole) for key, value in values.items() if value > 0}


def _spans(rule: AllocationRule) -> list[dict[str, object]]:
    weights = _borne(rule) if rule.costs else _given(rule)
    whole = sum(weights.values())
    divisor = 10 ** max(len(str(whole)) - _DIGITS, 0)
    rows, upto = [], 0
    for key, weight in weights.items():
        target = key.removeprefix("rule:") if key.startswith("rule:") else None
        rows.append(
            {
                "rule": rule.name,
                "unit_type": rule.unit,
                "unit_key": key if target is None else None,
                "target": target,
                "w_start": upto // divisor,
                "w_end": (upto + weight) // divisor,
                "w": whole // divisor,
            }
        )
        upto += weight
    return rows
