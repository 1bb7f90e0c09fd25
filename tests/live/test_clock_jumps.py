"""A clock that jumps, by a correction or a machine that woke up, loses nothing and counts nothing twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.facts.said import line
from tests.invariants.company import NOW, Company
from tests.live.arriving import arrival, facts

from perunit import pipeline
from perunit.facts.quarantine import Selection
from perunit.live.intake import Intake

if TYPE_CHECKING:
    from pathlib import Path


class _Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def test_a_clock_that_jumps_counts_every_event_once(tmp_path: Path) -> None:
    """Back and forth between arrivals, with the same events sent again: each is a fact once; invariants hold."""
    company, clock = Company(tmp_path), _Clock()
    project = company.project(())
    pipeline.start(project, company.engine, clock)
    intake = Intake(project, company.engine, clock)
    for number, hours in enumerate((0, -30, 3, -24 * 400, 0)):
        clock.now = NOW + timedelta(hours=hours)
        again = [line(id=f"e{each}", time=_said(NOW - timedelta(days=800))) for each in range(number + 1)]
        found = intake.submit(arrival(again)).result(30)
        assert (found.accepted, found.duplicate) == (1, number)
    intake.close()
    clock.now = NOW
    assert [name for _, name in facts(company)] == [f"e{number}" for number in range(5)]
    assert [each for each in pipeline.verify(project, company.engine) if each.broken] == []


def test_what_a_clock_that_is_behind_refuses_can_be_replayed(tmp_path: Path) -> None:
    """An event of now seems to be of the future then: it waits in quarantine, and is a fact once the clock is right."""
    company, clock = Company(tmp_path), _Clock()
    project = company.project(())
    pipeline.start(project, company.engine, clock)
    intake = Intake(project, company.engine, clock)
    clock.now = NOW - timedelta(days=30)
    found = intake.submit(arrival([line(id="now", time=_said(NOW))])).result(30)
    intake.close()
    assert (found.accepted, found.rejected) == (0, 1)
    clock.now = NOW
    (replayed,) = pipeline.replay(project, company.engine, Selection(), clock=clock)
    assert replayed.accepted == 1
    assert [name for _, name in facts(company)] == ["now"]


def _said(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
