"""What the shapes refuse, in a person's words. Enters: a document. Leaves: its typed form and faults."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from perunit.contract.document import Document, Path, did_you_mean, shown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from perunit.contract.shape import Contract
    from perunit.model.errors import Fault

__all__ = ["PLACEHOLDER", "shown_dimensions", "validated"]

# Stands where a required value is missing or wrong. Faults that quote it are consequences, and are not shown.
PLACEHOLDER = "missing__"
_ROUNDS = 24

_Model = TypeVar("_Model", bound=BaseModel)

_RULES = {
    "dict_type": ("must be a mapping", "write key: value pairs below it"),
    "model_type": ("must be a mapping", "write key: value pairs below it"),
    "model_attributes_type": ("must be a mapping", "write key: value pairs below it"),
    "tuple_type": ("must be a list", "write it in brackets: [a, b]"),
    "list_type": ("must be a list", "write it in brackets: [a, b]"),
    "string_type": ("must be text", "write one word, or text in quotes"),
    "int_type": ("must be a whole number", "write digits only"),
    "int_parsing": ("must be a whole number", "write digits only"),
    "int_from_float": ("must be a whole number", "write digits only"),
    "bool_type": ("must be true or false", "write true or false"),
    "bool_parsing": ("must be true or false", "write true or false"),
    "decimal_type": ("must be a decimal number", "write digits with a point, such as 0.10"),
    "decimal_parsing": ("must be a decimal number", "write digits with a point, such as 0.10"),
    "finite_number": ("must be a finite decimal number", "write digits with a point, such as 0.10"),
    "too_short": ("must not be empty", "add at least one"),
    "string_too_short": ("must not be empty", "write it out"),
}
_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,47}$": "must be lower-case letters, digits and _ (at most 48), a letter first",
    r"^[A-Z]{3}$": "must be an ISO 4217 code such as USD",
    r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$": "must be a setting of librdkafka such as security.protocol",
    r"^[1-9][0-9]{0,5}(s|m|h)$": "must be a number and its unit, such as 15s, 1m or 1h",
}


def validated(
    model: type[_Model], document: Document, schema: dict[str, Any]
) -> tuple[_Model | None, list[Fault], set[Path]]:
    """The typed form of a document and every fault of its shape, with the paths that were refused.

    A document with faults is typed all the same, wrong parts taken out or replaced by a placeholder, so that
    what is right in it can be checked further; None where too little is left.
    """
    try:
        return model.model_validate(document.data), [], set()
    except ValidationError as error:
        details = error.errors()
        faults = [_fault(detail, document, schema) for detail in details]
        paths = {_path(detail) for detail in details}
        return _repaired(model, document.data, error, schema), faults, paths


def shown_dimensions(contract: Contract) -> tuple[str, ...]:
    """The contract's segment dimensions without the stand-in for a refused one, for use in messages."""
    return tuple(name for name in contract.dimensions() if name != PLACEHOLDER)


def _repaired(model: type[_Model], data: Any, error: ValidationError, schema: dict[str, Any]) -> _Model | None:
    repaired = copy.deepcopy(data)
    for _ in range(_ROUNDS):
        for detail in error.errors():
            repaired = _replace(repaired, detail, schema)
        try:
            return model.model_validate(repaired)
        except ValidationError as next_error:
            error = next_error
    return None


def _replace(data: Any, detail: ErrorDetails, schema: dict[str, Any]) -> Any:
    path = _path(detail)
    if not path:
        return data if isinstance(data, dict) else {}
    parent = data
    for step in path[:-1]:
        try:
            parent = parent[step]
        except (KeyError, IndexError, TypeError):
            return data
    last = path[-1]
    if detail["type"] == "missing" and isinstance(parent, dict):
        parent[last] = _placeholder(_subschema(schema, path), schema)
    elif isinstance(parent, dict):
        parent.pop(last, None)
    elif isinstance(parent, list) and isinstance(last, int) and last < len(parent):
        parent[last] = _placeholder(_subschema(schema, path), schema)
    return data


def _placeholder(part: dict[str, Any], schema: dict[str, Any]) -> Any:
    if {"type": "number"} in part.get("anyOf", ()):
        return "1"
    part = _resolved(part, schema)
    if "examples" in part:
        return copy.deepcopy(part["examples"][0])
    if "const" in part:
        return part["const"]
    if "enum" in part:
        return part["enum"][0]
    kind = part.get("type")
    if kind == "object":
        return {PLACEHOLDER: {}} if part.get("minProperties") else {}
    if kind == "array":
        return []
    return 1 if kind == "integer" else PLACEHOLDER


def _path(detail: ErrorDetails) -> Path:
    return tuple(step for step in detail["loc"] if step != "[key]")


def _fault(detail: ErrorDetails, document: Document, schema: dict[str, Any]) -> Fault:
    path, kind, context = _path(detail), detail["type"], detail.get("ctx") or {}
    if kind == "missing":
        about = _resolved(_subschema(schema, path), schema, keep_description=True).get("description", "")
        mend = f"add {path[-1]}" + (f" ({about.rstrip('.')})" if about else "")
        return document.fault(path, "must be given", mend, got="")
    if kind == "extra_forbidden":
        known = sorted(_resolved(_subschema(schema, path[:-1]), schema).get("properties", {}))
        mend = did_you_mean(str(path[-1]), known, "take it away or correct its name")
        return document.fault(path, f"must be one of {', '.join(known)}", mend, got=shown(path[-1]))
    got = shown(path[-1] if "[key]" in detail["loc"] else detail["input"])
    rule, mend = _rule(kind, context, detail)
    if kind == "literal_error":
        words = [word.strip(" '") for word in str(context.get("expected", "")).replace(" or ", ", ").split(",")]
        mend = did_you_mean(str(detail["input"]), words, mend)
    return document.fault(path, rule, mend, got=got)


def _rule(kind: str, context: dict[str, Any], detail: ErrorDetails) -> tuple[str, str]:
    if kind in _RULES:
        return _RULES[kind]
    if kind == "literal_error":
        many = " or " in str(context["expected"])
        return (
            f"must be {context['expected']}",
            "use one of these" if many else f"write {context['expected']}",
        )
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return _PATTERNS.get(pattern, f"must match {pattern}"), "correct or rename it"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters", "shorten it"
    for limit, sign in (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<")):
        if limit in context:
            return f"must be {sign} {context[limit]}", "correct the number"
    if kind == "value_error":
        rule, _, mend = str(context["error"]).partition("; ")
        return rule, mend or "correct it"
    return detail["msg"][0].lower() + detail["msg"][1:], "correct it"


def _subschema(schema: dict[str, Any], path: Path) -> dict[str, Any]:
    """The part of a JSON Schema that describes the value at `path`; empty where it says nothing of it."""
    part = schema
    for step in path:
        part = _resolved(part, schema)
        if isinstance(step, int):
            part = part.get("items", {})
        else:
            # A mapping with checked keys has one pattern, which every key of it is told against.
            others = [*part.get("patternProperties", {}).values(), part.get("additionalProperties")]
            other = next((each for each in others if isinstance(each, dict)), {})
            part = part.get("properties", {}).get(step) or other
    return part


def _resolved(part: dict[str, Any], schema: dict[str, Any], *, keep_description: bool = False) -> dict[str, Any]:
    """Follows a reference, and the first alternative that is not null."""
    description = part.get("description")
    for alternative in part.get("anyOf", ()):
        if alternative.get("type") != "null" and alternative.get("type") != "number":
            part = alternative
            break
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rsplit("/", 1)[-1]]
    return {**part, "description": description} if keep_description and description else part
