"""Spans that have waited their time are let through while perunit runs, also those of a process before."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.facts.said import table_contract
from tests.facts.test_traces import MAPPING, span
from tests.invariants.company import Company, clock
from tests.live.arriving import door_rows, opened

from perunit.facts.arrivals import Arrival
from perunit.live.service import Service
from perunit.live.trace_release import TraceRelease

if TYPE_CHECKING:
    from pathlib import Path


def test_waiting_spans_enter_when_their_time_is_up(tmp_path: Path) -> None:
    """Those that waited when a process ended are counted and let through by the next one."""
    company = Company(tmp_path, table_contract("otlp_spans", {"wait_seconds": 0}, **MAPPING))
    with opened(company) as intake:
        found = intake.submit(Arrival("shop", door_rows("otlp_spans", [span(1, 2), span(1, 3)]), "otlp")).result(30)
    assert found.waiting == 2
    with opened(company) as intake:
        release = TraceRelease(Service(company.project(), intake, clock, intake.meters), every_seconds=0.01)
        release.start()
        count = "SELECT count(*) FROM events"
        while intake.run(lambda engine: engine.value(count)).result(30) < 2:
            time.sleep(0.01)
        value = intake.meters.registry.get_sample_value
        while value("perunit_waiting_spans", {"source": "shop"}) != 0:
            time.sleep(0.01)
        release.stop()
    assert company.engine.rows("SELECT received, orphan, file_name FROM batches WHERE received > 0") == [
        (2, 2, "trace-release")
    ]
