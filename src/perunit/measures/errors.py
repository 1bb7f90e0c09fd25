"""How far sampled sums may be off. Enters: a lens and the sums asked for. Leaves: their covariances by bucket and
segment, and from these the standard error of a measure.

What was sampled together errs together: events are first summed by sampling unit, then the variance of
`model.sampling` is taken over the units, between every two sums that one measure needs. A measure's error follows by
its slopes: first order, as for any smooth function of totals. These figures say how uncertain a number is and are no
amounts, so they are computed in floating point and told to six digits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import pyarrow as pa

from perunit.economics.price.tiers import define_splits
from perunit.engine.duckdb import identifier
from perunit.measures.catalogue import sum_of
from perunit.measures.formula import slopes
from perunit.measures.scan import (
    CLUSTERED,
    SAMPLED_EVENTS,
    clusters_sql,
    converted_clusters_sql,
    latency_keys_sql,
    split,
)
from perunit.measures.sums import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.measures.catalogue import Measure
    from perunit.measures.formula import Sums
    from perunit.measures.scan import Key, Lens
    from perunit.measures.sums import Sum

__all__ = ["Doubt", "doubts"]

_DIGITS = 6
_NOISE = 1e-12


@dataclass(slots=True)
class Doubt:
    """What sampling leaves open in one bucket and segment: the sums it touches, and their covariances by pair.

    Of sums that are `open` some weight is not known, and so no error.
    """

    touched: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)
    covariances: dict[tuple[str, str], float] = field(default_factory=dict)

    def touches(self, measure: Measure) -> bool:
        """Whether a measure is an estimate here."""
        return not self.touched.isdisjoint(measure.needs())

    def error(self, measure: Measure, sums: Sums) -> Decimal | None:
        """The standard error of a measure with these sums; None where it is no estimate or has none that is known."""
        if not self.touches(measure) or not self.open.isdisjoint(measure.needs()):
            return None
        slope = slopes(measure.formula, sums)
        if slope is None:
            return None
        terms = [
            float(slope[one]) * float(slope[other]) * covariance * (1 if one == other else 2)
            for (one, other), covariance in self.covariances.items()
            if one in slope and other in slope
        ]
        # Terms that cancel out leave nothing but the rounding of doubles.
        variance = sum(terms) if sum(terms) > _NOISE * sum(map(abs, terms)) else 0.0
        return Decimal(f"{variance**0.5:.{_DIGITS - 1}e}")


def doubts(engine: Engine, contract: Contract, lens: Lens, measures: Iterable[Measure]) -> dict[Key, Doubt]:
    """The doubt in every bucket and segment that has a sampled fact, or one of which the weight is not known.

    Bills are no sample: their sums are taken as known here, also where sampled usage decided who bears them.
    """
    # How many facts have no weight is known exactly.
    asked = [sorted(measure.needs() - {"unweighted"}) for measure in measures]
    active = contract.units[lens.unit].counted == "active"
    sums = {name: sum_of(name, active=active) for names in asked for name in names}
    found: dict[Key, Doubt] = {}
    clustered = {name: each for name, each in sums.items() if each.fact in CLUSTERED and not each.unconverted}
    if clustered:
        define_splits(engine)
        pairs = {
            pair for names in asked for pair in combinations_with_replacement(names, 2) if clustered.keys() >= {*pair}
        }
        _read(engine, contract, lens, clustered, sorted(pairs), found)
    for name, each in sums.items():
        if each.fact is Fact.LATENCY:
            _touch_latency(engine, contract, lens, name, found)
    return found


def _read(
    engine: Engine, contract: Contract, lens: Lens, sums: dict[str, Sum], pairs: list[tuple[str, str]],
    found: dict[Key, Doubt],
) -> None:  # fmt: skip
    parts = _own_parts(contract, lens, sums)
    if lens.fx is not None:
        parts += _foreign_parts(engine, contract, lens, sums)
    groups = lens.groups()
    sql = _covariance_sql(lens.unit, groups, list(sums), pairs, parts)
    try:
        for row in engine.rows(sql, lens.values() | _currencies(lens)):
            key, values = split(lens, row)
            doubt = found.setdefault(key, Doubt())
            size = len(sums)
            doubt.touched |= {name for name, count in zip(sums, values[:size], strict=True) if count}
            doubt.open |= {name for name, count in zip(sums, values[size : 2 * size], strict=True) if count}
            doubt.covariances = dict(zip(pairs, (float(each or 0) for each in values[2 * size :]), strict=True))
    finally:
        engine.unregister("sampled_fx")


def _own_parts(contract: Contract, lens: Lens, sums: dict[str, Sum]) -> list[str]:
    return [
        clusters_sql(contract, lens, fact, wanted)
        for fact in CLUSTERED
        if (wanted := {name: each for name, each in sums.items() if each.fact is fact})
    ]


def _currencies(lens: Lens) -> dict[str, str]:
    """The other currencies that were converted, as the statements bind them."""
    codes = sorted({currency for currency, _ in lens.fx.quoted}) if lens.fx else []
    return {f"currency_{code}": code for code in codes}


def _foreign_parts(engine: Engine, contract: Contract, lens: Lens, sums: dict[str, Sum]) -> list[str]:
    """The same of amounts in other currencies, each at the rate the scan converted it by."""
    assert lens.fx is not None  # noqa: S101 - the caller asks
    quoted = [(code, day, float(worth.rate)) for (code, day), worth in sorted(lens.fx.quoted.items())]
    columns = [pa.array(column) for column in zip(*quoted, strict=True)] or [pa.array([], pa.string())] * 3
    engine.register("sampled_fx", pa.table(columns, names=["currency", "day", "rate"]))
    parts = []
    for name in _currencies(lens):
        for fact in CLUSTERED:
            wanted = {n: each for n, each in sums.items() if each.fact is fact and each.per_currency}
            if wanted:
                parts.append(converted_clusters_sql(contract, lens, fact, wanted).replace("$currency", f"${name}"))
    return parts


def _covariance_sql(
    unit: str, groups: list[str], names: list[str], pairs: list[tuple[str, str]], parts: list[str]
) -> str:
    """The covariance of every pair of sums over sampling units, of sums by unit and weight.

    Σ w × ((w − 1) × x × y + x × Y + y × X) over the weights of a unit in rising order, where X and Y sum (v − 1) × x
    and y of the unit's lesser weights v: `variance` of model.sampling, every pair of weights once.
    """
    key = identifier(f"unit_{unit}")
    lead = "".join(f"{group}, " for group in groups)
    summed = ", ".join(f"sum(CAST({identifier(n)} AS DOUBLE)) AS {identifier(n)}" for n in names)
    window = f"OVER (PARTITION BY {lead}cluster ORDER BY weight ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    lesser = ", ".join(f"coalesce(sum((weight - 1) * {identifier(n)}) {window}, 0) AS {_lesser(n)}" for n in names)
    counts = ", ".join(f"count({identifier(n)}){only}" for only in ("", " FILTER (WHERE unstated)") for n in names)
    products = "".join(f", fsum({_product(x, y)})" for x, y in pairs)
    return (
        f"WITH keyed AS MATERIALIZED (SELECT event_key, {key} AS unit_key, "
        f"coalesce(sampled_by, {key}, CAST(event_key AS VARCHAR)) AS cluster FROM ({SAMPLED_EVENTS})), "
        "keyed_units AS MATERIALIZED (SELECT unit_key, min(cluster) AS cluster FROM keyed GROUP BY unit_key), "
        f"parts AS ({' UNION ALL BY NAME '.join(parts)}), "
        f"clusters AS (SELECT {lead}cluster, CAST(weight AS DOUBLE) AS weight, unstated, {summed} "
        "FROM parts GROUP BY ALL), "
        f"running AS (SELECT *, {lesser} FROM clusters) "
        f"SELECT {lead}{counts}{products} FROM running{' GROUP BY ALL' if groups else ''}"
    )


def _lesser(name: str) -> str:
    return identifier(f"lesser:{name}")


def _product(x: str, y: str) -> str:
    one, other = f"coalesce({identifier(x)}, 0)", f"coalesce({identifier(y)}, 0)"
    return f"weight * ((weight - 1) * {one} * {other} + {one} * {_lesser(y)} + {other} * {_lesser(x)})"


def _touch_latency(engine: Engine, contract: Contract, lens: Lens, name: str, found: dict[Key, Doubt]) -> None:
    """Percentiles of sampled latencies are estimates too, though their error is not worked out."""
    for row in engine.rows(latency_keys_sql(contract, lens), lens.values()):
        key, _ = split(lens, row)
        doubt = found.setdefault(key, Doubt())
        doubt.touched.add(name)
        doubt.open.add(name)
