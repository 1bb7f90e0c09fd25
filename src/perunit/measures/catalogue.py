"""The catalogue: every measure by name, with its formula, unit, direction of good, owner and seed reference.

A number reaches a command, a page, an alert or an export through a name in this list or not at all. The words
stand in catalogue.toml, the formulas here.
"""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING

from perunit.measures.formula import Change, Formula, Part, Product, Ratio, Spread, Total, needs
from perunit.measures.sums import QUANTILES, SUMS, Sum, usage_sum
from perunit.model.errors import UsageError

if TYPE_CHECKING:
    from perunit.contract.shape import Contract

__all__ = [
    "MEASURES",
    "USAGE_PREFIX",
    "Family",
    "Good",
    "Measure",
    "Unit",
    "document",
    "measures_of",
    "resolve",
    "sum_of",
]


class Unit(StrEnum):
    """What a measure's values are: how they are shown, and whether a change is relative or in points."""

    MONEY = "money"
    RATIO = "ratio"
    COUNT = "count"
    MS = "ms"
    QUANTITY = "quantity"


class Good(StrEnum):
    """The direction in which a change is good."""

    UP = "up"
    DOWN = "down"
    NONE = "none"


class Family(StrEnum):
    """Who may see a measure: `financial` is money and all that is made of it, `operational` the rest."""

    FINANCIAL = "financial"
    OPERATIONAL = "operational"


@dataclass(frozen=True, slots=True)
class Measure:
    """One entry: `text` is the formula in words, `formula` the same as the program computes it.

    `owner` is who answers for the definition, `seed` the metric (M1–M10) or failure mode (F1–F6) it serves.
    """

    name: str
    title: str
    unit: Unit
    good: Good
    family: Family
    owner: str
    seed: str
    text: str
    doc: str
    formula: Formula

    def needs(self) -> frozenset[str]:
        """The names of the sums the measure reads."""
        return needs(self.formula)

    def as_json(self) -> dict[str, str]:
        """The entry as plain values for ``--json``."""
        words = ("name", "title", "unit", "good", "family", "owner", "seed", "text", "doc")
        return {("formula" if word == "text" else word): str(getattr(self, word)) for word in words}


USAGE_PREFIX = "usage:"

_P = {name: Part(name) for name in SUMS}
_UNITS = Part("units")
_GROSS = Total((_P["recorded_revenue"], _P["listed_revenue"]))
_REVENUE = Total((_GROSS,), (_P["recorded_discounts"], _P["recorded_refunds"]))
_FEES = Total((_P["recorded_fees"], _P["listed_fees"]))
_USAGE_COST = Total((_P["listed_cost"], _P["billed_usage"]))
_VARIABLE = Total((_FEES, _P["recorded_cost"], _USAGE_COST, _P["billed_direct"]))
_MARGIN = Total((_REVENUE,), (_VARIABLE,))
_LOADED = Total((_MARGIN,), (_P["billed_shared"], _P["billed_fixed"], _P["billed_idle"], _P["billed_unallocated"]))
_FAILURES = Total((_P["attempts"],), (_P["successes"],))
_COST_PER_UNIT = Ratio(_VARIABLE, _UNITS)

_LATENCIES: dict[str, Formula] = {f"latency_ms_{name}": _P[f"latency_{name}"] for name in QUANTILES}
_FORMULAS: dict[str, Formula] = _LATENCIES | {
    "units": _UNITS,
    "active_units": _P["active"],
    "events": _P["events"],
    "attempts": _P["attempts"],
    "successes": _P["successes"],
    "failures": _FAILURES,
    "orphans": _P["orphans"],
    "duplicates": _P["duplicates"],
    "late_events": _P["late"],
    "unweighted_events": _P["unweighted"],
    "unpriced_usage": _P["unpriced"],
    "unconverted": Total((_P["unconverted_events"], _P["unconverted_usage"], _P["unconverted_parts"])),
    "success_rate": Ratio(_P["successes"], _P["attempts"]),
    "refund_rate": Ratio(_P["recorded_refunds"], _GROSS),
    "orphan_rate": Ratio(_P["orphans"], Total((_P["events"], _P["orphans"]))),
    "duplicate_rate": Ratio(_P["duplicates"], Total((_P["events"], _P["duplicates"]))),
    "late_rate": Ratio(_P["late"], _P["events"]),
    "unpriced_rate": Ratio(_P["unpriced"], _P["priceable"]),
    "gross_revenue": _GROSS,
    "discounts": _P["recorded_discounts"],
    "refunds": _P["recorded_refunds"],
    "revenue": _REVENUE,
    "revenue_loss": Ratio(Product((_FAILURES, _REVENUE)), _P["successes"]),
    "tax": _P["recorded_tax"],
    "fees": _FEES,
    "usage_cost": _USAGE_COST,
    "variable_cost": _VARIABLE,
    "shared_cost": _P["billed_shared"],
    "fixed_cost": _P["billed_fixed"],
    "idle_cost": _P["billed_idle"],
    "unallocated_cost": _P["billed_unallocated"],
    "billed_cost": _P["billed_all"],
    "effective_cost": _P["effective_all"],
    "contribution_margin": _MARGIN,
    "fully_loaded_margin": _LOADED,
    "revenue_per_unit": Ratio(_REVENUE, _UNITS),
    "cost_per_unit": _COST_PER_UNIT,
    "contribution_margin_per_unit": Ratio(_MARGIN, _UNITS),
    "fully_loaded_margin_per_unit": Ratio(_LOADED, _UNITS),
    "reconciliation_score": Ratio(Total((_P["reconciled_source"],), (_P["reconciled_gap"],)), _P["reconciled_source"]),
    "cost_variance": Change(_COST_PER_UNIT),
    "cost_per_unit_stddev": Spread(_COST_PER_UNIT),
}


def _read() -> dict[str, Measure]:
    words = tomllib.loads(files("perunit.measures").joinpath("catalogue.toml").read_text(encoding="utf-8"))
    return {name: _measure(name, entry, _FORMULAS[name]) for name, entry in words.items()}


def _measure(name: str, words: dict[str, str], formula: Formula) -> Measure:
    return Measure(
        name=name,
        title=words["title"],
        unit=Unit(words["unit"]),
        good=Good(words["good"]),
        family=Family(words["family"]),
        owner=words["owner"],
        seed=words["seed"],
        text=words["formula"],
        doc=words["doc"],
        formula=formula,
    )


MEASURES: dict[str, Measure] = _read()


def _usage_measures(meter: str, unit: str) -> tuple[Measure, Measure]:
    """The two measures every meter of the contract has: its quantity, and its quantity per unit (M9)."""
    quantity = Part(USAGE_PREFIX + meter)
    title = meter.replace("_", " ").capitalize()
    words = {
        "title": title,
        "unit": "quantity",
        "good": "none",
        "family": "operational",
        "owner": "engineering",
        "seed": "M9",
        "formula": f"Σ measured {meter}" + (f" in {unit}" if unit else ""),
        "doc": "The quantity of one meter, priced or not.",
    }
    per_unit = words | {
        "title": f"{title} per unit",
        "good": "down",
        "formula": f"{meter} ÷ units",
        "doc": "How much of the meter one unit uses: efficiency, whatever the price.",
    }
    return _measure(meter, words, quantity), _measure(f"{meter}_per_unit", per_unit, Ratio(quantity, _UNITS))


def measures_of(contract: Contract) -> dict[str, Measure]:
    """The catalogue together with the usage measures of a contract's meters; a fixed name always wins."""
    usage: dict[str, Measure] = {}
    for meter in contract.meter_names():
        unit = contract.meters[meter].unit if meter in contract.meters else ""
        usage.update({measure.name: measure for measure in _usage_measures(meter, unit)})
    return MEASURES | {name: measure for name, measure in usage.items() if name not in MEASURES}


def resolve(contract: Contract, names: tuple[str, ...]) -> tuple[Measure, ...]:
    """The measures of these names, in this order, each once; an unknown name is a UsageError."""
    known = measures_of(contract)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            mend = f"did you mean {', '.join(near)}?" if near else "`perunit measures` lists them"
            raise UsageError(f"measure: got {name!r}, must be in the catalogue; {mend}")
    return tuple(known[name] for name in dict.fromkeys(names))


def sum_of(name: str, *, active: bool) -> Sum:
    """The sum behind a part's name; ``units`` is whichever count the unit type is counted by."""
    if name.startswith(USAGE_PREFIX):
        return usage_sum(name.removeprefix(USAGE_PREFIX))
    if name == "units":
        return SUMS["active" if active else "opened"]
    return SUMS[name]


_HEAD = """\
# Measures

Every number perunit shows is one of these. `perunit measures` prints the same list, `perunit query NAME…`
asks for values. This page is generated from the catalogue in `src/perunit/measures`.

Sums are additive and exact; ratios are divided last. A part that was not recorded adds nothing; where no part
was recorded, the measure has no value (unknown, not 0). Amounts of other currencies than the one asked for
are left out and counted in a note. Seed names the metric (M) or failure mode (F) of the reference text.

Family says who may see a measure ([roles](roles.md)): financial is money and all that is made of it.

Of sampled facts each counts by its weight, and the measure is an estimate with a standard error
([sampling](sampling.md)). Percentiles, `cost_variance` and `cost_per_unit_stddev` are weighted too, but have no error.

"""
_COLUMNS = """\
| Measure | Formula | Unit | Good | Family | Owner | Seed | Meaning |
|---|---|---|---|---|---|---|---|
"""
_USAGE = """
Every meter of a contract adds two measures (resource utilisation per unit), here for a meter `cpu_seconds`:

"""


def document() -> str:
    """The text of ``docs/measures.md``."""
    fixed = "".join(_row(measure) for measure in MEASURES.values())
    usage = "".join(_row(measure) for measure in _usage_measures("cpu_seconds", "s"))
    return _HEAD + _COLUMNS + fixed + _USAGE + _COLUMNS + usage


def _row(measure: Measure) -> str:
    cells = (
        f"`{measure.name}`",
        measure.text,
        measure.unit,
        measure.good,
        measure.family,
        measure.owner,
        measure.seed,
        measure.doc,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
