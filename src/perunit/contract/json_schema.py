"""The JSON Schema of an event's data. Enters: a file. Leaves: the schema, or its faults.

Only what can be checked on millions of rows at once is supported; the rest is refused by name, never ignored.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from perunit.contract.document import Document, Path, decode, did_you_mean, parse_document, shown
from perunit.model.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path as File

__all__ = ["SUPPORTED", "kinds_of", "property_at", "read_json_schema"]

_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "$schema", "$id", "$comment"})
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
# RE2, which the engine matches with, has no look-around and no back-references.
_NOT_RE2 = re.compile(r"\(\?(=|!|<=|<!|>)|\\[1-9]")


def read_json_schema(path: File, file: str) -> tuple[dict[str, Any] | None, list[Fault]]:
    """The schema in a file, or None and its faults."""
    try:
        text = decode(path.read_bytes(), file)
    except OSError as error:
        rule = "must be a readable file"
        got = error.strerror or type(error).__name__
        return None, [Fault(file, None, "file", got, rule, "correct its rights")]
    if isinstance(text, Fault):
        return None, [text]
    try:
        schema = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        got = shown(text.splitlines()[error.lineno - 1].strip() if text.strip() else "an empty file")
        return None, [Fault(file, error.lineno, "syntax", got, f"must be JSON ({error.msg})", "correct the line")]
    except (ValueError, RecursionError) as error:
        return None, [Fault(file, None, "syntax", str(error), "must be JSON with unique keys", "correct it")]
    # JSON is YAML but for tabs; the second reading is only for the line numbers.
    document = Document(file, schema, parse_document(text.replace("\t", " "), file).lines)
    faults = list(_faults(document, (), schema))
    return None if faults else schema, faults


def property_at(schema: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    """What a schema says of the property at `path` (names compared without case); None if nothing."""
    part: Any = schema
    for step in path:
        properties = part.get("properties", {}) if isinstance(part, dict) else {}
        part = next((value for name, value in properties.items() if name.lower() == step.lower()), None)
    return part if isinstance(part, dict) else None


def kinds_of(part: dict[str, Any]) -> tuple[str, ...]:
    """The JSON types a part of a schema allows; empty where it does not say."""
    kinds = part.get("type", [])
    return tuple(kinds) if isinstance(kinds, list) else (str(kinds),)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {next(name for name in names if names.count(name) > 1)!r} twice")
    return found


def _refuse_constant(word: str) -> Any:
    raise ValueError(word)


def _faults(document: Document, path: Path, part: Any) -> Iterator[Fault]:
    if not isinstance(part, dict):
        yield document.fault(path, "must be an object", "write a schema in braces", got=shown(part))
        return
    for keyword, value in part.items():
        at = (*path, keyword)
        if keyword in _ANNOTATIONS:
            continue
        if keyword not in _CHECKS:
            mend = did_you_mean(keyword, SUPPORTED, f"use only {', '.join(SUPPORTED)}")
            yield document.fault(at, "must be a supported keyword", mend, got=shown(keyword))
            continue
        valid, rule = _CHECKS[keyword]
        if not valid(value):
            yield document.fault(at, rule, "correct it", got=shown(value))
        elif keyword == "properties":
            for name, inner in value.items():
                yield from _faults(document, (*at, name), inner)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_type(value: object) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(name in _TYPES for name in names) and len([n for n in names if n != "null"]) <= 1


def _is_pattern(value: object) -> bool:
    if not isinstance(value, str) or _NOT_RE2.search(value):
        return False
    try:
        re.compile(value)
    except re.error:
        return False
    return True


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


_NUMBER = (_is_number, "must be a number")
_COUNT = (_is_count, "must be a whole number >= 0")
_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "type": (_is_type, f"must be one of {', '.join(_TYPES)}, or a list of one of them and null"),
    "properties": (lambda value: isinstance(value, dict), "must be an object"),
    "required": (
        lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value),
        "must be a list of names",
    ),
    "additionalProperties": (lambda value: isinstance(value, bool), "must be true or false"),
    "enum": (
        lambda value: isinstance(value, list) and bool(value) and all(map(_is_scalar, value)),
        "must be a list of plain values",
    ),
    "const": (_is_scalar, "must be a plain value"),
    "minimum": _NUMBER,
    "maximum": _NUMBER,
    "exclusiveMinimum": _NUMBER,
    "exclusiveMaximum": _NUMBER,
    "minLength": _COUNT,
    "maxLength": _COUNT,
    "pattern": (_is_pattern, "must be a regular expression without look-around and back-references"),
    "format": (lambda value: value == "date-time", "must be date-time"),
}
SUPPORTED = tuple(_CHECKS)
