"""Measures for Prometheus: the text that it scrapes, and the rules that make ratios of it. Enters: the contract's
exports. Leaves: an exposition in format 0.0.4, and a file of recording rules.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from perunit.measures.catalogue import Unit
from perunit.measures.segments import PREFIX, Exported, exported, exported_measures, parts_of, running
from perunit.model.errors import UsageError
from perunit.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from decimal import Decimal

    from perunit.contract.shape import Contract, Export
    from perunit.engine.duckdb import Engine
    from perunit.measures.catalogue import Measure
    from perunit.measures.segments import Series

__all__ = ["CONTENT_TYPE", "exposition", "recording_rules"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LEFT_OUT = f"{PREFIX}series_left_out"
_UP = f"{PREFIX}export_up"
_log = logging.getLogger(__name__)


def exposition(engine: Engine, contract: Contract, now: datetime) -> str:
    """Every export's series over its running window, all of one metric together, and how many were left out."""
    found, refused = dict[str, Exported](), []
    for name, export in contract.export.items():
        try:
            found[name] = exported(engine, contract, name, running(export.window, now))
        except UsageError as error:
            # The others still stand; a collector sees by _up that this one does not.
            _log.warning("export %s cannot be shown: %s", name, error)
            refused.append(name)
    measures = {measure: None for each in found.values() for measure in each.measures}
    lines = []
    for measure in measures:
        metric = PREFIX + measure.name
        lines += _head(metric, f"{measure.title}: {measure.text}.")
        lines += [_line(each) for every in found.values() for each in every.series if each.metric == metric]
    lines += _head(_LEFT_OUT, "Series beyond an export's series_max, which are not shown.")
    lines += [f"{_LEFT_OUT}{_labels({'export': name})} {each.left_out}" for name, each in found.items()]
    lines += _head(_UP, "Whether an export could be computed; the log says why where it is 0.")
    lines += [f"{_UP}{_labels({'export': name})} {int(name not in refused)}" for name in contract.export]
    return "\n".join(lines) + "\n" if contract.export else ""


def _head(metric: str, text: str) -> list[str]:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return [f"# HELP {metric} {escaped}", f"# TYPE {metric} gauge"]


def _line(series: Series) -> str:
    return f"{series.metric}{_labels(series.labels)} {_digits(series.value)}"


def _digits(value: Decimal | int) -> str:
    return str(value) if isinstance(value, int) else plain(value)


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def recording_rules(contract: Contract) -> str:
    """A file of recording rules: each ratio of each export, over all segments and by each dimension.

    Ratios do not add up, so numerators and denominators are summed first and divided last.
    """
    groups = [group for name, export in contract.export.items() if (group := _group(contract, name, export))]
    return "".join(["groups:\n", *groups]) if groups else "groups: []\n"


def _group(contract: Contract, name: str, export: Export) -> str:
    rules = []
    for measure in exported_measures(contract, export):
        if (parts := parts_of(contract, measure)) is not None:
            rules += [_rule(name, measure, parts, by) for by in ((), *((dimension,) for dimension in export.by))]
    return f"  - name: perunit_{name}\n    rules:\n{''.join(rules)}" if rules else ""


def _rule(name: str, measure: Measure, parts: tuple[Measure, Measure], by: tuple[str, ...]) -> str:
    record = f"{'_'.join((name, *by))}:{PREFIX}{measure.name}:ratio"
    numerator, denominator = parts
    over, under = _summed(name, numerator, by), _summed(name, denominator, by)
    common = ", ".join(label for label in _kept(denominator, by) if label in _kept(numerator, by))
    # Units have no currency, so several sums of money may meet one count. Nothing divided by nothing says nothing.
    expression = f"{over} / on ({common}) group_left () ({under} > 0)"
    return f"      - record: {record}\n        expr: {json.dumps(expression)}\n"


def _kept(measure: Measure, by: Iterable[str]) -> tuple[str, ...]:
    return ("export", "unit", "window", *by, *(("currency",) if measure.unit is Unit.MONEY else ()))


def _summed(name: str, measure: Measure, by: Iterable[str]) -> str:
    return f'sum by ({", ".join(_kept(measure, by))}) ({PREFIX}{measure.name}{{export="{name}"}})'
