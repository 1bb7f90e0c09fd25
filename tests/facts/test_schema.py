"""Every keyword of JSON Schema that a contract may use is held to, and none is passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.facts.said import accepted, line, numbered, refusals
from tests.invariants.company import Company

if TYPE_CHECKING:
    from pathlib import Path

_OF = "(the event type's schema); correct it"
_NEEDED = "must be there: the event type's schema requires it; send it"


@pytest.mark.parametrize(
    ("part", "right", "wrong"),
    [
        (
            {"type": "number"},
            [1, 1.5, "2.25", None],
            {"x": "must be a finite number", "NaN": "must be a finite number"},
        ),
        ({"type": "integer"}, [1, "2"], {"1.5": "must be a whole number", "x": "must be a finite number"}),
        ({"type": "boolean"}, [True, False], {"yes": "must be true or false", "1": "must be true or false"}),
        ({"type": "null"}, [None], {"1": "must be null"}),
        ({"type": ["number", "null"]}, [None, 1], {"x": "must be a finite number"}),
        ({"type": "array"}, [[], [1]], {"1": "must be an array"}),
        ({"type": "object"}, [{}, {"a": 1}], {"[1]": "must be an object"}),
        ({"enum": ["a", "b"]}, ["a", None], {"c": 'must be one of ["a", "b"]'}),
        ({"enum": [1, 2.5]}, [1, "2.5"], {"3": "must be one of [1, 2.5]"}),
        ({"enum": [True]}, [True], {"false": "must be one of [true]"}),
        ({"enum": ["a", 1]}, ["a", 1], {"b": 'must be one of ["a", 1]'}),
        ({"const": "it's"}, ["it's"], {"its": 'must be one of ["it\'s"]'}),
        ({"const": 5}, [5], {"6": "must be one of [5]"}),
        ({"minimum": 1.5}, [1.5, 2], {"1.4": "must be at least 1.5"}),
        ({"type": "number", "maximum": 1.5}, [1.5], {"1.6": "must be at most 1.5"}),
        ({"type": "number", "exclusiveMinimum": 1}, [1.1], {"1": "must be above 1"}),
        ({"type": "number", "exclusiveMaximum": 1}, [0.9], {"1": "must be below 1"}),
        ({"type": "string", "minLength": 2}, ["éé"], {"é": "must have 2 characters or more"}),
        ({"type": "string", "maxLength": 2}, ["日本"], {"日本語": "must have at most 2 characters"}),
        ({"type": "string", "pattern": "^[A-Z]{2}$"}, ["AB"], {"ABC": "must match ^[A-Z]{2}$"}),
        ({"type": "string", "pattern": "it's"}, ["it's so"], {"its": "must match it's"}),
        (
            {"type": "string", "format": "date-time"},
            ["2026-03-01T00:00:00Z", "2026-03-01T00:00:00+02:00"],
            dict.fromkeys(["2026-03-01", "2026-03-01T00:00:00", "2026-02-30T00:00:00Z"], "must be an RFC 3339 time"),
        ),
    ],
    ids=lambda value: (
        str(value) if isinstance(value, dict) and value.keys() & {"type", "enum", "const", "minimum"} else ""
    ),
)
def test_a_keyword_is_held_to(tmp_path: Path, part: dict[str, Any], right: list[Any], wrong: dict[str, str]) -> None:
    """Values that meet it pass, as does a field that is not there; others are refused by name."""
    company = Company(tmp_path, schemas={"order.completed": {"type": "object", "properties": {"x": part}}})
    company.deliver(numbered("x", [..., *right, *wrong]))
    passed = 1 + len(right)
    assert accepted(company.engine) == [f"{number:02}" for number in range(passed)]
    found = [(place, at, got, expected) for place, _, at, got, expected in refusals(company.engine)]
    assert found == [
        (place, "data.x", got, f"{rule} {_OF}") for place, (got, rule) in enumerate(wrong.items(), passed + 1)
    ]


def test_required_fields_are_there(tmp_path: Path) -> None:
    """At the top and in an object below; an empty object is there, a missing one is not."""
    below = {"type": "object", "properties": {"y": {"type": "number"}}}
    company = Company(
        tmp_path, schemas={"order.completed": {"properties": {"x": below, "z": {}}, "required": ["x", "z"]}}
    )
    data = [{"x": {}, "z": 1}, {"x": {"y": 1}, "z": ""}, {"z": 1}, {"x": {}, "z": None}]
    company.deliver([line(id=f"{number}", data=each) for number, each in enumerate(data)])
    assert accepted(company.engine) == ["0", "1"]
    assert [(place, at, expected) for place, _, at, _, expected in refusals(company.engine)] == [
        (3, "data.x", _NEEDED), (4, "data.z", _NEEDED),
    ]  # fmt: skip


def test_fields_the_schema_does_not_name_are_refused_where_it_says_so(tmp_path: Path) -> None:
    """With ``additionalProperties: false`` an undeclared field refuses its row; without it, it is left alone."""
    properties = {"order_id": {"type": "string"}, "x": {"properties": {"y": {}}, "additionalProperties": False}}
    data = [
        {"order_id": "o1", "x": {"y": 1}}, {"order_id": "o1", "z": 1}, {"order_id": "o1", "x": {"y": 1, "z": 1}},
        {"z": 1}, {}, {"x": {}},
    ]  # fmt: skip
    lines = [line(id=f"{number}", data=each) for number, each in enumerate(data)]
    strict, open_ = tmp_path / "strict", tmp_path / "open"
    for folder, closed, passed in ((strict, {"additionalProperties": False}, "045"), (open_, {}, "01345")):
        folder.mkdir()
        company = Company(folder, schemas={"order.completed": {"properties": properties, **closed}})
        company.deliver(lines)
        assert accepted(company.engine) == list(passed)
        assert {rule for _, rule, *_ in refusals(company.engine)} == {"schema additionalProperties"}
