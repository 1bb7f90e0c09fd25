"""The fields of JSON rows: which are read, as what type, and the rules of a JSON Schema over them.

A field is read as text and typed afterwards, so that a value of the wrong type refuses its own row and no other.
A number may come as a JSON number or as decimal text, which is how money is best sent.
"""

from __future__ import annotations

import json
from typing import Any

from perunit.engine.duckdb import identifier, literal
from perunit.facts.attributes import OFFSET
from perunit.facts.rules import Rule

__all__ = ["Fields", "schema_kinds", "schema_rules"]

Path = tuple[str, ...]

_KINDS = {"number": "number", "integer": "integer", "string": "string", "boolean": "boolean"}


class Fields:
    """Collects the leaf fields that a plan reads below the JSON root, and gives each its SQL."""

    def __init__(self) -> None:
        self._leaves: dict[Path, None] = {}
        self._typed: dict[tuple[str, Path], str] = {}

    def raw(self, path: Path) -> str:
        """The column of a field's text."""
        self._leaves[path] = None
        return identifier("r:" + ".".join(path))

    def typed(self, path: Path, kind: str) -> str:
        """The column of a field as `kind`: number, integer, string, boolean."""
        raw = self.raw(path)
        if kind == "string":
            return raw
        column = "b:" if kind == "boolean" else "n:"
        type_ = "BOOLEAN" if kind == "boolean" else "DECIMAL(38, 12)"
        self._typed[column, path] = f"TRY_CAST({raw} AS {type_})"
        return identifier(column + ".".join(path))

    def present(self, path: Path) -> str:
        """The column that tells whether an object stands at `path`, which is above some leaf."""
        self._typed["p:", path] = f"{_access(path)} IS NOT NULL"
        return identifier("p:" + ".".join(path))

    def parsed_sql(self, line: str, passed: str) -> str:
        """SQL from `line` of ``incoming`` to the raw columns; a line that is not one JSON object gives nulls.

        `passed` lists further columns of ``incoming`` to hand on.
        """
        structure = literal(json.dumps(_nested(self._leaves)))
        raws = ", ".join(f"{_access(path)} AS {self.raw(path)}" for path in self._leaves)
        typed = "".join(
            f", {sql} AS {identifier(column + '.'.join(path))}" for (column, path), sql in self._typed.items()
        )
        inner = f"SELECT {passed}, {line} AS l, TRY(json_transform({line}, {structure})) AS o FROM incoming"
        # An array also becomes an object, of nulls.
        is_object = "o IS NOT NULL AND (l LIKE '{%' OR ltrim(l, ' \t\r\n') LIKE '{%')"
        rows = f"SELECT {passed}, {is_object} AS is_object, o, {raws} FROM ({inner})"
        return f"SELECT * EXCLUDE (o){typed} FROM ({rows})"


def _nested(leaves: dict[Path, None]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in leaves:
        node = tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1]] = "VARCHAR"
    return tree


def _access(path: Path) -> str:
    return "o." + ".".join(identifier(step) for step in path)


def schema_kinds(schema: dict[str, Any], at: Path = ()) -> dict[Path, str]:
    """Leaf path → kind, from a JSON Schema's ``properties``."""
    found: dict[Path, str] = {}
    for name, part in schema.get("properties", {}).items():
        if "properties" in part:
            found |= schema_kinds(part, (*at, name))
        else:
            found[*at, name] = _kind(part)
    return found


def _kind(part: dict[str, Any]) -> str:
    types = part.get("type", [])
    listed = [types] if isinstance(types, str) else list(types)
    # Text beside a number is decimal text: the number is what the field means.
    for name in ("number", "integer", "boolean", "string"):
        if name in listed:
            return _KINDS[name]
    values = part.get("enum", [part["const"]] if "const" in part else [])
    if values and all(isinstance(value, bool) for value in values):
        return "boolean"
    numeric = values and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    bounded = not listed and any(keyword in part for keyword, *_ in _BOUNDS)
    return "number" if numeric or bounded else "string"


def schema_rules(fields: Fields, schema: dict[str, Any], root: Path, event_type: str) -> list[Rule]:
    """Every constraint of a JSON Schema as a rule; `check` has refused keywords that are not here."""
    rules: list[Rule] = []
    required = set(schema.get("required", ()))
    for name, part in schema.get("properties", {}).items():
        path = (*root, name)
        nested = "properties" in part
        if name in required:
            expected = f"must be there: the schema of {event_type} requires it; send it"
            missing = f"NOT {fields.present(path)}" if nested else f"{fields.raw(path)} IS NULL"
            rules.append(_rule("schema required", path, missing, "'nothing'", expected))
        rules += schema_rules(fields, part, path, event_type) if nested else _leaf_rules(fields, part, path, event_type)
    return rules


def _leaf_rules(fields: Fields, part: dict[str, Any], path: Path, event_type: str) -> list[Rule]:
    kind, raw = _kind(part), fields.raw(path)
    column = fields.typed(path, kind)
    found: list[Rule] = []

    def add(name: str, broken: str, expected: str) -> None:
        found.append(_rule(f"schema {name}", path, broken, raw, f"{expected} (schema of {event_type}); correct it"))

    if kind in {"number", "integer"}:
        add("type", f"{column} IS NULL AND {raw} IS NOT NULL", "must be a finite number")
    if kind == "integer":
        add("type", f"{column} <> floor({column})", "must be a whole number")
    if kind == "boolean":
        add("type", f"{raw} NOT IN ('true', 'false')", "must be true or false")
    if kind == "string":
        types = part.get("type", [])
        for name, start in (("object", "{"), ("array", "[")):
            if name in types:
                add("type", f"NOT starts_with({raw}, '{start}')", f"must be an {name}")
        if types in ("null", ["null"]):
            add("type", f"{raw} IS NOT NULL", "must be null")
    if "enum" in part or "const" in part:
        values = part.get("enum", [part.get("const")])
        listed = ", ".join(_constant(value, kind) for value in values if value is not None)
        add("enum", f"{column} NOT IN ({listed})", f"must be one of {json.dumps(values)}")
    for keyword, operator, text in _BOUNDS:
        if keyword in part:
            add(keyword, f"{column} {operator} {_constant(part[keyword], kind)}", f"must be {text} {part[keyword]}")
    if "minLength" in part:
        add("minLength", f"length({raw}) < {int(part['minLength'])}", f"must have {part['minLength']} characters or more")
    if "maxLength" in part:
        add("maxLength", f"length({raw}) > {int(part['maxLength'])}", f"must have at most {part['maxLength']} characters")
    if "pattern" in part:
        add("pattern", f"NOT regexp_matches({raw}, {literal(part['pattern'])})", f"must match {part['pattern']}")
    if part.get("format") == "date-time":
        unzoned = f"NOT regexp_matches({raw}, '{OFFSET}')"
        broken = f"{raw} IS NOT NULL AND ({unzoned} OR TRY_CAST({raw} AS TIMESTAMP WITH TIME ZONE) IS NULL)"
        add("format", broken, "must be an RFC 3339 time")
    return found


_BOUNDS = (
    ("minimum", "<", "at least"),
    ("maximum", ">", "at most"),
    ("exclusiveMinimum", "<=", "above"),
    ("exclusiveMaximum", ">=", "below"),
)


def _constant(value: object, kind: str) -> str:
    text = literal(value if isinstance(value, str) else json.dumps(value))
    return f"CAST({text} AS DECIMAL(38, 12))" if kind in {"number", "integer"} else text


def _rule(name: str, path: Path, broken: str, got: str, expected: str) -> Rule:
    return Rule(name, ".".join(path), broken, got, expected)
