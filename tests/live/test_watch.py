"""What is noted of arrivals after they were acknowledged: the fields that came, with who sent them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.facts.said import line
from tests.invariants.company import Company, clock
from tests.live.arriving import arrival, opened

from perunit.live.meters import Meters
from perunit.live.service import Service
from perunit.live.watch import Watch

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = "SELECT producer, event_type, seen FROM fields_seen WHERE field = 'data.total' ORDER BY ALL"


def test_what_was_committed_is_noted_when_the_watch_ends(tmp_path: Path) -> None:
    """One sample of a source and producer between two writes, so that much traffic costs no more."""
    company = Company(tmp_path)
    with opened(company) as intake:
        service = Service(company.project(), intake, clock, Meters())
        watch = Watch(service)
        watch.start()
        for number in range(3):
            intake.submit(arrival([line(id=f"{number}-{each}") for each in range(2)])).result(30)
        watch.stop()
    assert company.engine.rows(FIELDS) == [("shop", "order.completed", 2)]


def test_a_watch_that_writes_samples_again(tmp_path: Path) -> None:
    """After each write the next arrival is looked at."""
    company = Company(tmp_path)
    with opened(company) as intake:
        watch = Watch(Service(company.project(), intake, clock, Meters()), every_seconds=3600)
        watch.start()
        for number in range(3):
            intake.submit(arrival([line(id=str(number))])).result(30)
            watch._try_write()
        watch.stop()
    assert company.engine.rows(FIELDS) == [("shop", "order.completed", 3)]


def test_rows_that_name_no_one_are_their_doors(tmp_path: Path) -> None:
    """Counted and noted under the door they came through, so that it can be found out where they come from."""
    company = Company(tmp_path)
    with opened(company) as intake:
        watch = Watch(Service(company.project(), intake, clock, Meters()), every_seconds=3600)
        watch.start()
        intake.submit(arrival(["no json", line(source=...)])).result(30)
        watch.stop()
    assert company.engine.rows("SELECT producer, rejected FROM deliveries") == [("test", 2)]
    assert company.engine.rows("SELECT DISTINCT producer FROM fields_seen") == [("test",)]
