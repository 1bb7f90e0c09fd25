"""Exact numbers out of JSON's text. Enters: an answer and the name of its record. Leaves: the same with `Decimal`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from perunit.client.answers import DECIMALS

__all__ = ["exact_figures", "exact_record"]

_EXACT = frozenset({"money", "ratio", "ms", "quantity"})


def exact_record(record: str, value: Any) -> Any:
    """Every decimal number of a record, and of the records in it, as a `Decimal`."""
    if isinstance(value, list):
        return [exact_record(record, each) for each in value]
    if not isinstance(value, dict):
        return value
    places = DECIMALS.get(record, {})
    return {name: _converted(places.get(name, ()), part) for name, part in value.items()}


def _converted(kinds: tuple[str, ...], part: Any) -> Any:
    for kind in kinds:
        part = _as_decimal(part) if kind == "Decimal" else exact_record_within(kind, part)
    return part


def exact_record_within(record: str, part: Any) -> Any:
    """A record, a list of them, or a mapping of names to them."""
    if isinstance(part, dict) and part and all(isinstance(each, dict) for each in part.values()):
        known = DECIMALS.get(record, {})
        if not known.keys() & part.keys():
            return {name: exact_record(record, each) for name, each in part.items()}
    return exact_record(record, part)


def _as_decimal(part: Any) -> Any:
    match part:
        case str():
            return Decimal(part)
        case list():
            return [_as_decimal(each) for each in part]
        case dict():
            return {name: _as_decimal(each) for name, each in part.items()}
    return part


def exact_figures(answer: dict[str, Any]) -> dict[str, Any]:
    """The figures of a question: values of measures that are no counts, with what is compared, as `Decimal`."""
    exact = {measure["name"] for measure in answer["measures"] if measure["unit"] in _EXACT}
    columns = [name for name in answer["columns"] if _measure(name, exact)]
    rows = [
        row | {name: Decimal(row[name]) for name in columns if isinstance(row.get(name), str)} for row in answer["rows"]
    ]
    return answer | {"rows": rows}


def _measure(column: str, exact: set[str]) -> bool:
    """Whether a column holds a measure, or what stands beside one, such as its value before."""
    return column in exact or any(column.startswith(f"{name}_") for name in exact)
