"""What a permit lets through: measures of its families, rows of its segments, and not a word of any other."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.measures.conftest import CONTRACT

from perunit.access.permit import OWNER, ROLES, Permission, Permit, Role
from perunit.contract.shape import Contract
from perunit.measures.catalogue import MEASURES, Family, measures_of
from perunit.measures.filters import Filter
from perunit.measures.periods import Compare
from perunit.measures.query import Query, Result, run_query
from perunit.measures.receipt import receipt
from perunit.model.errors import ForbiddenError, UsageError
from perunit.model.window import Grain, Window, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable

D = Decimal
DAYS = Window(parse_instant("2026-03-01"), parse_instant("2026-03-03"))
# Ordinary names, and such as would mean something in SQL or are what perunit calls the rest.
PLANS = ("pro", "free", "o'brien", 'say "hi"', "日本", "__other__", "x, y", "a\\b;--")
REGIONS = ("eu", "us", None)
ADDED = ("units", "events", "orphans", "gross_revenue", "refunds", "variable_cost", "contribution_margin")
BILLED = "billed_cost"
NO_SEGMENT = ("idle_cost", "unallocated_cost", "reconciliation_score")
SECRET = "secret-plan"


def held(**rows: tuple[str, ...]) -> Permit:
    """A permit for everything, of these rows."""
    return Permit(OWNER.permissions, rows)


def told(result: Result) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Every row by its bucket and segments."""
    by = [column.name for column in result.columns if column.kind in {"bucket", "dimension"}]
    rest = [column.name for column in result.columns if column.kind not in {"bucket", "dimension"}]
    return {tuple(row.values[name] for name in by): tuple(row.values[name] for name in rest) for row in result.rows}


@pytest.mark.parametrize("role", Role)
def test_a_role_gets_the_measures_of_its_families_and_no_other(shop: Any, role: Role) -> None:
    """Every measure there is, asked for by every role: it is answered, or the refusal names what is missing."""
    permit = Permit(ROLES[role])
    for name, measure in measures_of(shop.contract).items():
        needed = Permission.FINANCIAL if measure.family is Family.FINANCIAL else Permission.OPERATIONAL
        query = Query((name,), window=DAYS)
        if permit.allows(needed):
            run_query(shop.engine, shop.contract, query, permit)
            continue
        with pytest.raises(ForbiddenError, match=rf"^{name}: {needed} is needed, which .*finance") as refused:
            run_query(shop.engine, shop.contract, query, permit)
        assert refused.value.permission == needed


def test_one_measure_that_is_not_allowed_refuses_the_question(shop: Any) -> None:
    """Money does not come along beside counts."""
    with pytest.raises(ForbiddenError, match="revenue"):
        run_query(shop.engine, shop.contract, Query(("units", "revenue")), Permit(ROLES[Role.viewer]))


def test_who_sees_no_money_is_told_of_no_price_book(shop: Any) -> None:
    """Which price books are in force is for those who see money or prices."""
    shop.rate("cloud@1/rates/1", "cost", "cpu_seconds", "0.1")
    shop.add("price_books", book="cloud", version=1, digest="d", file_name="f", loaded_at=DAYS.start)
    books = {
        role: run_query(shop.engine, shop.contract, Query(("units",)), Permit(ROLES[role])).price_books for role in Role
    }
    assert books[Role.viewer] == ()
    assert books[Role.engineer] == books[Role.finance] == ("cloud@1",)


@pytest.mark.parametrize("name", NO_SEGMENT)
def test_what_belongs_to_no_segment_is_refused_to_who_is_held_to_some(shop: Any, name: str) -> None:
    """By name, with the rows that the permit is for."""
    with pytest.raises(ForbiddenError, match=rf"{name}: belongs to no segment, and this permit is for plan: pro"):
        run_query(shop.engine, shop.contract, Query((name,)), held(plan=("pro",)))


def test_a_margin_says_what_it_leaves_out(shop: Any) -> None:
    """Idle cost of 5 is in the owner's fully loaded margin, and neither in that of a segment nor passed over."""
    shop.allocation("2026-03-01", "idle", "5")
    whole = run_query(shop.engine, shop.contract, Query(("fully_loaded_margin",)))
    both = run_query(shop.engine, shop.contract, Query(("fully_loaded_margin",)), held(plan=("pro", "free")))
    assert both.rows[0].values["fully_loaded_margin"] - whole.rows[0].values["fully_loaded_margin"] == 5
    assert any("fully_loaded_margin without what belongs to no segment" in note for note in both.notes)


def test_rows_of_a_dimension_that_is_gone_let_nothing_through(shop: Any) -> None:
    """A restriction that can no longer be applied is not one less."""
    with pytest.raises(ForbiddenError, match="'tier' is no dimension of the contract any more"):
        run_query(shop.engine, shop.contract, Query(("units",)), held(tier=("gold",)))


@pytest.mark.parametrize("where", ["plan = 'free'", "plan <> 'pro' OR plan IS NOT NULL", "NOT (plan = 'pro')"])
def test_no_filter_leads_out_of_the_rows(shop: Any, where: str) -> None:
    """Whatever is asked for is asked of the rows alone."""
    query = Query(("events", "units"), by=("plan",), where=where)
    plans = {row.values["plan"] for row in run_query(shop.engine, shop.contract, query, held(plan=("pro",))).rows}
    assert plans <= {"pro"}


cells = st.lists(st.tuples(st.sampled_from(PLANS), st.sampled_from(REGIONS)), min_size=1, max_size=5, unique=True)
facts = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 2), st.integers(0, 9999)), min_size=1, max_size=10)


def filled(store: Any, where: list[tuple[str, str | None]], what: list[tuple[int, int, int]]) -> Any:
    """Facts of every kind in these cells: (cell, day of March, size)."""
    named = [store.cell(plan=plan, region=region) for plan, region in where]
    orphans = store.cell(plan=where[0][0], region=where[0][1], orphan_mask=1, unit_mask=0)
    foreign = store.cell(plan=where[-1][0], region=where[-1][1], currency="EUR")
    store.batch("2026-03-02 23:00")
    for number, day, size in what:
        cell, hour = named[number % len(named)], f"2026-03-0{day} {size % 23:02}:00"
        store.rollup(hour, cell, 1 + size % 3, revenue=str(D(size) / 100), refund=str(size % 7))
        store.rollup(hour, orphans, 1)
        store.rollup(hour, foreign, 1, revenue="2")
        store.opened(hour, cell, 1 + size % 2)
        store.usage(hour, cell, "cpu_seconds", str(size))
        store.priced(hour, cell, "cpu_seconds", str(size), str(D(size) / 1000) if size % 5 else None)
        store.allocation(f"2026-03-0{day}", "shared", str(size % 11), cell, unit_type="order")
        store.allocation(f"2026-03-0{day}", "idle", "3")
    return store


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=cells, what=facts, data=st.data())
def test_a_held_permit_is_the_owner_with_a_filter(
    fresh_store: Callable[[], Any], where: list[tuple[str, str | None]], what: list[tuple[int, int, int]], data: Any
) -> None:
    """Every figure of every cut equals the owner's with that filter, compared periods and later filters included."""
    store = filled(fresh_store(), where, what)
    plans = tuple(data.draw(st.lists(st.sampled_from(PLANS), min_size=1, max_size=4, unique=True)))
    names = [name for name in MEASURES if name not in NO_SEGMENT and "latency" not in name and "spread" not in name]
    query = Query(
        measures=tuple(data.draw(st.lists(st.sampled_from(sorted(names)), min_size=1, max_size=4, unique=True))),
        by=tuple(data.draw(st.lists(st.sampled_from(["plan", "region", "source"]), max_size=2, unique=True))),
        grain=Grain.TOTAL,
        window=Window(parse_instant("2026-03-02"), parse_instant("2026-03-03")),
        compare=data.draw(st.sampled_from([Compare.OFF, Compare.PREVIOUS])),
        where=data.draw(st.sampled_from([None, "region = 'eu'", "plan <> 'pro' OR region IS NULL"])),
    )
    mine = run_query(store.engine, store.contract, query, held(plan=plans))
    same = Query(**{name: getattr(query, name) for name in query.__slots__} | {"filters": (Filter("plan", plans),)})
    assert told(mine) == told(run_query(store.engine, store.contract, same))
    if "plan" in query.by:
        assert {row.values["plan"] for row in mine.rows} <= set(plans)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=cells, what=facts, data=st.data())
def test_permits_that_share_out_a_dimension_add_up(
    fresh_store: Callable[[], Any], where: list[tuple[str, str | None]], what: list[tuple[int, int, int]], data: Any
) -> None:
    """However values are shared out, what each part sees sums to what the owner sees; nothing is seen twice."""
    store = filled(fresh_store(), where, what)
    parts: dict[int, list[str]] = {}
    for plan in PLANS:
        parts.setdefault(data.draw(st.integers(0, 2)), []).append(plan)
    query = Query((*ADDED, BILLED), window=DAYS)

    def sums(result: Result, name: str) -> Decimal:
        return sum((D(row.values[name] or 0) for row in result.rows), D(0))

    seen = [run_query(store.engine, store.contract, query, held(plan=tuple(plans))) for plans in parts.values()]
    whole = run_query(store.engine, store.contract, query)
    idle = D(3 * len(what))
    for name in query.measures:
        left_out = idle if name == BILLED else 0
        assert sum(sums(each, name) for each in seen) == sums(whole, name) - left_out


def test_nothing_of_other_rows_stands_in_an_answer(fresh_store: Callable[[], Any]) -> None:
    """Not in a row, a column, a note or an error: what is outside is as if it were not there."""
    alone, beside = fresh_store(), fresh_store()
    for store in (alone, beside):
        pro = store.cell(plan="pro", region="eu")
        store.batch("2026-03-02 23:00")
        store.rollup("2026-03-01 10:00", pro, 3, revenue="30")
        store.priced("2026-03-01 10:00", pro, "cpu_seconds", "10", None)
    for given_ in ({"currency": "EUR"}, {"currency": "USD"}, {"weight": D(7)}):
        cell = beside.cell(plan=SECRET, region="us", **given_)
        beside.rollup("2026-03-01 10:00", cell, 5, revenue="5")
        beside.priced("2026-03-01 10:00", cell, "cpu_seconds", "10", None)
        beside.allocation("2026-03-01", "shared", "7", cell, unit_type="user")
    query = Query(("revenue", "variable_cost", "events", "unpriced_usage"), by=("region",), window=DAYS)
    for converts in (True, False):
        asked = Query(query.measures, by=query.by, window=DAYS, converts=converts, compare=Compare.PREVIOUS)
        without, with_ = (run_query(s.engine, s.contract, asked, held(plan=("pro",))) for s in (alone, beside))
        assert with_.notes == without.notes
        assert told(with_) == told(without)
        assert SECRET not in json.dumps(with_.as_json())


def test_a_unit_outside_the_rows_is_as_unknown_as_one_that_never_was(till: Any) -> None:
    """The same words for both but the key itself: neither near names, nor other types, nor counts tell them apart."""
    outside = till.cell(plan="free")
    till.event("e7", "2026-03-01 12:00", "o3", outside, revenue="5")
    till.add("units", unit_type="order", unit_key="o3", opened_at=DAYS.start, cell_id=outside)
    permit = held(plan=("pro",))
    said = []
    for key in ("o3", "o9"):
        with pytest.raises(UsageError) as refused:
            receipt(till.engine, till.contract, "order", key, permit)
        said.append(str(refused.value).replace(key, "KEY"))
    assert said[0] == said[1]
    assert receipt(till.engine, till.contract, "order", "o3").unit_key == "o3"


def test_events_of_other_rows_are_not_on_a_receipt(till: Any) -> None:
    """Of a user with orders in two plans only those of the permit's plan are told, in lines, children and totals."""
    outside = till.cell(plan="free")
    till.event("e7", "2026-03-01 12:00", "o3", outside, revenue="5")
    till.add("units", unit_type="order", unit_key="o3", opened_at=DAYS.start, cell_id=outside)
    whole = receipt(till.engine, till.contract, "user", "u1")
    mine = receipt(till.engine, till.contract, "user", "u1", held(plan=("pro",)))
    assert {event.id for event in whole.events} - {event.id for event in mine.events} == {"e7"}
    assert [child.unit_key for child in mine.children] == ["o1", "o2"]
    assert whole.totals["revenue"] == mine.totals["revenue"] + 5  # type: ignore[operator]


def test_a_receipt_is_for_who_sees_units_and_money(till: Any) -> None:
    """A receipt is both."""
    for role in (Role.viewer, Role.engineer, Role.executive):
        with pytest.raises(ForbiddenError):
            receipt(till.engine, till.contract, "order", "o1", Permit(ROLES[role]))
    assert receipt(till.engine, till.contract, "order", "o1", Permit(ROLES[Role.oncall])).events


@pytest.fixture
def contract() -> Contract:
    """That of `till`: orders of users, with a meter that has no price."""
    usage = {"cpu_seconds": "data.cpu", "steps": "data.steps"}
    completed = {"unit": "order", "amounts": {"revenue": "data.total", "refund": "data.refund"}, "usage": usage}
    return Contract.model_validate({**CONTRACT, "events": {"order.completed": completed}})


@pytest.fixture
def shop(store: Any) -> Any:
    """Two plans over two days of March."""
    pro, free = store.cell(plan="pro", region="eu"), store.cell(plan="free", region="us")
    store.batch("2026-03-02 23:00")
    store.rollup("2026-03-01 10:00", pro, 3, revenue="30", discount="2")
    store.rollup("2026-03-02 09:00", free, 4, revenue="8", duplicates=1)
    store.opened("2026-03-01 10:00", pro, 2)
    store.opened("2026-03-02 09:00", free, 4)
    store.priced("2026-03-01 10:00", pro, "cpu_seconds", "10", "1.5")
    return store
