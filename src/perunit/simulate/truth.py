"""Adds up what really happened. Enters: clean events. Leaves: exact integer sums per day, event type and segment.

Nothing of perunit's own economics is used: sums are of integers, and prices are applied to them once, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perunit.simulate import company
from perunit.simulate.facts import FAILURE, SUCCESS, Facts
from perunit.simulate.orders import customers
from perunit.simulate.scenario import DAY_MS, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.simulate.chance import Flags, Ints

__all__ = ["COUNTS", "NUMBERS", "Cell", "Tally"]

COUNTS = (
    *("events", "duplicates", "conflicts", "late", "orphan_order", "orphan_user"),
    *("orders_opened", "attempts", "successes"),
)
_SUMMED = (
    *("amount", "discount", "refund", "tax", "commission", "cost"),
    *("cpu_ms", "egress_bytes", "tokens_in", "tokens_out", "exports"),
)
NUMBERS = (*COUNTS, *_SUMMED)
# Partial sums are folded together when this many rows have gathered.
_FOLD = 400_000
_PLACED = company.KIND["order.placed"]
_API = company.KIND["api.call"]


@dataclass(frozen=True, slots=True)
class Cell:
    """What happened on a day, before or after the price change, to one event type in one segment.

    Events with and without an order id, and with and without a user id, are cells of their own.
    Positions are those of the tuples in `company`; channel is -1 where unknown. `sums` follow `NUMBERS`.
    """

    day: int
    after: bool
    has_order: bool
    has_user: bool
    kind: int
    plan: int
    region: int
    channel: int
    release: int
    sums: dict[str, int]


class Tally:
    """Grows with days and segments, never with events; only the users seen take a byte per user and day."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        days, users = scenario.options.days, scenario.users
        self._radix = (
            days,
            2,
            2,
            2,
            len(company.EVENT_TYPES),
            len(company.PLANS),
            len(company.REGIONS),
            len(company.CHANNELS) + 1,
            len(scenario.releases),
        )
        self._codes: list[Ints] = []
        self._sums: list[Ints] = []
        self._active = np.zeros((days, users), dtype=np.bool_)
        self._machines = np.zeros((2, days * len(company.RESOURCES)), dtype=np.int64)

    def add(self, facts: Facts, duplicated: Flags, contradicted: Flags) -> None:
        """Counts events once each; the flags say which have copies that will arrive too."""
        day = (facts["time"] - self._scenario.start) // DAY_MS
        codes, place = np.unique(self._code(facts, day), return_inverse=True)
        numbers = self._numbers(facts, duplicated, contradicted)
        sums = np.stack([_sums_by(place, values, len(codes)) for values in numbers])
        self._codes.append(codes)
        self._sums.append(sums)
        if sum(map(len, self._codes)) > _FOLD:
            self._fold()
        known = facts["user"] >= 0
        self._active[day[known], facts["user"][known]] = True
        self._add_machines(facts.take(facts["kind"] == _API))

    def _code(self, facts: Facts, day: Ints) -> Ints:
        after = (facts["time"] >= self._scenario.change).astype(np.int64)
        known = (facts["user"] >= 0).astype(np.int64)
        segments = (facts["plan"], facts["region"], facts["channel"] + 1, facts["release"])
        digits = (day, after, facts["keyed"], known, facts["kind"], *segments)
        return np.ravel_multi_index(digits, self._radix).astype(np.int64)

    def _numbers(self, facts: Facts, duplicated: Flags, contradicted: Flags) -> list[Ints]:
        counted = {
            "events": np.ones(len(facts), dtype=np.int64),
            "duplicates": duplicated,
            "conflicts": contradicted,
            "late": facts["late"],
            "orphan_order": facts["keyed"] == 0,
            "orphan_user": facts["user"] < 0,
            "orders_opened": facts["kind"] == _PLACED,
            "attempts": (facts["outcome"] == SUCCESS) | (facts["outcome"] == FAILURE),
            "successes": facts["outcome"] == SUCCESS,
        }
        return [counted[name].astype(np.int64) for name in COUNTS] + [facts[name] for name in _SUMMED]

    def _add_machines(self, calls: Facts) -> None:
        day = (calls["time"] - self._scenario.start) // DAY_MS
        place = day * len(company.RESOURCES) + calls["resource"]
        for row, name in enumerate(("cpu_ms", "egress_bytes")):
            self._machines[row] += _sums_by(place, calls[name], self._machines.shape[1])

    def _fold(self) -> None:
        codes, place = np.unique(np.concatenate(self._codes), return_inverse=True)
        parts = np.concatenate(self._sums, axis=1)
        sums = np.zeros((len(NUMBERS), len(codes)), dtype=np.int64)
        for row in range(len(NUMBERS)):
            np.add.at(sums[row], place, parts[row])
        self._codes, self._sums = [codes], [sums]

    def cells(self) -> Iterator[Cell]:
        """Every cell that has an event, in the order of day, event type and segment."""
        self._fold()
        codes, sums = self._codes[0], self._sums[0]
        digits = np.unravel_index(codes, self._radix)
        places = zip(*(part.tolist() for part in digits), strict=True)
        for place, numbers in zip(places, sums.T.tolist(), strict=True):
            day, after, has_order, has_user, kind, plan, region, channel, release = place
            named = dict(zip(NUMBERS, numbers, strict=True))
            flags = bool(after), bool(has_order), bool(has_user)
            yield Cell(day, *flags, kind, plan, region, channel - 1, release, named)

    def machine_days(self) -> Iterator[tuple[int, int, int, int]]:
        """(day, resource, processor milliseconds, egress bytes) of every machine on every day."""
        cpu_ms, egress_bytes = (row.tolist() for row in self._machines)
        for place, values in enumerate(zip(cpu_ms, egress_bytes, strict=True)):
            yield (*divmod(place, len(company.RESOURCES)), *values)

    def active_users(self) -> Iterator[tuple[int, int, int, int]]:
        """(day, plan, region, users with an event on that day)."""
        users = np.arange(self._scenario.users, dtype=np.int64)
        plan, region = customers(self._scenario.chance, users)
        group = plan * len(company.REGIONS) + region
        for day, active in enumerate(self._active):
            counts = np.bincount(group[active], minlength=len(company.PLANS) * len(company.REGIONS))
            for code, count in enumerate(counts.tolist()):
                if count:
                    yield (day, *divmod(code, len(company.REGIONS)), count)


def _sums_by(place: Ints, values: Ints, size: int) -> Ints:
    """Exact sums of `values` by place. Counting adds in doubles, which are exact below 2^53: hence two halves."""
    low = np.bincount(place, weights=values & 0xFFFFFF, minlength=size)
    high = np.bincount(place, weights=values >> 24, minlength=size)
    return low.astype(np.int64) + (high.astype(np.int64) << 24)
