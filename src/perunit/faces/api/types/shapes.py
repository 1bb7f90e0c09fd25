"""What a JSON value may be, read from OpenAPI. Enters: JSON Schemas and operations. Leaves: shapes with names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "Field",
    "List",
    "Literal",
    "Map",
    "Operation",
    "Plain",
    "Record",
    "Ref",
    "Shape",
    "Union",
    "operations_of",
    "refs_in",
    "refs_of",
]

PREFIX = "/api/v1"
_REF = "#/components/schemas/"
_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Plain:
    """``string``, ``decimal``, ``integer``, ``number``, ``boolean``, ``null`` or ``any``."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """One of these texts or numbers."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """A record by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class List:
    """Any number of one shape."""

    of: Shape


@dataclass(frozen=True, slots=True)
class Map:
    """Names that are not known beforehand, each with one shape."""

    of: Shape


@dataclass(frozen=True, slots=True)
class Union:
    """One of several shapes."""

    of: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a record; `required`: it is always there."""

    name: str
    shape: Shape
    required: bool
    doc: str


@dataclass(frozen=True, slots=True)
class Record:
    """An object with known members; `open`: it may have others. `alias`: no object, but a name for this shape."""

    name: str
    doc: str
    fields: tuple[Field, ...]
    open: bool = False
    alias: Shape | None = None


Shape = Plain | Literal | Ref | List | Map | Union


@dataclass(frozen=True, slots=True)
class Operation:
    """One route. `response` None: not JSON, such as a stream; `body` None: it takes none."""

    name: str
    doc: str
    method: str
    path: str
    path_params: tuple[Field, ...]
    params: tuple[Field, ...]
    body: Shape | None
    body_required: bool
    response: Shape | None


def operations_of(document: Mapping[str, Any]) -> tuple[tuple[Operation, ...], tuple[Record, ...]]:
    """The named operations of the API and every record they reach, both by name."""
    operations = sorted(
        (
            _operation(method, path, item[method])
            for path, item in document["paths"].items()
            if path.startswith(PREFIX)
            for method in _METHODS
            if method in item and "operationId" in item[method]
        ),
        key=lambda each: each.name,
    )
    schemas = document.get("components", {}).get("schemas", {})
    named = _reached([shape for each in operations for shape in _shapes_of(each)], schemas)
    return tuple(operations), tuple(named[name] for name in sorted(named))


def _operation(method: str, path: str, said: Mapping[str, Any]) -> Operation:
    params = [(each["in"], _parameter(each)) for each in said.get("parameters", ())]
    body = said.get("requestBody", {})
    answers = [said["responses"][status] for status in sorted(said["responses"]) if status.startswith("2")]
    return Operation(
        name=said["operationId"],
        doc=said.get("summary", ""),
        method=method.upper(),
        path=path.removeprefix(PREFIX),
        path_params=tuple(field for place, field in params if place == "path"),
        params=tuple(field for place, field in params if place == "query"),
        body=_json_content(body),
        body_required=bool(body.get("required")),
        response=_json_content(answers[0]) if answers else None,
    )


def _parameter(said: Mapping[str, Any]) -> Field:
    return Field(said["name"], shape_of(said["schema"]), bool(said.get("required")), said.get("description", ""))


def _json_content(said: Mapping[str, Any]) -> Shape | None:
    content = said.get("content", {}).get("application/json")
    return None if content is None else shape_of(content.get("schema", {}))


def _shapes_of(operation: Operation) -> Iterator[Shape]:
    yield from (field.shape for field in (*operation.path_params, *operation.params))
    yield from (shape for shape in (operation.body, operation.response) if shape is not None)


def _reached(shapes: list[Shape], schemas: Mapping[str, Any]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    waiting = [name for shape in shapes for name in refs_of(shape)]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        (said,) = (schema for key, schema in schemas.items() if _name(key) == name)
        found[name] = _record(name, said)
        waiting += refs_in(found[name])
    return found


def refs_in(record: Record) -> list[str]:
    """The records a record names."""
    shapes = [field.shape for field in record.fields] if record.alias is None else [record.alias]
    return [ref for shape in shapes for ref in refs_of(shape)]


def refs_of(shape: Shape) -> Iterator[str]:
    """The records a shape names."""
    match shape:
        case Ref(name):
            yield name
        case List(of) | Map(of):
            yield from refs_of(of)
        case Union(of):
            for each in of:
                yield from refs_of(each)


def _record(name: str, said: Mapping[str, Any]) -> Record:
    if "properties" not in said:
        return Record(name, _line(said), (), alias=shape_of(said))
    required = said.get("required", ())
    fields = tuple(
        Field(key, shape_of(schema), key in required, schema.get("description", ""))
        for key, schema in said["properties"].items()
    )
    return Record(name, _line(said), fields, said.get("additionalProperties") is True)


def _line(said: Mapping[str, Any]) -> str:
    return " ".join(str(said.get("description", "")).split())


def _name(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", key)


def shape_of(said: Mapping[str, Any]) -> Shape:
    """The shape that a JSON Schema describes.

    >>> shape_of({"anyOf": [{"type": "string"}, {"type": "null"}]})
    Union(of=(Plain(name='string'), Plain(name='null')))
    """
    if "$ref" in said:
        return Ref(_name(said["$ref"].removeprefix(_REF)))
    if "const" in said:
        return Literal((said["const"],))
    if "enum" in said:
        return Literal(tuple(said["enum"]))
    for several in ("anyOf", "oneOf"):
        if several in said:
            shapes = tuple(dict.fromkeys(shape_of(each) for each in said[several]))
            return shapes[0] if len(shapes) == 1 else Union(shapes)
    if len(said.get("allOf", ())) == 1:
        return shape_of(said["allOf"][0])
    match said.get("type"):
        case "array":
            return List(shape_of(said.get("items", {})))
        case "object":
            more = said.get("additionalProperties")
            return Map(shape_of(more) if isinstance(more, dict) else Plain("any"))
        case "string":
            return Plain("decimal" if said.get("format") == "decimal" else "string")
        case "integer" | "number" | "boolean" | "null" as name:
            return Plain(name)
    return Plain("any")
