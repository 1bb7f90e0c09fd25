"""Figures of sampled facts: weighted to the digit, and off by what the formulas of the model say."""

from __future__ import annotations

import json
import tempfile
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.invariants.company import CONTRACT, Company, book, rate

from perunit.contract.shape import Contract
from perunit.measures.query import Query, run_query
from perunit.model.sampling import hajek, variance
from perunit.model.window import Grain, Window, parse_instant

if TYPE_CHECKING:
    from perunit.measures.query import Result, Row

PRICE = Decimal("0.25")


@dataclass(frozen=True)
class Call:
    """A sampled call of an order: how long the CPU was busy, and how many calls it stands for; None is unknown."""

    order: str
    seconds: int
    weight: str | None = "1"
    plan: str = "pro"
    hour: int = 0
    trace: str | None = None
    outcome: str | None = None
    total: str | None = None
    currency: str = "USD"


def company_of(folder: Path, calls: list[Call], **more: Any) -> Company:
    """The company with these calls in its store, one second of CPU costing a quarter."""
    contract = deepcopy(CONTRACT) | more
    for event in contract["events"].values():
        event.update(weight="data.weight", sampled_by="data.trace")
    company = Company(folder, contract=Contract.model_validate(contract))
    lines = [line for number, call in enumerate(calls) for line in _lines(number, call)]
    company.deliver(lines, books=[book(1, rate(1, "cpu_seconds", str(PRICE)))])
    return company


def _lines(number: int, call: Call) -> list[str]:
    shared = {"order_id": call.order, "user_id": "u", "plan": call.plan}
    shared |= {name: value for name in ("weight", "trace") if (value := getattr(call, name)) is not None}
    time = f"2026-03-{1 + call.hour // 24:02d}T{call.hour % 24:02d}:00:00Z"
    sent = {"specversion": "1.0", "source": "shop", "time": time}
    data = {"cpu_seconds": str(call.seconds), "duration_ms": str(call.seconds)}
    lines = [sent | {"id": f"c{number}", "type": "api.called", "data": shared | data}]
    if call.outcome:
        lines.append(sent | {"id": f"a{number}", "type": "order.attempted", "data": shared | {"outcome": call.outcome}})
    if call.total:
        money = {"total": call.total, "currency": call.currency}
        lines.append(sent | {"id": f"t{number}", "type": "order.completed", "data": shared | money})
    return [json.dumps(each) for each in lines]


def asked(company: Company, *measures: str, **more: Any) -> Result:
    """The answer for the unit type order unless told otherwise."""
    return run_query(company.engine, company.contract, Query(measures, **({"unit": "order"} | more)))


def only(result: Result) -> Row:
    """The one row there is."""
    [row] = result.rows
    return row


def near(value: Any) -> Any:
    """Errors are told to six digits."""
    return pytest.approx(float(value), rel=1e-5, abs=1e-9)


_CALLS = st.lists(
    st.builds(
        Call,
        order=st.sampled_from(["o1", "o2", "o3", "o4"]),
        seconds=st.integers(0, 50),
        weight=st.sampled_from(["1", "2", "4", "10", "1.5"]),
        plan=st.sampled_from(["pro", "free"]),
        hour=st.integers(0, 30),
    ),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(calls=_CALLS)
def test_sums_and_errors_are_those_of_the_model(calls: list[Call]) -> None:
    """Any history: totals are Σ weight × value to the digit, errors what the model says of the units' sums."""
    with tempfile.TemporaryDirectory() as folder:
        company = company_of(Path(folder), calls)
        row = only(asked(company, "units", "cpu_seconds", "usage_cost", "cost_per_unit"))
        company.engine.close()
    units: dict[str, dict[Fraction, int]] = {}
    for call in calls:
        parts = units.setdefault(call.order, {})
        weight = Fraction(call.weight or 1)
        parts[weight] = parts.get(weight, 0) + call.seconds
    seconds = sum(weight * value for parts in units.values() for weight, value in parts.items())
    orders = sum(min(parts) for parts in units.values())
    assert Fraction(row.values["cpu_seconds"]) == seconds
    assert Fraction(row.values["usage_cost"]) == seconds * Fraction(PRICE)
    assert Fraction(row.values["units"]) == orders
    spread = variance([[(w, Fraction(v)) for w, v in parts.items()] for parts in units.values()])
    counted = variance([[(min(parts), Fraction(1))] for parts in units.values()])
    _, ratio = hajek(
        [[(w, Fraction(v) * Fraction(PRICE), Fraction(w == min(parts))) for w, v in parts.items()]
         for parts in units.values()]
    )  # fmt: skip
    if any(weight > 1 for parts in units.values() for weight in parts):
        assert float(row.values["cpu_seconds_error"]) == near(float(spread) ** 0.5)
        assert float(row.values["usage_cost_error"]) == near(float(spread) ** 0.5 * float(PRICE))
        assert float(row.values["cost_per_unit_error"]) == near(float(max(ratio, Fraction(0))) ** 0.5)
    if any(min(parts) > 1 for parts in units.values()):
        assert float(row.values["units_error"]) == near(float(counted) ** 0.5)
    else:
        assert row.values.get("units_error") is None


def test_without_a_sample_nothing_is_added_to_an_answer(tmp_path: Path) -> None:
    """A store in which every weight is 1 answers as if there were no weights."""
    company = company_of(tmp_path, [Call("o1", 4), Call("o2", 6)])
    answer = asked(company, "units", "usage_cost", "cost_per_unit", "latency_ms_p50").as_json()
    assert answer["columns"] == ["units", "usage_cost", "cost_per_unit", "latency_ms_p50"]
    assert answer["rows"] == [
        {"units": 2, "usage_cost": "2.5", "cost_per_unit": "1.25", "latency_ms_p50": "4", "status": "estimated",
         "complete": True}
    ]  # fmt: skip
    assert answer["notes"] == []


def test_what_was_not_sampled_stays_exact_beside_what_was(tmp_path: Path) -> None:
    """A segment kept whole has no error and is no estimate, in the same answer as one that was sampled."""
    company = company_of(tmp_path, [Call("o1", 4, "10"), Call("o2", 6, plan="critical")])
    result = asked(company, "units", "usage_cost", by=("plan",))
    critical, pro = result.rows
    assert (critical.values["units"], critical.values["usage_cost"]) == (1, Decimal("1.5"))
    assert (critical.values["usage_cost_error"], critical.estimated) == (None, ())
    assert (pro.values["units"], pro.values["usage_cost"]) == (10, 10)
    assert pro.estimated == ("units", "usage_cost")
    assert float(pro.values["units_error"]) == near(90**0.5)
    assert result.notes == ("1 of 2 events stand for others that were left out: ± is one standard error",)


def test_revenue_that_was_not_sampled_stays_exact_in_a_margin_that_is_estimated(tmp_path: Path) -> None:
    """Orders come whole and their calls sampled: units and revenue are exact, only cost and margin are estimates."""
    calls = [Call("o1", 4, "10"), Call("o1", 0, total="30"), Call("o2", 0, total="20")]
    row = only(asked(company_of(tmp_path, calls), "units", "revenue", "usage_cost", "contribution_margin"))
    assert (row.values["units"], row.values["revenue"]) == (2, 50)
    assert row.estimated == ("usage_cost", "contribution_margin")
    assert row.values["contribution_margin"] == 40
    assert row.values["contribution_margin_error"] == row.values["usage_cost_error"]
    assert float(row.values["usage_cost_error"]) == near(90**0.5)


def test_an_unknown_weight_counts_as_one_and_says_so(tmp_path: Path) -> None:
    """It is an estimate without an error, counted, and told as a lower bound; never silently 1."""
    company = company_of(tmp_path, [Call("o1", 4, None), Call("o2", 6), Call("o3", 6), Call("o4", 6)])
    result = asked(company, "units", "usage_cost", "unweighted_events", "cost_per_unit")
    row = only(result)
    assert (row.values["units"], row.values["unweighted_events"]) == (4, 1)
    assert row.estimated == ("units", "usage_cost", "cost_per_unit")
    assert row.values["usage_cost_error"] is None
    assert result.notes == (
        "25.00 % of the events were sampled with a probability nobody stated: counts are lower bounds",
    )


def test_percentiles_are_of_the_weighted_histogram(tmp_path: Path) -> None:
    """One slow call that stands for ten outweighs nine fast ones; such an estimate has no error of its own."""
    calls = [Call(f"o{n}", 1) for n in range(9)] + [Call("slow", 64, "10")]
    row = only(asked(company_of(tmp_path, calls), "latency_ms_p50", "latency_ms_p95"))
    assert row.values["latency_ms_p50"] == row.values["latency_ms_p95"] > 60
    assert row.values["latency_ms_p50_error"] is None
    assert row.estimated == ("latency_ms_p50", "latency_ms_p95")


def test_what_was_sampled_together_errs_together(tmp_path: Path) -> None:
    """Two orders of one trace are one draw, two orders of two traces are two."""
    one = company_of(tmp_path, [Call("o1", 4, "10", trace="t"), Call("o2", 4, "10", trace="t")])
    row = only(asked(one, "units", "cpu_seconds"))
    assert float(row.values["units_error"]) == near((90 * 4) ** 0.5)
    assert float(row.values["cpu_seconds_error"]) == near((90 * 64) ** 0.5)
    (tmp_path / "two").mkdir()
    two = company_of(tmp_path / "two", [Call("o1", 4, "10", trace="t"), Call("o2", 4, "10", trace="s")])
    row = only(asked(two, "units", "cpu_seconds"))
    assert float(row.values["units_error"]) == near((90 * 2) ** 0.5)


@pytest.mark.parametrize("grain", [Grain.MINUTE, Grain.HOUR, Grain.DAY, Grain.MONTH])
def test_parts_sum_to_the_whole_at_every_grain(tmp_path: Path, grain: Grain) -> None:
    """Weighted sums of time buckets are those of the total, and each bucket has its own error."""
    calls = [Call(f"o{n}", n, "2.5" if n % 2 else "10", hour=n * 5) for n in range(6)]
    company = company_of(tmp_path, calls)
    window = Window(parse_instant("2026-03-01"), parse_instant("2026-03-03"))
    total = only(asked(company, "units", "events", "usage_cost", window=window))
    rows = asked(company, "units", "events", "usage_cost", window=window, grain=grain).rows
    for name in ("units", "events", "usage_cost"):
        assert sum(row.values[name] for row in rows) == total.values[name]
        apart = sum(float(row.values[f"{name}_error"]) ** 2 for row in rows)
        assert apart == pytest.approx(float(total.values[f"{name}_error"]) ** 2, rel=1e-4)


def test_units_active_in_a_bucket_are_weighted(tmp_path: Path) -> None:
    """A lasting unit counts in every day it was seen, by the least weight of that day."""
    calls = [Call("o1", 1, "10"), Call("o1", 1, "4"), Call("o1", 1, "10", hour=24), Call("o2", 1, "1", hour=24)]
    company = company_of(tmp_path, calls)
    first, second = asked(company, "active_units", grain=Grain.DAY).rows
    assert (first.values["active_units"], second.values["active_units"]) == (4, 11)
    assert float(first.values["active_units_error"]) == near(12**0.5)
    assert float(second.values["active_units_error"]) == near(90**0.5)
    total = only(asked(company, "active_units"))
    assert total.values["active_units"] == 5


def test_amounts_in_other_currencies_err_at_the_rate_of_their_day(tmp_path: Path) -> None:
    """Converted revenue is weighted and has an error in the currency that was asked for."""
    company = company_of(tmp_path, [Call("o1", 0, "10", total="8", currency="EUR"), Call("o2", 0, "10", total="5")])
    company.engine.execute(
        "INSERT INTO fx_rates VALUES ('EUR', 'USD', DATE '2026-03-01', 1.25, 'test', TIMESTAMP '2026-03-02', NULL)"
    )
    row = only(asked(company, "revenue"))
    assert row.values["revenue"] == 150
    assert float(row.values["revenue_error"]) == near((90 * (100 + 25)) ** 0.5)


def test_a_change_and_a_spread_are_estimates_without_an_error(tmp_path: Path) -> None:
    """What looks at several buckets is weighted and marked, and its error is left open."""
    calls = [Call(f"o{n}", n + 1, "10", hour=24 * (n % 2)) for n in range(4)]
    row = only(asked(company_of(tmp_path, calls), "cost_per_unit_stddev"))
    assert row.estimated == ("cost_per_unit_stddev",)
    assert row.values["cost_per_unit_stddev_error"] is None
