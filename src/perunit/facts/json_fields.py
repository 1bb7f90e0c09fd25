"""The fields of JSON rows: which are read, as what type, and the rules of a JSON Schema over them.

A field is read as text and typed afterwards, so that a value of the wrong type refuses its own row and no other.
A number may come as a JSON number or as decimal text, which is how money is best sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
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
        self._keys: dict[Path, None] = {}

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

    def keys(self, path: Path) -> str:
        """The column of the names an object at `path` has; reads the line a second time, so only where it must."""
        self._keys[path] = None
        return identifier("k:" + ".".join(path))

    def parsed_sql(self, relation: str, passed: str) -> str:
        """SQL from the column ``line`` of `relation` to the raw columns; a line that is no JSON object gives nulls.

        `passed` lists the columns of `relation` to hand on.
        """
        structure = literal(json.dumps(_nested(self._leaves)))
        raws = ", ".join(f"{_access(path)} AS {self.raw(path)}" for path in self._leaves)
        typed = "".join(
            f", {sql} AS {identifier(column + '.'.join(path))}" for (column, path), sql in self._typed.items()
        )
        inner = f"SELECT {passed}, line AS l, TRY(json_transform(line, {structure})) AS o FROM {relation}"
        keys = "".join(f", TRY(json_keys(l, {_json_path(path)})) AS {self.keys(path)}" for path in self._keys)
        # An array also becomes an object, of nulls.
        is_object = "o IS NOT NULL AND (l LIKE '{%' OR ltrim(l, ' \t\r\n') LIKE '{%')"
        rows = f"SELECT {passed}, {is_object} AS is_object, o, {raws}{keys} FROM ({inner})"
        return f"SELECT * EXCLUDE (o){typed} FROM ({rows})"


def _json_path(path: Path) -> str:
    steps = "".join('."' + step.replace("\\", "\\\\").replace('"', '\\"') + '"' for step in path)
    return literal("$" + steps)


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


def schema_rules(fields: Fields, schema: dict[str, Any], root: Path) -> list[Rule]:
    """Every constraint of a JSON Schema as a rule; `check` has refused keywords that are not here."""
    rules: list[Rule] = []
    required = set(schema.get("required", ()))
    for name, part in schema.get("properties", {}).items():
        path = (*root, name)
        nested = "properties" in part
        if name in required:
            expected = "must be there: the event type's schema requires it; send it"
            missing = f"NOT {fields.present(path)}" if nested else f"{fields.raw(path)} IS NULL"
            # Of an object that may be left out, parts are required only where it is there.
            missing += f" AND {fields.present(root)}" if len(root) > 1 else ""
            rules.append(_rule("schema required", path, missing, "'nothing'", expected))
        rules += schema_rules(fields, part, path) if nested else _leaf_rules(fields, part, path)
    if schema.get("additionalProperties") is False:
        rules.append(_undeclared(fields, schema, root))
    return rules


def _undeclared(fields: Fields, schema: dict[str, Any], root: Path) -> Rule:
    """Fields the schema does not name. Counting tells most rows apart; only where there are more are names compared."""
    properties = schema.get("properties", {})
    keys, names = fields.keys(root), ", ".join(literal(name) for name in properties)
    present = [
        fields.present((*root, name)) if "properties" in part else f"({fields.raw((*root, name))} IS NOT NULL)"
        for name, part in properties.items()
    ]
    known = " + ".join(f"CAST({each} AS INTEGER)" for each in present) or "0"
    broken = f"len({keys}) <> {known} AND NOT list_has_all(CAST([{names}] AS VARCHAR[]), {keys})"
    got = f"array_to_string(list_filter({keys}, lambda k: NOT list_contains(CAST([{names}] AS VARCHAR[]), k)), ', ')"
    expected = "must not have fields the event type's schema does not name; leave them out or add them to the schema"
    return _rule("schema additionalProperties", root, broken, got, expected)


def _leaf_rules(fields: Fields, part: dict[str, Any], path: Path) -> list[Rule]:
    kind, raw = _kind(part), fields.raw(path)
    column = fields.typed(path, kind)
    return [
        _rule(f"schema {name}", path, broken, raw, f"{expected} (the event type's schema); correct it")
        for name, broken, expected in (
            *_type_rules(part, kind, raw, column),
            *_value_rules(part, kind, column),
            *_text_rules(part, raw),
        )
    ]


# What a keyword says: its name, SQL that is true where a value breaks it, and what must hold.
_Said = Iterator[tuple[str, str, str]]


def _type_rules(part: dict[str, Any], kind: str, raw: str, column: str) -> _Said:
    if kind in {"number", "integer"}:
        yield "type", f"{column} IS NULL AND {raw} IS NOT NULL", "must be a finite number"
    if kind == "integer":
        # By its text: taking a decimal of 38 digits apart costs ten times as much.
        whole = f"NOT regexp_full_match({raw}, '[+-]?[0-9]+([.]0*)?')"
        odd = f"(contains({raw}, '.') OR contains({raw}, 'e') OR contains({raw}, 'E'))"
        yield "type", f"{odd} AND {whole}", "must be a whole number"
    if kind == "boolean":
        yield "type", f"{raw} NOT IN ('true', 'false')", "must be true or false"
    if kind == "string":
        types = part.get("type", [])
        for name, start in (("object", "{"), ("array", "[")):
            if name in types:
                yield "type", f"NOT starts_with({raw}, '{start}')", f"must be an {name}"
        if types in ("null", ["null"]):
            yield "type", f"{raw} IS NOT NULL", "must be null"


def _value_rules(part: dict[str, Any], kind: str, column: str) -> _Said:
    if "enum" in part or "const" in part:
        values = part.get("enum", [part.get("const")])
        listed = ", ".join(_constant(value, kind) for value in values if value is not None)
        yield "enum", f"{column} NOT IN ({listed})", f"must be one of {json.dumps(values)}"
    for keyword, operator, text in _BOUNDS:
        if keyword in part:
            bound = _constant(part[keyword], kind)
            yield keyword, f"{column} {operator} {bound}", f"must be {text} {part[keyword]}"


def _text_rules(part: dict[str, Any], raw: str) -> _Said:
    if "minLength" in part:
        least = int(part["minLength"])
        short = f"{raw} = ''" if least == 1 else f"length({raw}) < {least}"
        yield "minLength", short, f"must have {least} characters or more"
    if "maxLength" in part:
        most = int(part["maxLength"])
        yield "maxLength", f"length({raw}) > {most}", f"must have at most {most} characters"
    if "pattern" in part:
        yield "pattern", f"NOT regexp_matches({raw}, {literal(part['pattern'])})", f"must match {part['pattern']}"
    if part.get("format") == "date-time":
        unzoned = f"NOT regexp_matches({raw}, '{OFFSET}')"
        broken = f"{raw} IS NOT NULL AND ({unzoned} OR TRY_CAST({raw} AS TIMESTAMP WITH TIME ZONE) IS NULL)"
        yield "format", broken, "must be an RFC 3339 time"


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
