"""The company on a calendar. Enters: options. Leaves: how many orders each five minutes bring, releases, the outage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from perunit.simulate.chance import Chance, Flags, Ints

if TYPE_CHECKING:
    from perunit.simulate.options import SimulationOptions

__all__ = ["BLOCK_MS", "DAY_MS", "HOUR_MS", "Scenario", "milliseconds"]

BLOCK_MS = 300_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_BLOCKS_PER_DAY = DAY_MS // BLOCK_MS

_HOUR_WEIGHTS = (
    *(22, 15, 11, 9, 9, 12, 20, 34, 52, 68, 77, 82),
    *(84, 83, 80, 78, 79, 83, 90, 96, 92, 76, 54, 35),
)
_WEEKDAY_WEIGHTS = (98, 101, 103, 104, 108, 86, 74)
_GROWTH_PER_MILLE_PER_DAY = 4
# How many events an order has on average, in thousandths; a test holds it to what is generated.
_EVENTS_PER_ORDER_MILLI = 5_949

_RELEASE_DAYS = 5
_HEAVY_RELEASE = 3
_OUTAGE_HOURS = (14, 16)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime, exactly."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True)
class Scenario:
    """Everything that is fixed before the first order is placed. Times are milliseconds since 1970."""

    options: SimulationOptions

    @cached_property
    def chance(self) -> Chance:
        """The draws of this company."""
        return Chance(self.options.seed)

    @cached_property
    def start(self) -> int:
        """The first instant, included."""
        return milliseconds(self.options.first)

    @cached_property
    def end(self) -> int:
        """The last instant, excluded."""
        return milliseconds(self.options.end)

    @cached_property
    def change(self) -> int:
        """When prices change."""
        return milliseconds(self.options.change)

    @cached_property
    def orders(self) -> int:
        """How many orders are placed."""
        return max(1, self.options.events * 1000 // _EVENTS_PER_ORDER_MILLI)

    @cached_property
    def users(self) -> int:
        """How many customers there are."""
        return max(20, min(2_000_000, self.options.events // 40))

    @cached_property
    def placed_before(self) -> Ints:
        """How many orders are placed before each block of five minutes, and at last in all."""
        weights = [_weight(self.options, block) for block in range(self.options.days * _BLOCKS_PER_DAY)]
        total = sum(weights)
        # Plain integers: orders times weights outgrows 64 bits.
        counts = [0, *(self.orders * weight // total for weight in accumulate(weights))]
        return np.array(counts, dtype=np.int64)

    @property
    def blocks(self) -> int:
        """How many blocks of five minutes there are."""
        return self.options.days * _BLOCKS_PER_DAY

    def block_start(self, block: int) -> int:
        """When a block begins."""
        return self.start + block * BLOCK_MS

    @cached_property
    def releases(self) -> tuple[str, ...]:
        """A release every five days."""
        return tuple(f"v4.{number}" for number in range(-(-self.options.days // _RELEASE_DAYS)))

    @property
    def heavy_release(self) -> int:
        """The release that needs 40 % more processor time."""
        return min(_HEAVY_RELEASE, len(self.releases) - 1)

    def release_of(self, day: Ints) -> Ints:
        """The newest release on a day."""
        return day // _RELEASE_DAYS

    def is_first_day(self, day: Ints) -> Flags:
        """Whether a release is in its first day, when it serves a fifth of the orders."""
        first: Flags = (day % _RELEASE_DAYS == 0) & (day > 0)
        return first

    @cached_property
    def outage(self) -> tuple[int, int]:
        """Two hours in which payments from ios mostly fail."""
        day = self.start + self.options.days * 2 // 3 * DAY_MS
        return day + _OUTAGE_HOURS[0] * HOUR_MS, day + _OUTAGE_HOURS[1] * HOUR_MS


def _weight(options: SimulationOptions, block: int) -> int:
    day, rest = divmod(block, _BLOCKS_PER_DAY)
    weekday = (options.start.weekday() + day) % 7
    growth = 1000 + _GROWTH_PER_MILLE_PER_DAY * day
    return _HOUR_WEIGHTS[rest * 24 // _BLOCKS_PER_DAY] * _WEEKDAY_WEIGHTS[weekday] * growth
