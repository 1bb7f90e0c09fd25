"""Rows that come through a door have the columns of its format, and find their way back from quarantine."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.facts.said import table_contract
from tests.invariants.company import Company, clock
from tests.live.arriving import door_rows, opened

from perunit import pipeline
from perunit.contract.door_formats import COUNTED_FORMATS, DOOR_COLUMNS
from perunit.engine.duckdb import Engine
from perunit.facts.arrivals import Arrival, grouped
from perunit.facts.doors import counters
from perunit.facts.doors.formats import schema_of
from perunit.facts.quarantine import Selection
from perunit.store.project_store import create_tables

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 3, 1, 1, 2, 3, 456789)  # noqa: DTZ001 - as the store keeps it
LONG = Decimal("12345678901234.123456789")
SPANS: dict[str, Any] = {
    "id": "trace_id || span_id", "time": "start_time", "type": "'order.' || name", "amounts": {},
    "units": {"order": "attributes['order.id']"}, "segments": {"region": "resource['cloud.region']"},
    "latency_ms": "duration_ms", "outcome": "case status when 'ok' then 'success' end",
    "usage": {"cpu_seconds": "cast(attributes['n'] as decimal(38, 9))"},
}  # fmt: skip


@pytest.mark.parametrize("format_", DOOR_COLUMNS)
def test_the_columns_of_a_format_are_what_the_engine_reads(format_: str) -> None:
    """Arrow's types of an arrival become the types that expressions are checked against."""
    engine = Engine()
    create_tables(engine)
    arrival, relation = Arrival("shop", door_rows(format_, [{}]), "test"), "incoming"
    if format_ in COUNTED_FORMATS:
        relation = counters.ARRIVED
    group = grouped([arrival], schema_of(format_), "digest", relation)
    if format_ in COUNTED_FORMATS:
        engine.execute("CREATE TEMP TABLE counted_already (position BIGINT)")
        group = counters.counted(group, "shop", "true", datetime(2026, 3, 1, tzinfo=UTC), 300)
    group.attach(engine)
    found = {name: type_ for name, type_, *_ in engine.rows("DESCRIBE FROM incoming")}
    assert [name for name in DOOR_COLUMNS[format_] if name not in found] == []
    expected = {name: re.sub(r", (?=\d)", ",", type_) for name, type_ in DOOR_COLUMNS[format_].items()}
    if format_ in COUNTED_FORMATS:
        # Given its type where rows are judged, so that NaN is refused by what it is.
        expected["value"] = "VARCHAR"
    assert {name: found[name] for name in expected} == expected


def test_spans_become_events(tmp_path: Path) -> None:
    """Expressions reach into maps by name; what is not there is null."""
    company = Company(tmp_path, table_contract("otlp_spans", {"match": "attributes['order.id'] is not null"}, **SPANS))
    span = {
        "trace_id": "a" * 32, "span_id": f"{1:016}", "name": "placed", "status": "ok", "start_time": AT,
        "duration_ms": Decimal("1.500000"), "attributes": {"order.id": "o1"}, "resource": {"cloud.region": "eu"},
    }  # fmt: skip
    rows = door_rows(
        "otlp_spans", [span, span | {"span_id": f"{2:016}", "attributes": {}}, span | {"span_id": f"{3:016}"}]
    )
    with opened(company) as intake:
        found = intake.submit(Arrival("shop", rows, "otlp")).result(30)
    assert (found.received, found.accepted, found.ignored) == (2, 2, 1)
    assert company.engine.rows(
        "SELECT id, event_time, unit_order, segment_region, latency_ms, outcome, usage_cpu_seconds "
        "FROM events JOIN cells USING (cell_id) ORDER BY id"
    ) == [(f"{'a' * 32}{n:016}", AT, "o1", "eu", Decimal("1.5"), "success", None) for n in (1, 3)]


def test_a_refused_row_of_a_door_finds_its_way_back(tmp_path: Path) -> None:
    """With its maps, times and every digit of its numbers, under a mapping that takes it."""
    strict = {"amounts": {}, "id": "metric || time", "time": "time", "units": {"order": "labels['order.id']"}}
    usage = {"usage": {"cpu_seconds": "increase"}}
    contract = table_contract("prometheus", **strict, **usage, outcome="labels['broken']")
    company = Company(tmp_path, contract)
    sample = {"metric": "m", "labels": {"order.id": "o'1", "broken": "x"}, "time": AT, "increase": str(LONG)}
    with opened(company) as intake:
        found = intake.submit(Arrival("shop", door_rows("prometheus", [sample]), "scrape")).result(30)
    assert [(each.rule, each.got) for each in found.problems] == [("outcome", "x")]
    raw = json.loads(company.engine.value("SELECT raw FROM quarantine"))
    assert (raw["labels"], raw["increase"], raw["value"]) == (sample["labels"], str(LONG), None)

    company.grow(table_contract("prometheus", **strict, **usage))
    report = pipeline.replay(company.project(), company.engine, Selection(), clock=clock)[0]
    assert (report.received, report.accepted) == (1, 1)
    assert company.engine.rows("SELECT unit_order, event_time, usage_cpu_seconds FROM events") == [("o'1", AT, LONG)]


def test_a_line_that_came_live_is_replayed_whole(tmp_path: Path) -> None:
    """A mapping may then name what the first one did not."""
    from tests.live.arriving import arrival, dumped

    row = {"id": "a", "at": "2026-03-01T00:00:00Z", "order_id": "o1", "total": "x", "paid": {"in": "2.5"}}
    company = Company(tmp_path, table_contract("ndjson"))
    with opened(company) as intake:
        assert intake.submit(arrival(dumped([row]), source="shop")).result(30).rejected == 1
    company.grow(table_contract("ndjson", amounts={"revenue": "paid.in"}))
    assert pipeline.replay(company.project(), company.engine, Selection(), clock=clock)[0].accepted == 1
    assert company.engine.value("SELECT revenue FROM events") == Decimal("2.5")


def test_match_leaves_rows_of_files_out(tmp_path: Path) -> None:
    """They are counted as ignored and are none of those received."""
    from tests.facts.said import table

    content = "id,at,order_id,total\n1,2026-03-01T00:00:00Z,o1,1\n2,2026-03-01T00:00:00Z,,1\n"
    company, report = table(tmp_path, "a.csv", content, table_contract("csv", {"match": "order_id <> ''"}))
    assert (report.received, report.accepted, report.ignored) == (1, 1, 1)
    assert company.engine.rows("SELECT received, ignored FROM batches") == [(1, 1)]
