"""Who sent what is counted with the rows: by hour, source and producer, to the same sums as the batches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.facts.said import line, table_contract
from tests.invariants.company import NOW, Company
from tests.live.arriving import door_rows, opened

from perunit.facts.arrivals import Arrival
from perunit.facts.deliveries import OTHER, PRODUCERS_MAX, compact_deliveries

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.engine.duckdb import Engine

SUMS = (
    "sum(received), sum(accepted), sum(duplicate), sum(conflict), sum(rejected), sum(ignored), sum(orphan), sum(late)"
)


def by_producer(engine: Engine) -> dict[str, tuple[int, ...]]:
    """Producer → its counts."""
    rows = engine.rows(f"SELECT producer, {SUMS} FROM deliveries GROUP BY producer ORDER BY producer")
    return {producer: tuple(map(int, counts)) for producer, *counts in rows}


def test_cloudevents_are_counted_by_their_source(tmp_path: Path) -> None:
    """Also what is refused; what names no one is counted under no name. In all it is what the batch says."""
    company = Company(tmp_path)
    path = tmp_path / "events.ndjson"
    late = line(id="b", source="app", recordedtime="2026-03-05T00:00:00Z")
    other = line(id="a", data={"order_id": "o1", "total": "9"})
    path.write_text("\n".join([line(), line(), other, late, line(id="c", source="app", time="x"), "no json"]))
    company.ingest(path)
    assert by_producer(company.engine) == {
        "": (1, 0, 0, 0, 1, 0, 0, 0),
        "app": (2, 1, 0, 0, 1, 0, 1, 1),
        "shop": (3, 1, 1, 1, 0, 0, 1, 0),
    }
    assert company.engine.rows(f"SELECT {SUMS} FROM deliveries") == company.engine.rows(f"SELECT {SUMS} FROM batches")


def test_rows_of_a_door_are_counted_by_what_they_say_else_by_who_sent_them(tmp_path: Path) -> None:
    """A service stands above the arrival's producer; what match leaves out is ignored under no name."""
    match = {"match": "attributes['order.id'] is not null"}
    mapping = {"id": "span_id", "time": "start_time", "units": {"order": "attributes['order.id']"}, "amounts": {}}
    company = Company(tmp_path, table_contract("otlp_spans", match, **mapping))
    span = {"trace_id": "0" * 31 + "1", "start_time": NOW.replace(tzinfo=None), "attributes": {"order.id": "o1"}}
    rows = [span | {"span_id": f"{n:016}", "service": service} for n, service in enumerate(["web", "web", None])]
    rows.append(span | {"span_id": f"{9:016}", "attributes": {}})
    with opened(company) as intake:
        intake.submit(Arrival("shop", door_rows("otlp_spans", rows), "otlp", "collector")).result(30)
    assert by_producer(company.engine) == {
        "": (0, 0, 0, 0, 0, 1, 0, 0),
        "collector": (1, 1, 0, 0, 0, 0, 0, 0),
        "web": (2, 2, 0, 0, 0, 0, 0, 0),
    }


def test_producers_without_bound_are_counted_together(tmp_path: Path) -> None:
    """Beyond the limit of a group they are one, and nothing is lost."""
    company = Company(tmp_path)
    path = tmp_path / "events.ndjson"
    path.write_text("\n".join(line(source=f"pod-{number:04}") for number in range(PRODUCERS_MAX + 50)))
    company.ingest(path)
    found = by_producer(company.engine)
    assert len(found) == PRODUCERS_MAX + 1
    assert found[OTHER][0] == 50


def test_partial_rows_become_one_when_their_hour_is_over(tmp_path: Path) -> None:
    """Not before; the sums stay."""
    company = Company(tmp_path)
    for number in range(3):
        path = tmp_path / f"{number}.ndjson"
        path.write_text(line(id=str(number)))
        company.ingest(path)
    count = "SELECT count(*), sum(accepted), max(watermark) FROM deliveries"
    before = company.engine.rows(count)
    compact_deliveries(company.engine, NOW + timedelta(minutes=59))
    assert company.engine.rows(count) == before
    compact_deliveries(company.engine, NOW + timedelta(hours=1))
    assert company.engine.rows(count) == [(1, *before[0][1:])]
