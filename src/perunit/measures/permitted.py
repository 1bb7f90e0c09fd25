"""What a permit lets through. Enters: a permit and what is asked. Leaves: conditions on rows, or a refusal.

Rows are conditions on the segments facts are shown by, bound like any filter. What belongs to no segment is nobody's
who is held to some, and is refused by name or left out with a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.access.permit import Permission
from perunit.engine.duckdb import identifier
from perunit.measures.catalogue import Family
from perunit.measures.filters import Filter, bound
from perunit.model.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from perunit.access.permit import Permit
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.measures.catalogue import Measure

__all__ = [
    "permission_of",
    "require_all_rows",
    "require_measures",
    "rows_seen",
    "seen_cells",
    "seen_keys",
    "shown",
    "withheld",
]

_NO_SEGMENTS = frozenset({"billed_idle", "billed_unallocated", "reconciled_source", "reconciled_gap"})
_PARTLY = frozenset({"billed_all", "effective_all"}) | _NO_SEGMENTS
# The dimensions of a cell beside those of the contract; as `scan.CELL_DIMENSIONS`, which stands above this.
_OWN = ("event_type", "source", "outcome")


def permission_of(measure: Measure) -> Permission:
    """What it takes to see a measure."""
    return Permission.FINANCIAL if measure.family is Family.FINANCIAL else Permission.OPERATIONAL


def require_measures(permit: Permit, measures: Iterable[Measure]) -> None:
    """Raises ForbiddenError for the first measure that the permit does not let through."""
    for measure in measures:
        try:
            permit.require(permission_of(measure))
        except ForbiddenError as error:
            raise ForbiddenError(f"{measure.name}: {error}", error.permission, error.roles) from error
        if measure.needs() <= _NO_SEGMENTS:
            require_all_rows(permit, measure.name)


def require_all_rows(permit: Permit, what: str) -> None:
    """Raises ForbiddenError where the permit is for some segments, and `what` belongs to none."""
    if permit.rows:
        raise ForbiddenError(f"{what}: belongs to no segment, and {_said(permit)}; ask an administrator for all rows")


def rows_seen(contract: Contract, permit: Permit) -> tuple[Filter, ...]:
    """The permit's rows as filters. Raises ForbiddenError where one is of a dimension that is gone."""
    known = (*contract.dimensions(), *_OWN)
    for dimension in permit.rows:
        if dimension not in known:
            raise ForbiddenError(
                f"rows: {dimension!r} is no dimension of the contract any more, so nothing is seen; "
                "ask an administrator to correct them"
            )
    # A fact of which no value is known is in nobody's rows, so None is never among the values.
    return tuple(Filter(dimension, tuple(values)) for dimension, values in sorted(permit.rows.items()))


def withheld(permit: Permit, measures: Iterable[Measure]) -> list[str]:
    """What a reader has to know of figures that the permit's rows make smaller."""
    if not permit.rows:
        return []
    note = f"{_said(permit)}: figures are of these rows alone"
    cut = [measure.name for measure in measures if measure.needs() & _PARTLY]
    return [f"{note}, and {', '.join(cut)} without what belongs to no segment" if cut else note]


def _said(permit: Permit) -> str:
    rows = "; ".join(f"{dimension}: {', '.join(values)}" for dimension, values in sorted(permit.rows.items()))
    return f"this permit is for {rows}"


def shown(filters: Iterable[Filter], alias: str) -> str:
    """The condition of rows on the table `cells` under an alias; true where there are none."""
    conditions = [
        each.sql(
            f"{alias}.{each.dimension if each.dimension in _OWN else identifier(f'shown_{each.dimension}')}", place
        )
        for place, each in enumerate(filters)
    ]
    return " AND ".join(conditions) or "true"


def seen_cells(engine: Engine, rows: tuple[Filter, ...]) -> frozenset[int] | None:
    """The cells whose facts are seen; None where all are."""
    if not rows:
        return None
    sql = f"SELECT k.cell_id FROM cells k WHERE {shown(rows, 'k')}"
    return frozenset(cell for (cell,) in engine.rows(sql, bound(rows)))


def seen_keys(engine: Engine, rows: tuple[Filter, ...], named: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Of the units that each event names, by type, those that opened within the rows; all where there are none."""
    if not rows:
        return [dict(keys) for keys in named]
    wanted: dict[str, set[str]] = {}
    for keys in named:
        for unit, key in keys.items():
            wanted.setdefault(unit, set()).add(key)
    opened = _opened(engine, rows, wanted)
    return [{unit: key for unit, key in keys.items() if (unit, key) in opened} for keys in named]


def _opened(engine: Engine, rows: tuple[Filter, ...], keys: Mapping[str, set[str]]) -> frozenset[tuple[str, str]]:
    sql = (
        "SELECT u.unit_key FROM units u JOIN cells k ON k.cell_id = u.cell_id "
        f"WHERE u.unit_type = $unit AND u.unit_key IN (SELECT unnest($keys)) AND {shown(rows, 'k')}"
    )
    return frozenset(
        (unit, key)
        for unit, named in keys.items()
        for (key,) in engine.rows(sql, {"unit": unit, "keys": sorted(named)} | bound(rows))
    )
