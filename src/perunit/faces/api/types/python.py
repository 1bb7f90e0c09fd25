"""Shapes as Python's TypedDicts. Enters: operations and records. Leaves: the text of a module.

Decimals are `Decimal`; `DECIMALS` says where they are, because JSON has them as text.
"""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

from perunit.faces.api.types.shapes import (
    Field,
    List,
    Literal,
    Map,
    Plain,
    Record,
    Ref,
    Shape,
    Union,
    refs_in,
    refs_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perunit.faces.api.types.shapes import Operation

__all__ = ["typed_dicts"]

_WIDTH = 120
_PLAIN = {
    "string": "str", "decimal": "Decimal", "integer": "int", "number": "float", "boolean": "bool", "null": "None",
    "any": "Any",
}  # fmt: skip
_HEAD = '''"""What the API answers. Made by ``python -m perunit.faces.api.types``; not to be edited."""

from __future__ import annotations
'''
_IMPORTS = {"decimal": ("Decimal",), "typing": ("Any", "Literal", "NotRequired", "TypedDict")}


def typed_dicts(operations: Sequence[Operation], records: Sequence[Record]) -> str:
    """A TypedDict for every record that a response reaches."""
    needed = _reached(operations, {record.name: record for record in records})
    names = "".join(f'    "{record.name}",\n' for record in needed)
    body = "\n".join([*(f"\n{_class(record)}" for record in needed), f"\n{_decimals(needed)}"])
    return "\n".join([_HEAD, *_imports(body), "", f'__all__ = [\n    "DECIMALS",\n{names}]\n', body])


def _imports(body: str) -> Iterator[str]:
    for module, names in _IMPORTS.items():
        used = [name for name in names if re.search(rf"(?<![\w\"]){name}\b(?!\")", body)]
        if used:
            kept = "" if module == "typing" else "  # noqa: TC003 - whoever reads the annotations needs it"
            yield f"from {module} import {', '.join(used)}{kept}"


def _reached(operations: Sequence[Operation], records: dict[str, Record]) -> list[Record]:
    waiting = [name for each in operations if each.response for name in refs_of(each.response)]
    found = set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += refs_in(records[name])
    return [records[name] for name in sorted(found)]


def _class(record: Record) -> str:
    doc = record.doc or record.name
    if record.alias is not None:
        return f"{record.name} = {_text(record.alias)}\n"
    if all(field.name.isidentifier() and not keyword.iskeyword(field.name) for field in record.fields):
        lines = [f"class {record.name}(TypedDict):", *_wrapped(doc), ""]
        return "\n".join([*lines, *(f"    {field.name}: {_member(field)}" for field in record.fields), ""])
    # A member's name is a word of Python, so that only this form can hold it; it is read at once.
    members = [f'        "{field.name}": {_as_text(_member(field))},' for field in record.fields]
    return "\n".join([f"{record.name} = TypedDict(", f'    "{record.name}",', "    {", *members, "    },", ")", ""])


def _wrapped(doc: str) -> Iterator[str]:
    line = f'    """{doc.rstrip(".")}."""'
    if len(line) <= _WIDTH:
        yield line
        return
    import textwrap

    yield from textwrap.wrap(
        f'"""{doc}', _WIDTH, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False
    )
    yield '    """'


def _member(field: Field) -> str:
    return _text(field.shape) if field.required else f"NotRequired[{_text(field.shape)}]"


def _text(shape: Shape) -> str:
    match shape:
        case Plain(name):
            return _PLAIN[name]
        case Ref(name):
            return name
        case Literal(values):
            return f"Literal[{', '.join(_quoted(value) for value in values)}]"
        case List(of):
            return f"list[{_text(of)}]"
        case Map(of):
            return f"dict[str, {_text(of)}]"
        case Union(of):
            return " | ".join(dict.fromkeys(_text(each) for each in of))


def _as_text(annotation: str) -> str:
    return f"'{annotation}'" if '"' in annotation else f'"{annotation}"'


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _decimals(records: Sequence[Record]) -> str:
    """Record → member → what is in it: ``Decimal``, another record, or nothing to convert, which is left out."""
    lines = ["# Record → member → what its value, or each value in it, is: a decimal number or a record."]
    lines.append("DECIMALS: dict[str, dict[str, tuple[str, ...]]] = {")
    for record in records:
        found = {field.name: _inside(field.shape) for field in record.fields}
        told = {name: inside for name, inside in found.items() if inside}
        if told:
            lines.append(f'    "{record.name}": {{')
            lines += [f'        "{name}": ({"".join(f"{_quoted(each)}, " for each in inside).rstrip()}),'
                      if len(inside) == 1 else f'        "{name}": ({", ".join(map(_quoted, inside))}),'
                      for name, inside in told.items()]  # fmt: skip
            lines.append("    },")
    return "\n".join([*lines, "}", ""])


def _inside(shape: Shape) -> tuple[str, ...]:
    match shape:
        case Plain("decimal"):
            return ("Decimal",)
        case Ref(name):
            return (name,)
        case List(of) | Map(of):
            return _inside(of)
        case Union(of):
            return tuple(dict.fromkeys(each for part in of for each in _inside(part)))
    return ()
