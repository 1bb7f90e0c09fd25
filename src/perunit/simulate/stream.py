"""Puts events in the order of their arrival. Enters: chunks of orders. Leaves: events, in bounded memory.

What arrives after its chunk (refunds, late events, most duplicates) waits on disk, in one file for every two hours
of arrival, so that memory does not grow with the company.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perunit.simulate.copies import copies_of
from perunit.simulate.facts import COLUMNS, Facts, facts_of, joined
from perunit.simulate.scenario import DAY_MS, HOUR_MS, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from perunit.simulate.chance import Ints
    from perunit.simulate.truth import Tally

__all__ = ["Arrivals", "Chunk", "arrivals", "chunks_of"]

_BUCKET_MS = 2 * HOUR_MS
# The longest wait: a late event of the last moment (7 days) whose duplicate comes 10 days after.
_TAIL_MS = 18 * DAY_MS


@dataclass(frozen=True, slots=True)
class Chunk:
    """Orders [first, last), and the time [.., end) in which events are written; `part` is the file they go to."""

    first: int
    last: int
    end: int
    part: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Events of one chunk in the order of arrival."""

    part: int
    facts: Facts


def chunks_of(scenario: Scenario) -> list[Chunk]:
    """Runs of whole blocks of at most `chunk_orders` orders (or one block), none in two parts, then the tail."""
    placed, parts = scenario.placed_before, scenario.options.parts
    part_of = placed[:-1] * parts // scenario.orders
    chunks: list[Chunk] = []
    begin = 0
    for block in range(1, scenario.blocks + 1):
        done = block == scenario.blocks
        if (
            done
            or part_of[block] != part_of[begin]
            or placed[block + 1] - placed[begin] > scenario.options.chunk_orders
        ):
            first, last = int(placed[begin]), int(placed[block])
            chunks.append(Chunk(first, last, scenario.block_start(block), int(part_of[begin])))
            begin = block
    tail = range(scenario.end + DAY_MS, scenario.end + _TAIL_MS + 1, DAY_MS)
    return chunks + [Chunk(scenario.orders, scenario.orders, end, chunks[-1].part) for end in tail]


def arrivals(scenario: Scenario, tally: Tally, waiting_room: Path) -> Iterator[Arrivals]:
    """All events and copies, in the order of arrival; `tally` sees each event once, before any copy is made."""
    waiting = _Waiting(waiting_room)
    for chunk in chunks_of(scenario):
        facts = facts_of(scenario, np.arange(chunk.first, chunk.last, dtype=np.int64))
        copies = copies_of(scenario, facts)
        tally.add(facts, copies.duplicated, copies.contradicted)
        arrived = waiting.exchange(joined((facts, copies.facts)), chunk.end)
        if len(arrived):
            yield Arrivals(chunk.part, _sorted(arrived))


def _sorted(facts: Facts) -> Facts:
    """In the order of (arrival, event, copy), which is total: the same whatever the chunks."""
    order = np.argsort(facts["arrival"], kind="stable")
    arrival = facts["arrival"][order]
    tied = np.flatnonzero(arrival[1:] == arrival[:-1])
    if len(tied):
        spots = np.union1d(tied, tied + 1)
        among = order[spots]
        number, copy = facts.event_number()[among], facts["copy"][among]
        order[spots] = among[np.lexsort((copy, number, arrival[spots]))]
    return facts.take(order)


class _Waiting:
    """Events that arrive later than the chunk that made them."""

    def __init__(self, room: Path) -> None:
        self._room = room
        self._near = joined(())
        self._opened = -1

    def exchange(self, facts: Facts, end: int) -> Facts:
        """Takes the events of a chunk and gives back all, of this chunk and earlier, that arrive before `end`."""
        due = (end - 1) // _BUCKET_MS
        here = joined((self._near, *self._files_until(due), facts))
        now = here["arrival"] < end
        rest = here.take(~now)
        near = rest["arrival"] // _BUCKET_MS <= due
        self._near = rest.take(near)
        self._keep(rest.take(~near))
        return here.take(now)

    def _files_until(self, due: int) -> Iterator[Facts]:
        """The files whose time has come; their names are bucket numbers."""
        first = due if self._opened < 0 else self._opened + 1
        self._opened = due
        for bucket in range(first, due + 1):
            path = self._path(bucket)
            if path.exists():
                rows = np.fromfile(path, dtype=np.int64).reshape(-1, len(COLUMNS))
                path.unlink()
                yield Facts(np.ascontiguousarray(rows.T))

    def _keep(self, facts: Facts) -> None:
        if not len(facts):
            return
        buckets = facts["arrival"] // _BUCKET_MS
        order = np.argsort(buckets, kind="stable")
        rows: Ints = np.ascontiguousarray(facts.matrix[:, order].T)
        names, starts = np.unique(buckets[order], return_index=True)
        for name, part in zip(names.tolist(), np.split(rows, starts[1:]), strict=True):
            with self._path(name).open("ab") as file:
                part.tofile(file)

    def _path(self, bucket: int) -> Path:
        return self._room / str(bucket)
