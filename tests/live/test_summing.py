"""Sums follow facts on a connection of their own, whatever changes meanwhile."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.invariants.company import START, Company, Event, book, numbers, rate
from tests.live.arriving import arrival, opened

from perunit import pipeline
from perunit.live.intake import Limits

if TYPE_CHECKING:
    from pathlib import Path

BOOK = book(1, rate(1, "cpu_seconds", "0.0464", "3600"))


def called(number: int, chance: random.Random) -> str:
    """A call of any time and plan, so that values shown before are pushed out again and again."""
    return Event(
        f"e{number}",
        "api.called",
        START + timedelta(hours=chance.uniform(0, 200)),
        order_id=f"o{chance.randrange(50)}",
        plan=f"p{chance.randrange(30)}",
        numbers=numbers(cpu_seconds=f"{chance.random():.6f}"),
    ).line()


def test_sums_hold_while_shown_values_change(tmp_path: Path) -> None:
    """Facts go on while sums are made anew, snapshots are whole, and in the end every invariant holds."""
    company, chance = Company(tmp_path), random.Random(5)
    with opened(company, BOOK, limits=Limits(sum_seconds=0.0, settle_seconds=0.2)) as intake:
        for first in range(0, 600, 20):
            outcome = intake.submit(arrival([called(first + place, chance) for place in range(20)])).result(60)
            assert outcome.accepted == 20
            if first % 200 == 0:
                snapshot = intake.settled().result(60)
                counts = snapshot.rows("SELECT (SELECT count(*) FROM events), (SELECT sum(events) FROM rollup)")
                assert counts == [(first + 20, first + 20)]
                snapshot.close()
        assert intake.failing is None
    assert int(company.engine.value("SELECT value FROM store_state WHERE key = 'changes'")) > 1
    found = pipeline.verify(company.project([BOOK]), company.engine)
    assert [each for each in found if each.broken] == []


def test_a_snapshot_that_was_taken_sees_no_later_facts(tmp_path: Path) -> None:
    """It is of one instant, for its facts and its sums."""
    company, chance = Company(tmp_path), random.Random(5)
    with opened(company) as intake:
        intake.submit(arrival([called(1, chance)])).result(60)
        snapshot = intake.settled().result(60)
        intake.submit(arrival([called(2, chance)])).result(60)
        assert snapshot.rows("SELECT (SELECT count(*) FROM events), (SELECT sum(events) FROM rollup)") == [(1, 1)]
        snapshot.close()
