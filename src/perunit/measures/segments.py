"""Measures per segment as series of labels, for those who collect such series. Enters: the contract's exports.
Leaves: for each series its name, labels and exact value, and how many were left out.

The ids of units never become labels; segments do, up to a limit. A ratio comes with its numerator and denominator,
because ratios do not add up: who sums over segments sums both and divides last.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from perunit.measures.catalogue import Measure, Unit, measures_of, resolve
from perunit.measures.formula import Number, Ratio
from perunit.measures.guard import unit_of
from perunit.measures.query import Query, Row, run_query
from perunit.model.window import Grain, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perunit.contract.shape import Contract, Export
    from perunit.engine.duckdb import Engine

__all__ = ["PREFIX", "Exported", "Series", "exported", "exported_measures", "parts_of", "running"]

PREFIX = "perunit_segment_"


@dataclass(frozen=True, slots=True)
class Series:
    """One measure of one segment: `metric` is PREFIX and the measure's name."""

    metric: str
    labels: Mapping[str, str]
    value: Number


@dataclass(frozen=True, slots=True)
class Exported:
    """The series of one export, by measure and then segment; `left_out` counts those beyond its limit."""

    measures: tuple[Measure, ...]
    series: tuple[Series, ...]
    left_out: int


def running(kind: str, at: datetime) -> Window:
    """The hour, day or month in UTC that `at` lies in.

    >>> from datetime import UTC
    >>> running("month", datetime(2026, 9, 30, 12, tzinfo=UTC)).end.isoformat()
    '2026-10-01T00:00:00+00:00'
    """
    hour = at.replace(minute=0, second=0, microsecond=0)
    if kind == "hour":
        return Window(hour, hour + timedelta(hours=1))
    day = hour.replace(hour=0)
    return Window(day, day + timedelta(days=1)) if kind == "day" else Window.of_month(f"{at:%Y-%m}")


def parts_of(contract: Contract, measure: Measure) -> tuple[Measure, Measure] | None:
    """The measures that a ratio is the quotient of, where the catalogue has both."""
    if not isinstance(measure.formula, Ratio):
        return None
    by_formula = {each.formula: each for each in reversed(measures_of(contract).values())}
    numerator = by_formula.get(measure.formula.numerator)
    denominator = by_formula.get(measure.formula.denominator)
    return (numerator, denominator) if numerator and denominator else None


def exported_measures(contract: Contract, export: Export) -> tuple[Measure, ...]:
    """The measures an export names, each ratio after its numerator and denominator."""
    named = resolve(contract, export.measures)
    found = [each for measure in named for each in (*(parts_of(contract, measure) or ()), measure)]
    return tuple(dict.fromkeys(found))


def exported(engine: Engine, contract: Contract, name: str, window: Window) -> Exported:
    """What one export shows of a window. What is unknown has no series.

    Raises UsageError where the question has no exact answer, such as the billed cost of an hour.
    """
    export = contract.export[name]
    measures = exported_measures(contract, export)
    asked = Query(
        measures=tuple(measure.name for measure in measures),
        unit=export.unit,
        by=export.by,
        grain=Grain.TOTAL,
        window=window,
    )
    result = run_query(engine, contract, asked)
    fixed = {"export": name, "unit": unit_of(contract, export.unit), "window": export.window}
    segments = [_series_of(row, fixed, export, measures, result.currency) for row in result.rows]
    kept = _whole_segments(segments, export.series_max)
    order = {PREFIX + measure.name: place for place, measure in enumerate(measures)}
    kept.sort(key=lambda series: order[series.metric])
    return Exported(measures, tuple(kept), sum(map(len, segments)) - len(kept))


def _series_of(
    row: Row, fixed: dict[str, str], export: Export, measures: tuple[Measure, ...], currency: str
) -> list[Series]:
    labels = fixed | {dimension: row.values[dimension] for dimension in export.by if row.values[dimension]}
    return [
        Series(PREFIX + each.name, labels | ({"currency": currency} if each.unit is Unit.MONEY else {}), value)
        for each in measures
        if (value := row.values[each.name]) is not None
    ]


def _whole_segments(segments: list[list[Series]], series_max: int) -> list[Series]:
    """The series of the first segments that fit; a segment is shown whole or not at all."""
    kept: list[Series] = []
    for series in segments:
        if len(kept) + len(series) > series_max:
            break
        kept += series
    return kept
