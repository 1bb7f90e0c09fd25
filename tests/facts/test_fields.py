"""Which fields came is kept by name and kind, from samples, and never a value."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.live.arriving import door_rows

from perunit.engine.duckdb import Engine
from perunit.engine.files import sql_text
from perunit.facts.deliveries import OTHER
from perunit.facts.fields import FIELDS_MAX, SAMPLE_ROWS, keep_fields, sample_of

if TYPE_CHECKING:
    from collections.abc import Sequence

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def engine() -> Engine:
    """An empty store."""
    made = Engine()
    made.execute(sql_text("store", "schema"))
    return made


def lines(texts: Sequence[str]) -> pa.Table:
    """Lines as an arrival has them."""
    return pa.table({"position": pa.array(range(len(texts)), pa.int64()), "line": pa.array(texts, pa.string())})


def kept(engine: Engine) -> dict[tuple[str, str, str, str], int]:
    """(producer, type, field, kind) → how often it was seen."""
    rows = engine.rows("SELECT producer, event_type, field, kind, seen FROM fields_seen ORDER BY ALL")
    return {tuple(key): seen for *key, seen in rows}


def test_every_field_of_a_line_is_counted_once_a_row(engine: Engine) -> None:
    """Nested ones by their path, members of an array under one name, each kind by itself."""
    data = {"total": 1, "items": [{"price": 1.5}, {"price": "2"}], "ok": True, "note": None}
    event = {"source": "shop", "type": "sold", "data": data}
    keep_fields(engine, "cloudevents", lines([json.dumps(event), json.dumps(event), "no json", "[]"]), None, AT)
    found = {key[2:]: seen for key, seen in kept(engine).items() if key[:2] == ("shop", "sold")}
    assert found == {
        ("$", "object"): 2,
        ("source", "string"): 2,
        ("type", "string"): 2,
        ("data", "object"): 2,
        ("data.total", "number"): 2,
        ("data.items", "array"): 2,
        ("data.items[]", "object"): 2,
        ("data.items[].price", "number"): 2,
        ("data.items[].price", "string"): 2,
        ("data.ok", "boolean"): 2,
        ("data.note", "null"): 2,
    }
    assert "1.5" not in str(engine.rows("FROM fields_seen"))


def test_of_rows_with_columns_what_has_a_value_is_counted(engine: Engine) -> None:
    """And of a map what is in it, by the service that the row names."""
    span = {"service": "web", "name": "GET", "start_time": AT.replace(tzinfo=None), "attributes": {"order.id": "o1"}}
    keep_fields(engine, "spans", sample_of(door_rows("otlp_spans", [span, span])), "collector", AT)
    assert {key: seen for key, seen in kept(engine).items() if key[2] != "service"} == {
        ("web", "", "$", "object"): 2,
        ("web", "", "attributes[order.id]", "string"): 2,
        ("web", "", "name", "string"): 2,
        ("web", "", "start_time", "time"): 2,
    }


def test_counts_add_up_and_times_widen(engine: Engine) -> None:
    """In any order of coming."""
    for day in (3, 1, 2):
        keep_fields(engine, "s", lines(['{"a": 1}']), "p", datetime(2026, 3, day, tzinfo=UTC))
    assert engine.rows("SELECT seen, day(first_seen), day(last_seen) FROM fields_seen WHERE field = 'a'") == [(3, 1, 3)]


def test_names_without_bound_are_counted_together(engine: Engine) -> None:
    """Names made of ids, and very long ones, do not fill the store; what was known before stays known."""
    keep_fields(engine, "s", lines(['{"first": 1}']), None, AT)
    keep_fields(engine, "s", lines([json.dumps({f"id-{n}": n for n in range(FIELDS_MAX * 2)})]), None, AT)
    keep_fields(engine, "s", lines([json.dumps({"first": 2, "x" * 500: 1})]), None, AT)
    names = {field for _, _, field, _ in kept(engine)}
    assert len(names) == FIELDS_MAX + 1
    assert OTHER in names
    assert kept(engine)["", "", "first", "number"] == 2


def test_a_sample_is_bounded_and_spread() -> None:
    """However many rows there are."""
    sample = sample_of(lines([str(number) for number in range(100_000)]))
    assert sample.num_rows == SAMPLE_ROWS
    assert sample["position"].to_pylist()[:3] == [0, 1000, 2000]
    assert sample_of(lines([])).num_rows == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(values=st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=3), max_size=5), text=st.text(max_size=20))
@settings(max_examples=60, deadline=None)
def test_no_line_breaks_it(values: list[dict[str, Any]], text: str) -> None:
    """Whatever came, the rows that are objects are counted."""
    engine = Engine()
    engine.execute(sql_text("store", "schema"))
    deep = "[" * 5000
    every = [*map(json.dumps, values), text.encode("utf-8", "replace").decode(), deep, '{"a":' * 2000]
    keep_fields(engine, "s", lines(every), None, AT)
    total = engine.value("SELECT sum(seen) FROM fields_seen WHERE field = '$' AND kind = 'object'")
    # Rows that are no object are counted too, under no field but this.
    assert (total or 0) >= len(values)


def test_columns_of_any_type_are_counted(engine: Engine) -> None:
    """Lists and structs of a Parquet file, blobs and times."""
    made = Engine()
    sql = "SELECT 1 AS position, [1] AS l, {'a': 1} AS s, MAP {'k': 1} AS m, DATE '2026-01-01' AS d, 'x'::BLOB AS b"
    keep_fields(engine, "s", made.arrow(sql), None, AT)
    found = {field: kind for _, _, field, kind in kept(engine)}
    del found["$"], found["b"]
    assert found == {"l": "array", "s": "object", "m[k]": "string", "d": "time"}
