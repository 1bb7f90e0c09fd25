"""Writes events as CloudEvents. Enters: facts in the order of arrival. Leaves: NDJSON bytes, one line an event."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from perunit.engine.duckdb import Engine
from perunit.engine.files import sql_text
from perunit.simulate import company
from perunit.simulate.facts import COLUMNS, Facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.simulate.chance import Ints
    from perunit.simulate.scenario import Scenario

__all__ = ["SOURCE_OF", "Lines"]

# The last part of each event's CloudEvents source: who says so.
SOURCE_OF = {
    "order.placed": "shop",
    "api.call": "api",
    "llm.call": "api",
    "risk.checked": "risk",
    "checkout.attempted": "shop",
    "order.completed": "shop",
    "order.failed": "shop",
    "payment.settled": "payments",
    "order.refunded": "payments",
}
# Small enough that both cores get some of a chunk.
_BATCH = 16_384
_FINISHED = frozenset({"kind", "resource", "plan", "region", "channel", "release", "arrival", "copy", "late"})


class Lines:
    """Renders chunks of one scenario; holds its own engine, so use it from one thread."""

    def __init__(self, scenario: Scenario) -> None:
        self._chance = scenario.chance
        self._releases = len(scenario.releases)
        self._segments = pa.array(_segment_texts(scenario.releases))
        self._engine = Engine(memory_limit="2GB")
        self._sql = sql_text("simulate", "lines")

    def close(self) -> None:
        """Gives the engine's memory back."""
        self._engine.close()

    def render(self, facts: Facts) -> Iterator[memoryview]:
        """The lines of a chunk, each ended by a line feed, in pieces."""
        self._engine.register("simulated_facts", self._table(facts))
        lines = self._engine.arrow(self._sql).column(0)
        self._engine.unregister("simulated_facts")
        for piece in lines.chunks:
            offsets = np.frombuffer(piece.buffers()[1], dtype=np.int32)
            first, last = offsets[piece.offset], offsets[piece.offset + len(piece)]
            yield memoryview(piece.buffers()[2])[first:last]

    def _table(self, facts: Facts) -> pa.Table:
        columns = {name: pa.array(facts[name]) for name in COLUMNS if name not in _FINISHED}
        columns["event_id"] = pa.array(self._chance.words("event id", facts.event_number()))
        columns["event_type"] = _named(facts["kind"], company.EVENT_TYPES)
        columns["source"] = _named(facts["kind"], tuple(SOURCE_OF.values()))
        columns["machine"] = _named(facts["resource"], company.RESOURCES)
        columns["segments"] = _coded(self._segment_codes(facts), self._segments)
        return pa.Table.from_batches(pa.table(columns).to_batches(max_chunksize=_BATCH))

    def _segment_codes(self, facts: Facts) -> Ints:
        """Positions in `_segment_texts`; channel -1 (unknown) comes first."""
        code = facts["plan"] * len(company.REGIONS) + facts["region"]
        code = code * (len(company.CHANNELS) + 1) + facts["channel"] + 1
        return code * self._releases + facts["release"]


def _segment_texts(releases: tuple[str, ...]) -> list[str]:
    return [
        f'"plan":"{plan}","region":"{region}",'
        + (f'"channel":"{channel}",' if channel else "")
        + f'"release":"{release}"'
        for plan, region, channel, release in product(
            company.PLANS, company.REGIONS, (None, *company.CHANNELS), releases
        )
    ]


def _named(codes: Ints, names: tuple[str, ...]) -> pa.DictionaryArray:
    return _coded(codes, pa.array(names))


def _coded(codes: Ints, texts: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), texts)
