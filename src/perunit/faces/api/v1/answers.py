"""A result as the API gives it: a page of it, thinned to so many points. Enters: a question. Leaves: plain values."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit.faces.api.v1.asking import ROWS_MAX, cursor, cursor_values, question_of
from perunit.measures.query import run_query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perunit.access.permit import Permit
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.faces.api.v1.asking import Asked
    from perunit.measures.query import Result, Row

__all__ = ["ROWS_DEFAULT", "figures", "thinned"]

ROWS_DEFAULT = 1_000


def figures(
    engine: Engine, contract: Contract, asked: Asked, permit: Permit, after: str | None = None
) -> dict[str, Any]:
    """The answer to a question as plain values."""
    result = run_query(engine, contract, question_of(asked), permit=permit)
    rows = result.rows
    left_out = 0
    if asked.points_max is not None:
        rows = thinned(result, asked.points_max)
        left_out = len(result.rows) - len(rows)
    first = _first(result, rows, after)
    limit = asked.limit or (ROWS_MAX if asked.points_max else ROWS_DEFAULT)
    page = rows[first : first + limit]
    more = first + limit < len(rows)
    answer = result.as_json(page)
    del answer["where"]
    return answer | {
        "filters": [str(each) for each in result.query.filters],
        "next": cursor(first + limit, *_identity(result, page[-1])) if more else None,
        "points_left_out": left_out,
    }


def _identity(result: Result, row: Row) -> list[str | None]:
    """What tells a row from every other of its result."""
    names = [column.name for column in result.columns if column.measure is None]
    return [None if row.values[name] is None else str(row.values[name]) for name in names]


def _first(result: Result, rows: Sequence[Row], after: str | None) -> int:
    """Where the page after a cursor begins: behind its row, or where that was if it is gone."""
    if after is None:
        return 0
    place, *last = [*cursor_values(after), 0][:-1] or [0]
    found = next((number + 1 for number, row in enumerate(rows) if _identity(result, row) == last), None)
    if found is not None:
        return found
    return min(max(place, 0), len(rows)) if isinstance(place, int) else 0


def thinned(result: Result, points_max: int) -> tuple[Row, ...]:
    """About `points_max` of the rows: of each stretch of time of each segment those with the least and the greatest
    value of each measure, and the first and last of all, so that a line drawn through them looks the same.
    """
    bucket = next((column.name for column in result.columns if column.kind == "bucket"), None)
    if bucket is None or len(result.rows) <= points_max:
        return result.rows
    series: dict[tuple[Any, ...], list[int]] = {}
    for number, row in enumerate(result.rows):
        series.setdefault(tuple(row.values[name] for name in result.query.by), []).append(number)
    each = max(1, points_max // (2 * len(result.measures) * len(series)))
    kept = {number for numbers in series.values() for number in _telling(result, numbers, each)}
    return tuple(result.rows[number] for number in sorted(kept))


def _telling(result: Result, numbers: list[int], stretches: int) -> set[int]:
    kept = {numbers[0], numbers[-1]}
    for stretch in range(stretches):
        inside = numbers[len(numbers) * stretch // stretches : len(numbers) * (stretch + 1) // stretches]
        for measure in result.measures:
            known = [number for number in inside if result.rows[number].values[measure.name] is not None]
            if known:
                values = {number: Decimal(result.rows[number].values[measure.name]) for number in known}
                kept |= {min(known, key=values.__getitem__), max(known, key=values.__getitem__)}
    return kept
