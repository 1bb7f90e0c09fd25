"""The catalogue: whole, documented, and the only list of names."""

from __future__ import annotations

import doctest
import importlib
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from perunit.measures.catalogue import MEASURES, document, measures_of, resolve
from perunit.measures.sums import SUMS
from perunit.model.errors import UsageError

if TYPE_CHECKING:
    from perunit.contract.shape import Contract

PROMISED = set(
    """
    units attempts successes success_rate gross_revenue discounts refunds revenue fees variable_cost shared_cost
    idle_cost unallocated_cost billed_cost effective_cost cost_per_unit revenue_per_unit contribution_margin
    contribution_margin_per_unit fully_loaded_margin latency_ms_p50 latency_ms_p95 latency_ms_p99 refund_rate
    orphan_rate duplicate_rate late_rate unpriced_rate cost_variance reconciliation_score
    """.split()  # noqa: SIM905 - a list of words reads best as words
)


def test_every_promised_measure_is_there() -> None:
    """The names the command line promises are in the catalogue."""
    assert set(MEASURES) >= PROMISED


@pytest.mark.parametrize("name", MEASURES)
def test_every_field_is_filled(name: str) -> None:
    """A measure has a title, formula, owner, seed reference and meaning, and reads at least one sum."""
    measure = MEASURES[name]
    assert all((measure.title, measure.text, measure.owner, measure.seed, measure.doc))
    assert measure.needs()


def test_words_and_formulas_name_the_same_measures() -> None:
    """No formula stands in the program without words, or the other way round."""
    words = tomllib.loads(files("perunit.measures").joinpath("catalogue.toml").read_text(encoding="utf-8"))
    from perunit.measures import catalogue

    assert set(words) == set(catalogue._FORMULAS)


def test_every_sum_serves_a_measure_or_the_context() -> None:
    """Nothing is summed that no measure and no note reads."""
    used = frozenset().union(*(measure.needs() for measure in MEASURES.values()))
    assert set(SUMS) - used == {"opened", "list_priced_rows", "billed_rows", "billed_elsewhere"}


def test_the_page_is_the_catalogue() -> None:
    """docs/measures.md is what the catalogue says; mend it by writing `document()` to it."""
    page = Path(__file__).parents[2] / "docs" / "measures.md"
    assert page.read_text(encoding="utf-8") == document()


def test_a_meter_adds_two_measures(contract: Contract) -> None:
    """Each meter of the contract can be asked for, whole and per unit, with its unit in the formula."""
    measures = measures_of(contract)
    assert measures["cpu_seconds"].text == "Σ measured cpu_seconds in s"
    assert measures["egress_bytes_per_unit"].text == "egress_bytes ÷ units"


def test_an_unknown_name_is_refused_with_near_ones(contract: Contract) -> None:
    """A misspelt measure is answered with what was probably meant."""
    with pytest.raises(UsageError, match=r"got 'revnue'.*did you mean revenue"):
        resolve(contract, ("revnue",))


def test_a_name_given_twice_is_one_column(contract: Contract) -> None:
    """Asking twice for a measure gives it once, in the place of the first."""
    assert [measure.name for measure in resolve(contract, ("units", "revenue", "units"))] == ["units", "revenue"]


@pytest.mark.parametrize("module", ["measures.formula", "measures.latency", "faces.cli.render"])
def test_the_examples_in_the_documentation_hold(module: str) -> None:
    """Every worked example in a docstring gives what it says."""
    result = doctest.testmod(importlib.import_module(f"perunit.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
