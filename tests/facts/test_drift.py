"""Drift is told field by field, whatever producers send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perunit.contract.read import read_project
from perunit.engine.duckdb import Engine
from perunit.facts.drift import drift_of

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.contract.project import Project

CONTRACT = """
version: 1
units:
  order: {owner: a, key: order.id, segments: [plan]}
events:
  sold:
    unit: order
    schema: sold.json
    amounts: {revenue: "data.total - coalesce(data.off.sum, 0)"}
    segments: {region: lower(data.place.region)}
    outcome: success
  seen: {unit: order, latency_ms: data.took}
"""
NUMBER, TEXT = {"type": "number"}, {"type": "string"}
SCHEMA = {
    "properties": {
        "total": NUMBER,
        "off": {"properties": {"sum": NUMBER}},
        "notes": {},
        "order": {"properties": {"id": TEXT}},
        "place": {"properties": {"region": TEXT}},
    }
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two event types, one with a schema."""
    (tmp_path / "perunit.yaml").write_text(CONTRACT, encoding="utf-8")
    (tmp_path / "sold.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    return read_project(tmp_path)


def drift(project: Project, *events: tuple[str, Any]) -> list[tuple[str, str, str, int]]:
    """(event type, kind, field, in how many events) over (type, data) pairs, or lines as they are."""
    lines = [data if isinstance(data, str) else json.dumps({"data": data}) for _, data in events]
    engine = Engine()
    types, ids = [type_ for type_, _ in events], [str(number) for number in range(len(events))]
    engine.register("captured", pa.table({"event_type": types, "id": ids, "line": lines}))
    return [(each.event_type, each.kind, each.field, each.found) for each in drift_of(engine, project, "captured")]


WHOLE = {"total": 1, "off": {"sum": 1}, "place": {"region": "x"}, "order": {"id": "o"}, "plan": "pro"}


def test_what_is_declared_is_no_drift(project: Project) -> None:
    """Schema, mapping, unit keys and segments, also nested and in other letters; below a declared leaf all is free."""
    assert drift(project, ("sold", WHOLE | {"notes": [{"by": {"x": 1}}], "Plan": 1, "TOTAL": 2})) == []


def test_an_undeclared_field_is_counted_in_events(project: Project) -> None:
    """The outermost field alone, an array's items as one; one beside declared ones too, dots in names as they are."""
    first = WHOLE | {"new": {"a": [{"b": 1}, {"b": 2}]}, "a.b": 1, "place": {"region": "x", "zip": 1}}
    assert drift(project, ("sold", first), ("sold", WHOLE | {"new": 1})) == [
        ("sold", "undeclared", "data.new", 2),
        ("sold", "undeclared", "data.a.b", 1),
        ("sold", "undeclared", "data.place.zip", 1),
    ]


def test_a_field_that_is_read_and_never_sent_is_absent(project: Project) -> None:
    """It is enough that one event has it; a type that did not come at all says nothing."""
    bare = {"order": {"id": "o"}}
    assert drift(project, ("sold", bare | {"total": 1}), ("sold", bare)) == [
        ("sold", "absent", "data.off.sum", 0),
        ("sold", "absent", "data.place.region", 0),
    ]
    assert drift(project, ("sold", WHOLE)) == []


def test_a_type_without_a_schema_declares_nothing(project: Project) -> None:
    """So nothing is undeclared; what its mapping reads can still be absent."""
    assert drift(project, ("seen", {"anything": 1})) == [("seen", "absent", "data.took", 0)]


def test_what_is_no_event_of_the_contract_is_passed_over(project: Project) -> None:
    """Other types, no JSON, data that is no object."""
    assert drift(project, ("other", {"x": 1}), ("seen", "{broken"), ("seen", {"took": 1})) == []
    assert drift(project, ("seen", 5), ("seen", {"took": None})) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=4), min_size=1, max_size=4))
def test_any_data_is_looked_at_without_an_error(project: Project, data: list[dict[str, Any]]) -> None:
    """Whatever keys and values: no field is found in more events than there are, and none twice."""
    found = [each for each in drift(project, *(("sold", each) for each in data)) if each[1] == "undeclared"]
    assert all(0 < count <= len(data) for *_, count in found)
    assert len({field for _, _, field, _ in found}) == len(found)
