"""The company goes on after its simulated days. Enters: an instant. Leaves: the events that arrive up to it, as lines.

It is the same company with more days: its orders are numbered on from where the first ones end, so no id comes twice.
What the first days still owed (refunds, late events) was cut off with them and does not come.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from perunit.model.errors import UsageError
from perunit.simulate.copies import copies_of
from perunit.simulate.facts import Facts, facts_of, joined
from perunit.simulate.lines import Lines
from perunit.simulate.scenario import BLOCK_MS, Scenario, milliseconds

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.simulate.options import SimulationOptions

__all__ = ["SEQUEL_DAYS", "Sequel"]

SEQUEL_DAYS = 14


class Sequel:
    """The days after `options`, in stretches; holds an engine of its own, so use it from one thread."""

    def __init__(self, options: SimulationOptions) -> None:
        first = Scenario(options)
        self._scenario = _longer(first)
        self._placed = int(self._scenario.placed_before[first.blocks])
        self._waiting = joined(())
        self._reached = first.end
        self._lines = Lines(self._scenario)

    @property
    def end(self) -> datetime:
        """After this instant nothing happens any more."""
        return self._scenario.options.end

    def close(self) -> None:
        """Gives the engine's memory back."""
        self._lines.close()

    def until(self, moment: datetime) -> bytes:
        """What arrives from where the last call ended up to `moment`, excluded: CloudEvents as NDJSON, in that order.

        Raises UsageError where `moment` lies before the end of the last call.
        """
        reached = milliseconds(moment)
        if reached < self._reached:
            raise UsageError(f"until: got {moment.isoformat()}, must not lie before the last one; go on from there")
        here = joined((self._waiting, self._placed_until(reached)))
        due = here["arrival"] < reached
        self._waiting, self._reached = here.take(~due), reached
        arrived = here.take(due)
        if not len(arrived):
            return b""
        return b"".join(self._lines.render(arrived.take(np.argsort(arrived["arrival"], kind="stable"))))

    def _placed_until(self, reached: int) -> Facts:
        """All that the orders placed before `reached` will ever bring, each order once."""
        blocks = min(-(-(reached - self._scenario.start) // BLOCK_MS), self._scenario.blocks)
        first, self._placed = self._placed, max(self._placed, int(self._scenario.placed_before[blocks]))
        facts = facts_of(self._scenario, np.arange(first, self._placed, dtype=np.int64))
        return joined((facts, copies_of(self._scenario, facts).facts))


def _longer(first: Scenario) -> Scenario:
    """The same company with more days, of which the first have at least as many orders as they had."""
    asked = first.options
    days = asked.days + SEQUEL_DAYS
    events = asked.events * days // asked.days
    while True:
        longer = Scenario(replace(asked, days=days, events=events, price_change=asked.change))
        if int(longer.placed_before[first.blocks]) >= first.orders:
            return longer
        events += 1 + asked.events // 200
