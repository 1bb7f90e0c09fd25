"""Shapes as TypeScript, laid out as prettier would. Enters: operations and records. Leaves: the text of a module."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from perunit.faces.api.types.shapes import Field, List, Literal, Map, Operation, Plain, Record, Ref, Shape, Union

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["typescript"]

# As web/.prettierrc has it.
_WIDTH = 120
_PLAIN = {"decimal": "string", "integer": "number", "any": "unknown"}
_HEAD = "// Made from the API's description by `python -m perunit.faces.api.types`; not to be edited."


def typescript(operations: Sequence[Operation], records: Sequence[Record]) -> str:
    """An interface for every record, and `Operations`: method, path, parameters, body and response by name."""
    parts = [_HEAD, *(_interface(record) for record in records), _operations(operations)]
    return "\n\n".join([*parts, "export type OperationName = keyof Operations;"]) + "\n"


def _interface(record: Record) -> str:
    if record.alias is not None:
        return "\n".join([*_doc(record.doc, ""), *_declared(f"export type {record.name} =", record.alias)])
    lines = [*_doc(record.doc, ""), f"export interface {record.name} {{"]
    for field in record.fields:
        lines += _member(field, "  ")
    if record.open:
        lines.append("  [name: string]: unknown;")
    return "\n".join([*lines, "}"])


def _declared(head: str, shape: Shape) -> list[str]:
    line = f"{head} {_text(shape)};"
    if len(line) <= _WIDTH or not isinstance(shape, Union | Literal):
        return [line]
    parts = [f"  | {part}" for part in _parts(shape)]
    return [head, *parts[:-1], f"{parts[-1]};"]


def _member(field: Field, indent: str) -> list[str]:
    name = field.name if re.fullmatch(r"[A-Za-z_$][\w$]*", field.name) else json.dumps(field.name)
    head = f"{indent}{name}{'' if field.required else '?'}:"
    line = f"{head} {_text(field.shape)};"
    doc = _doc(field.doc, indent)
    if len(line) <= _WIDTH or not isinstance(field.shape, Union | Literal) or len(_parts(field.shape)) == 1:
        return [*doc, line]
    parts = [f"{indent}  | {part}" for part in _parts(field.shape)]
    return [*doc, head, *parts[:-1], f"{parts[-1]};"]


def _doc(text: str, indent: str) -> list[str]:
    safe = " ".join(text.split()).replace("*/", "* /")
    return [f"{indent}/** {safe} */"] if safe else []


def _operations(operations: Sequence[Operation]) -> str:
    lines = ["/** Every operation by its name; paths are below /api/v1. */", "export interface Operations {"]
    for each in operations:
        lines += _doc(each.doc, "  ")
        lines += [f"  {each.name}: {{", f'    method: "{each.method}";', f'    path: "{each.path}";']
        lines += _group("pathParams", each.path_params)
        lines += _group("params", each.params)
        body = each.body or Plain("undefined")
        lines += _member(Field("body", body, each.body_required or each.body is None, ""), "    ")
        lines += _member(Field("response", each.response or Plain("Response"), True, ""), "    ")
        lines.append("  };")
    return "\n".join([*lines, "}"])


def _group(name: str, fields: Sequence[Field]) -> Iterator[str]:
    if not fields:
        yield f"    {name}: {{}};"
        return
    yield f"    {name}: {{"
    for field in fields:
        yield from _member(field, "      ")
    yield "    };"


def _parts(shape: Union | Literal) -> list[str]:
    if isinstance(shape, Literal):
        return [json.dumps(value, ensure_ascii=False) for value in shape.values]
    found: list[str] = []
    for each in shape.of:
        found += _parts(each) if isinstance(each, Union | Literal) else [_text(each)]
    return list(dict.fromkeys(found))


def _text(shape: Shape) -> str:
    match shape:
        case Plain(name):
            return _PLAIN.get(name, name)
        case Ref(name):
            return name
        case List(of):
            inner = _text(of)
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        case Map(of):
            return f"Record<string, {_text(of)}>"
        case _:
            return " | ".join(_parts(shape))
