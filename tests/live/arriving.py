"""A company whose events come through the intake: for the tests of what is live."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from tests.invariants.company import Company, clock

from perunit import pipeline
from perunit.facts.arrivals import Arrival
from perunit.facts.doors.formats import schema_of
from perunit.live.intake import Intake, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from perunit.contract.prices import PriceBook
    from perunit.engine.duckdb import Engine

__all__ = ["arrival", "door_rows", "opened", "waiting_together"]


@contextmanager
def opened(company: Company, *books: PriceBook, limits: Limits | None = None) -> Iterator[Intake]:
    """The company's intake, drained and closed at the end."""
    project = company.project(books)
    pipeline.start(project, company.engine, clock)
    intake = Intake(project, company.engine, clock, limits=limits)
    try:
        yield intake
    finally:
        intake.close()


def arrival(
    lines: Sequence[str], source: str = "cloudevents", within: Callable[[Engine], None] | None = None
) -> Arrival:
    """Lines that came at once."""
    rows = pa.table({"position": pa.array(range(len(lines)), pa.int64()), "line": pa.array(lines, pa.string())})
    return Arrival(source, rows, door="test", within=within)


def door_rows(format_: str, rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows of a door's format; what is left out is null."""
    types = {field.name: field.type for field in schema_of(format_)}
    # Rows are said plainly here; what is told once for many of them comes about on their way in.
    schema = pa.schema({n: t.value_type if pa.types.is_dictionary(t) else t for n, t in types.items()}.items())
    full = [{name: row.get(name) for name in schema.names} | {"position": place} for place, row in enumerate(rows)]
    return pa.Table.from_pylist(full, schema)


@contextmanager
def waiting_together(intake: Intake) -> Iterator[None]:
    """What is submitted within it waits until the end of it, so that the writer finds all of it at once."""
    import threading

    gate = threading.Event()
    held = intake.run(lambda _: gate.wait(30))
    try:
        yield
    finally:
        gate.set()
        held.result(30)


def facts(company: Company) -> list[tuple[Any, ...]]:
    """The accepted events."""
    return company.engine.rows("SELECT c.source, e.id FROM events e JOIN cells c USING (cell_id) ORDER BY ALL")


def dumped(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Objects as lines."""
    return [json.dumps(row) for row in rows]
