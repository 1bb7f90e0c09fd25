"""The query builder on small stores, against figures computed by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perunit.measures.periods import Compare
from perunit.measures.query import Query, Result, run_query
from perunit.model.errors import UsageError
from perunit.model.window import Grain, Window, parse_instant

D = Decimal


def window(start: str, end: str) -> Window:
    """A closed window."""
    return Window(parse_instant(start), parse_instant(end))


def ask(store: Any, *measures: str, **rest: Any) -> Result:
    """A query with its measures first."""
    return run_query(store.engine, store.contract, Query(measures, **rest))


def values(result: Result) -> list[tuple[Any, ...]]:
    """The rows as tuples in the order of the columns."""
    return [tuple(row.values[column.name] for column in result.columns) for row in result.rows]


@pytest.fixture
def shop(store: Any) -> Any:
    """Two plans over two days of March, priced usage, no bill."""
    pro, free = store.cell(plan="pro", region="eu"), store.cell(plan="free", region="us")
    store.batch("2026-03-02 23:00")
    store.rollup("2026-03-01 10:00", pro, 3, revenue="30", discount="2")
    store.rollup("2026-03-01 10:20", pro, 1, revenue="1")
    store.rollup("2026-03-02 09:00", pro, 1, refund="5", late=1)
    store.rollup("2026-03-02 09:00", free, 4, revenue="8", duplicates=1)
    store.opened("2026-03-01 10:00", pro, 2)
    store.opened("2026-03-02 09:00", free, 4)
    store.priced("2026-03-01 10:00", pro, "cpu_seconds", "10", "1.5")
    store.priced("2026-03-02 09:00", free, "cpu_seconds", "4", "0.6")
    store.priced("2026-03-02 09:00", free, "egress_bytes", "9", None)
    store.priced("2026-03-01 10:00", pro, "@revenue", "31", "0.899", kind="fee")
    return store


def test_revenue_is_net_of_discounts_and_refunds(shop: Any) -> None:
    """39 sold less 2 discount less 5 refunded."""
    assert values(ask(shop, "gross_revenue", "discounts", "refunds", "revenue")) == [(D(39), D(2), D(5), D(32))]


def test_a_margin_takes_fees_and_priced_usage_off(shop: Any) -> None:
    """Variable cost is 0.899 fees and 2.1 usage; unpriced usage adds nothing and is told."""
    result = ask(shop, "variable_cost", "contribution_margin", "cost_per_unit", "unpriced_usage", "unpriced_rate")
    cost = D("2.999")
    row = result.rows[0].values
    assert (row["variable_cost"], row["contribution_margin"]) == (cost, D(32) - cost)
    assert round(row["cost_per_unit"] * 6, 20) == cost
    assert (row["unpriced_usage"], round(row["unpriced_rate"] * 3, 20)) == (1, 1)
    assert any("1 usage facts have no price" in note for note in result.notes)
    assert result.rows[0].status == "estimated"


def test_rows_are_cut_by_time_and_segment(shop: Any) -> None:
    """Days and plans stand in order, each with its own sums."""
    result = ask(shop, "revenue", "units", by=("plan",), grain=Grain.DAY)
    assert values(result) == [
        (parse_instant("2026-03-01"), "pro", D(29), 2),
        (parse_instant("2026-03-02"), "free", D(8), 4),
        (parse_instant("2026-03-02"), "pro", D(-5), 0),
    ]


def test_a_window_is_half_open(shop: Any) -> None:
    """The instant a window ends at belongs to the next one."""
    assert values(ask(shop, "events", window=window("2026-03-01T10:00", "2026-03-02T09:00"))) == [(4,)]


def test_a_filter_is_an_expression_over_dimensions(shop: Any) -> None:
    """Only facts for which the expression holds are counted; names are compared without case."""
    assert values(ask(shop, "events", where="PLAN = 'pro' and region in ('eu', 'us')")) == [(5,)]
    assert values(ask(shop, "events", where="plan = 'pro' and region = 'us'")) == [(0,)]


def test_rates_count_what_arrived(shop: Any) -> None:
    """One of ten deliveries was a repeat, one of nine events was late."""
    row = ask(shop, "duplicate_rate", "late_rate").rows[0].values
    assert row["duplicate_rate"] == D("0.1")
    assert round(row["late_rate"] * 9, 20) == 1


def test_orphans_are_outside_the_lens(shop: Any) -> None:
    """Events without the key count as orphans only, and their money in nothing."""
    lost = shop.cell(plan="pro", unit_mask=0, orphan_mask=1)
    shop.rollup("2026-03-01 11:00", lost, 1, revenue="1000")
    assert values(ask(shop, "orphans", "orphan_rate", "events", "gross_revenue")) == [(1, D("0.1"), 9, D(39))]


def test_attempts_and_successes_follow_the_masks(shop: Any) -> None:
    """A cell of failures has attempts and no successes."""
    failed = shop.cell(plan="pro", outcome="failure", success_mask=0)
    shop.rollup("2026-03-01 11:00", failed, 3)
    assert values(ask(shop, "attempts", "successes", "success_rate")) == [(12, 9, D("0.75"))]


def test_other_currencies_are_left_out_and_told(shop: Any) -> None:
    """Euros never enter a sum of dollars; asked for, they are the sum."""
    euro = shop.cell(plan="pro", currency="EUR")
    shop.rollup("2026-03-01 11:00", euro, 2, revenue="7")
    result = ask(shop, "gross_revenue", "events")
    assert values(result) == [(D(39), 11)]
    why = "no exchange rate of their days is known"
    assert result.notes == (f"2 events in EUR are not converted to USD and not included: {why}",)
    assert values(ask(shop, "gross_revenue", currency="EUR")) == [(D(7),)]
    assert values(ask(shop, "unconverted")) == [(2,)]
    assert ask(shop, "gross_revenue", converts=False).notes == (
        "2 events in EUR are not converted to USD and not included",
    )


def test_an_amount_the_contract_never_maps_is_unknown(shop: Any) -> None:
    """Tax is mapped by nothing and unknown; refunds are mapped, and 0 where there were events without any."""
    assert values(ask(shop, "tax", "refunds", window=window("2026-03-01", "2026-03-02"))) == [(None, D(0))]


def test_nothing_at_all_is_counted_as_nothing(store: Any) -> None:
    """An empty project has 0 units and unknown money, in one row."""
    assert values(ask(store, "units", "revenue", "success_rate", "latency_ms_p95")) == [(0, None, None, None)]


def test_bills_replace_what_they_take_over(shop: Any) -> None:
    """Superseded usage counts at its billed share; shared, idle and unallocated cost stand apart."""
    pro = 1
    shop.priced("2026-03-01 10:00", pro, "egress_bytes", "5", "100", superseded=True)
    shop.allocation("2026-03-01", "usage", "3", pro, meter="egress_bytes")
    shop.allocation("2026-03-01", "direct", "0.25", unit_type="order", unit_key="o1")
    shop.allocation("2026-03-01", "shared", "1", pro)
    shop.allocation("2026-03-01", "idle", "4")
    shop.allocation("2026-03-01", "unallocated", "0.5", billed_cost="0.75")
    result = ask(
        shop, "usage_cost", "variable_cost", "shared_cost", "idle_cost", "unallocated_cost", "billed_cost",
        "effective_cost", "fully_loaded_margin",
    )  # fmt: skip
    variable = D("2.1") + 3 + D("0.899") + D("0.25")
    assert values(result) == [(D("5.1"), variable, D(1), D(4), D("0.5"), D(9), D("8.75"), D(32) - variable - D("5.5"))]
    assert result.rows[0].status == "mixed"


def test_idle_cost_belongs_to_no_segment(shop: Any) -> None:
    """Cut by plan, what nobody used stands where the plan is empty."""
    shop.allocation("2026-03-01", "idle", "4")
    rows = {row.values["plan"]: row.values["idle_cost"] for row in ask(shop, "idle_cost", by=("plan",)).rows}
    assert rows[None] == D(4)
    assert all(value is None for plan, value in rows.items() if plan is not None)


def test_cost_borne_by_another_lens_is_told(shop: Any) -> None:
    """A bill line of a unit type outside the lens is in the whole bill and in a note, not in variable cost."""
    other = shop.cell(unit_mask=2)
    shop.allocation("2026-03-01", "direct", "9", other, unit_type="user", unit_key="u1")
    result = ask(shop, "variable_cost", "billed_cost")
    assert values(result) == [(D("2.999"), D(9))]
    assert "9 USD of the bills is borne by units other than order" in result.notes


def test_bills_are_not_cut_finer_than_a_day(shop: Any) -> None:
    """By the hour, or over half a day, billed cost is refused; without a bill the same question is answered."""
    hours = {"grain": Grain.HOUR, "window": window("2026-03-01", "2026-03-02")}
    assert values(ask(shop, "usage_cost", **hours)) == [(parse_instant("2026-03-01T10:00"), D("1.5"))]
    shop.allocation("2026-03-01", "usage", "3", 1, meter="cpu_seconds")
    with pytest.raises(UsageError, match=r"allocated by the day.*use --grain day"):
        ask(shop, "usage_cost", **hours)
    with pytest.raises(UsageError, match="2026-03-01 cannot be cut; start and end the window at midnight"):
        ask(shop, "usage_cost", window=window("2026-03-01T12:00", "2026-03-02"))
    assert values(ask(shop, "gross_revenue", **hours)) == [(parse_instant("2026-03-01T10:00"), D(31))]


def test_compare_stands_beside(shop: Any) -> None:
    """Each measure has its earlier value and change; what vanished is a row too; a ratio has no relative change."""
    result = ask(
        shop, "gross_revenue", "refund_rate", by=("plan",), compare=Compare.PREVIOUS,
        window=window("2026-03-02", "2026-03-03"),
    )  # fmt: skip
    rows = {row.values["plan"]: row.values for row in result.rows}
    assert rows["free"]["gross_revenue"] == D(8)
    assert rows["free"]["gross_revenue_before"] is None
    assert rows["pro"]["gross_revenue_before"] == D(31)
    assert rows["pro"]["gross_revenue_change"] == D(-31)
    assert rows["pro"]["gross_revenue_change_ratio"] == D(-1)
    assert rows["pro"]["refund_rate_change_ratio"] is None
    assert result.compared_with == window("2026-03-01", "2026-03-02")


@pytest.mark.parametrize(("end", "told"), [("2026-03-05", True), ("2026-03-01 12:00", False)])
def test_a_part_is_not_compared_with_a_whole_in_silence(shop: Any, end: str, told: bool) -> None:
    """A window that goes on after the last fact says so where it is compared; one that is over does not."""
    span = window("2026-03-01", end)
    notes = ask(shop, "events", compare=Compare.PREVIOUS, window=span).notes
    assert any("sums of a part" in note for note in notes) == told
    assert not any("sums of a part" in note for note in ask(shop, "events", window=span).notes)


def test_a_vanished_segment_stays_in_sight(shop: Any) -> None:
    """A plan with facts only in the earlier period has a row with its earlier value."""
    result = ask(
        shop,
        "events",
        by=("plan",),
        compare=Compare.PREVIOUS,
        grain=Grain.DAY,
        window=window("2026-03-03", "2026-03-04"),
    )
    assert [(row.values["plan"], row.values["day"], row.values["events_before"]) for row in result.rows] == [
        ("free", parse_instant("2026-03-03"), 4), ("pro", parse_instant("2026-03-03"), 1)
    ]  # fmt: skip


def test_a_negative_base_has_no_relative_change(shop: Any) -> None:
    """Against a loss only the absolute change means something."""
    shop.rollup("2026-03-03 09:00", 1, 1, revenue="1")
    result = ask(
        shop, "revenue", where="plan = 'pro'", compare=Compare.PREVIOUS, window=window("2026-03-03", "2026-03-04")
    )
    assert result.rows[0].values["revenue_change"] == D(6)
    assert result.rows[0].values["revenue_change_ratio"] is None


def test_cost_variance_is_against_the_bucket_before(shop: Any) -> None:
    """Cost per unit falls from (1.5 + 0.899) / 2 to 0.6 / 4."""
    result = ask(shop, "cost_variance", grain=Grain.DAY)
    first, second = (row.values["cost_variance"] for row in result.rows)
    assert first is None
    assert round(second, 20) == round((D("0.15") - D("1.1995")) / D("1.1995"), 20)
    total = ask(shop, "cost_variance", window=window("2026-03-02", "2026-03-03"))
    assert total.rows[0].values["cost_variance"] == second


def test_the_spread_of_daily_cost_per_unit(shop: Any) -> None:
    """Of the two days 1.1995 and 0.15 the deviation is their difference over the root of two."""
    spread = ask(shop, "cost_per_unit_stddev", grain=Grain.MONTH).rows[0].values["cost_per_unit_stddev"]
    assert round(spread**2 * 2, 20) == round((D("1.1995") - D("0.15")) ** 2, 20)
    with pytest.raises(UsageError, match="use --grain month or total"):
        ask(shop, "cost_per_unit_stddev", grain=Grain.DAY)


def test_usage_by_meter_and_resource(shop: Any) -> None:
    """Metered cost can be cut by meter; a meter's quantity by resource, and per unit over all."""
    shop.usage("2026-03-01 10:00", 1, "cpu_seconds", "10", "i-1")
    shop.usage("2026-03-02 09:00", 2, "cpu_seconds", "5", "i-2")
    assert values(ask(shop, "usage_cost", "unpriced_usage", by=("meter",))) == [
        ("cpu_seconds", D("2.1"), 0), ("egress_bytes", None, 1)
    ]  # fmt: skip
    assert values(ask(shop, "cpu_seconds", by=("resource",))) == [("i-1", D(10)), ("i-2", D(5))]
    assert values(ask(shop, "cpu_seconds_per_unit")) == [(D("2.5"),)]


@pytest.mark.parametrize(
    ("measure", "rest", "rule"),
    [
        ("revenue", {"by": ("plam",)}, r"--by: got 'plam'.*did you mean plan"),
        ("revenue", {"where": "plam = 1"}, r"--where: got 'plam'"),
        ("revenue", {"where": "(select 1)"}, r"--where: got"),
        ("revenue", {"where": "plan = 'a'; drop table cells"}, r"--where"),
        ("revenue", {"unit": "ordr"}, r"unit: got 'ordr'.*did you mean order"),
        ("revenue", {"by": ("meter",)}, r"not only made of metered usage"),
        ("cpu_seconds", {"by": ("meter",)}, r"name the meters as measures"),
        ("cost_per_unit", {"by": ("event_type",)}, r"counts units"),
        ("units", {"where": "outcome = 'success'"}, r"counts units"),
        ("revenue", {"currency": "EURO"}, r"--currency: got 'EURO'"),
        ("revenue", {"order": ("-units",)}, r"--order: got 'units'"),
        ("revenue", {"grain": Grain.MINUTE}, r"at most 2 days"),
        ("latency_ms_p95", {"grain": Grain.HOUR}, r"kept by the day"),
        ("revenue", {"compare": Compare.PREVIOUS}, r"give --from and --to"),
    ],
)
def test_what_cannot_be_answered_is_refused(shop: Any, measure: str, rest: dict[str, Any], rule: str) -> None:
    """A refused question names the value, the rule and the mend."""
    with pytest.raises(UsageError, match=rule):
        ask(shop, measure, **rest)


def test_rows_are_ordered_and_limited(shop: Any) -> None:
    """The largest first, as many as asked for; unknown values last whichever way."""
    assert values(ask(shop, "units", by=("plan",), order=("-units",), limit=1)) == [("free", 4)]
    assert values(ask(shop, "cost_per_unit", by=("plan",), order=("cost_per_unit", "plan")))[0][0] == "free"


def test_a_bucket_says_whether_it_is_complete(shop: Any) -> None:
    """The last day may still grow, and a day the window cuts is never whole."""
    result = ask(shop, "events", grain=Grain.DAY, window=window("2026-03-01T10:00", "2026-03-03"))
    assert [row.complete for row in result.rows] == [False, False]
    assert [row.complete for row in ask(shop, "events", grain=Grain.DAY).rows] == [True, False]


def test_a_result_says_how_fresh_it_is(shop: Any) -> None:
    """The latest fact, the last batch and the price books in force come with the values, and into JSON as text."""
    new_year = datetime.fromisoformat("2026-01-01")
    shop.add("price_books", book="cloud", version=2, digest="d", file_name="f", loaded_at=new_year)
    shop.add(
        "rates", rate_id="r1", book="cloud", version=2, kind="cost", meter="cpu_seconds", conditions={},
        price=D("0.15"), per=D(1), currency="USD", unit_price=D("0.15"), effective_from=new_year,
    )  # fmt: skip
    answer = ask(shop, "revenue").as_json()
    assert answer["freshness"] == {
        "latest_event": "2026-03-02T23:00:00Z", "ingested_at": "2026-06-01T00:00:00Z", "batch_id": 1
    }  # fmt: skip
    assert answer["price_books"] == ["cloud@2"]
    assert answer["rows"] == [{"revenue": "32", "status": None, "complete": True}]
    assert answer["measures"][0]["formula"] == "gross_revenue − discounts − refunds"


def digits(number: Decimal) -> int:
    """The number at 24 places without its point, by its text, so that no decimal context can round it."""
    whole, _, places = f"{number:f}".partition(".")
    return int(whole + places.ljust(24, "0"))


FACTS = st.lists(
    st.tuples(
        st.integers(0, 24 * 40),
        st.sampled_from(["free", "pro", "__other__", None]),
        st.sampled_from(["eu", None]),
        st.integers(0, 9),
        st.decimals(min_value=-1000, max_value=1000, places=12),
        st.decimals(min_value=0, max_value=10, places=24),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FACTS)
def test_hours_days_and_segments_sum_to_the_total(fresh_store: Any, facts: list[tuple[Any, ...]]) -> None:
    """Whichever way additive measures are cut, the parts sum to the whole, digit for digit."""
    store = fresh_store()
    cells: dict[tuple[Any, Any], int] = {}
    for hour, plan, region, events, revenue, cost in facts:
        if (plan, region) not in cells:
            cells[plan, region] = store.cell(plan=plan, region=region)
        cell = cells[plan, region]
        when = (datetime.fromisoformat("2026-01-20") + timedelta(hours=hour)).isoformat()
        store.rollup(when, cell, events, revenue=str(revenue))
        store.opened(when, cell, events)
        store.priced(when, cell, "cpu_seconds", "1", str(cost))
    names = ("units", "events", "gross_revenue", "variable_cost", "contribution_margin")
    whole = values(ask(store, *names))[0]
    for grain, by in [
        (Grain.HOUR, ()),
        (Grain.DAY, ("plan",)),
        (Grain.MONTH, ("plan", "region")),
        (Grain.TOTAL, ("region",)),
    ]:
        result = ask(store, *names, grain=grain, by=by)
        for name, total in zip(names, whole, strict=True):
            parts = [row.values[name] for row in result.rows if row.values[name] is not None]
            assert sum(digits(D(part)) for part in parts) == digits(D(total)), (name, grain, by)
