"""What a careless network does. Enters: events. Leaves: their duplicates and conflicts, which arrive after them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perunit.simulate.chance import Draws, Flags, Ints, below, happens, pick
from perunit.simulate.company import KIND
from perunit.simulate.facts import CONFLICT, DUPLICATE, Facts, comes, joined
from perunit.simulate.scenario import DAY_MS, HOUR_MS, Scenario

__all__ = ["Copies", "copies_of"]

# A second to ten minutes, to six hours, to ten days; so that some duplicates lie many files apart.
_LAG_WEIGHTS = (50, 30, 20)
_LAGS_MS = (600_000, 6 * HOUR_MS, 10 * DAY_MS)
# Which number a conflicting copy tells differently, and by how much.
_ALTERED = {
    "order.placed": ("items", 1),
    "api.call": ("egress_bytes", 4096),
    "llm.call": ("tokens_out", 7),
    "risk.checked": ("cost", 25),
    "checkout.attempted": ("attempt", 1),
    "order.completed": ("items", 1),
    "order.failed": ("items", 1),
    "payment.settled": ("amount", 100),
    "order.refunded": ("refund", 100),
}


@dataclass(frozen=True, slots=True)
class Copies:
    """Which events have a duplicate or a conflict, and those copies themselves."""

    duplicated: Flags
    contradicted: Flags
    facts: Facts


def copies_of(scenario: Scenario, facts: Facts) -> Copies:
    """A duplicate is the same line again; a conflict has the same source and id and another number."""
    chance, number, asked = scenario.chance, facts.event_number(), scenario.options
    duplicated = happens(chance.draws("duplicate", number), asked.duplicates)
    contradicted = happens(chance.draws("conflict", number), asked.conflicts)
    again = _later(facts.take(duplicated), scenario, "duplicate lag").changed(copy=DUPLICATE)
    other = _later(facts.take(contradicted), scenario, "conflict lag").changed(copy=CONFLICT)
    for chosen, copies in ((duplicated, again), (contradicted, other)):
        chosen[chosen] = comes(scenario, copies)
    copies = joined((again, _altered(other)))
    return Copies(duplicated, contradicted, copies.take(comes(scenario, copies)))


def _later(facts: Facts, scenario: Scenario, stream: str) -> Facts:
    number = facts.event_number()
    span = pick(scenario.chance.draws(f"{stream} span", number), _LAG_WEIGHTS)
    lag = _spread(scenario.chance.draws(stream, number), np.array(_LAGS_MS)[span])
    return facts.changed(arrival=facts["arrival"] + 1_000 + lag)


def _spread(draws: Draws, spans: Ints) -> Ints:
    # Spans fit 30 bits and a draw of 24 bits is fine enough: their product stays within 64.
    return below(draws, 1 << 24) * spans >> 24


def _altered(facts: Facts) -> Facts:
    for kind, (column, difference) in _ALTERED.items():
        facts[column][facts["kind"] == KIND[kind]] += difference
    return facts
