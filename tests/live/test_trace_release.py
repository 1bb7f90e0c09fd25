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

    from perunit.live.meters import Meters


def released(company: Company, count: int) -> Meters:
    """Runs the loop until there are so many events and none waits."""
    with opened(company) as intake:
        release = TraceRelease(Service(company.project(), intake, clock, intake.meters), every_seconds=0.01)
        release.start()
        for sql, expected in (("FROM events", count), ("FROM waiting_spans", 0)):
            while intake.run(lambda engine, sql=sql: engine.value(f"SELECT count(*) {sql}")).result(30) != expected:
                time.sleep(0.01)
        release.stop()
        return intake.meters


def waited(company: Company) -> None:
    """Two spans that wait when the process ends."""
    spans = [span(1, 2, resource={"host.name": "h1"}), span(1, 3, attributes={"own": "o-3"})]
    with opened(company) as intake:
        found = intake.submit(Arrival("shop", door_rows("otlp_spans", spans), "otlp")).result(30)
    assert found.waiting == 2


def test_waiting_spans_enter_when_their_time_is_up(tmp_path: Path) -> None:
    """Those that waited when a process ended are let through by the next one."""
    company = Company(tmp_path, table_contract("otlp_spans", {"wait_seconds": 0}, **MAPPING))
    waited(company)
    meters = released(company, 2)
    assert meters.registry.get_sample_value("perunit_waiting_spans", {"source": "shop"}) is not None
    assert company.engine.rows("SELECT received, orphan, file_name FROM batches WHERE received > 0") == [
        (2, 2, "trace-release")
    ]


def test_spans_enter_that_waited_under_a_contract_of_before(tmp_path: Path) -> None:
    """Where the mapping names the trace no longer, nothing would bring them what they waited for."""
    company = Company(tmp_path, table_contract("otlp_spans", {"wait_seconds": 3600}, **MAPPING))
    waited(company)
    mapping = {**MAPPING, "units": {"order": "attributes['own']"}, "segments": {}, "resource": "resource['host.name']"}
    company.grow(table_contract("otlp_spans", **mapping))
    released(company, 2)
    assert company.engine.rows("SELECT unit_order, resource FROM events ORDER BY id") == [(None, "h1"), ("o-3", None)]
