"""Amounts in several currencies, reported in one: at the rate of their day, added up exactly, or counted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.measures.conftest import ORDER, USER, at

from perunit.measures.query import Query, run_query
from perunit.measures.receipt import receipt
from perunit.model.money import exact
from perunit.model.window import Grain, Window

if TYPE_CHECKING:
    from collections.abc import Callable

D = Decimal
MONEY = ("revenue", "variable_cost", "contribution_margin", "billed_cost", "fully_loaded_margin")
FIRST = date(2026, 3, 2)


def publish(store: Any, day: str, **quotes: str) -> None:
    """What one euro was worth on a day."""
    for quote, rate in quotes.items():
        store.add("fx_rates", base="EUR", quote=quote, day=date.fromisoformat(day), rate=D(rate), origin="ECB",
                  loaded_at=at("2026-06-01"))  # fmt: skip


def ask(store: Any, *names: str, **asked: Any) -> list[tuple[Any, ...]]:
    """The values of the measures asked for, row by row."""
    query = Query(names, **asked)
    result = run_query(store.engine, store.contract, query)
    return [tuple(row.values[name] for name in (*query.by, *names)) for row in result.rows]


def notes(store: Any, *names: str, **asked: Any) -> tuple[str, ...]:
    """What the answer tells beside its figures."""
    return run_query(store.engine, store.contract, Query(names, **asked)).notes


def bill(store: Any, currency: str) -> None:
    """A bill in force, whose parts are written by hand."""
    store.add("bills", bill_id=1, bill_source="cloud", billing_account_id="a", billing_currency=currency,
              billing_period_start=at("2026-03-01"), billing_period_end=at("2026-04-01"), version=1, file_name="f",
              digest="d", imported_at=at("2026-04-02"), lines=1, billed_cost=D(1), effective_cost=D(1))  # fmt: skip


def test_an_amount_is_converted_at_the_rate_of_its_day(store: Any) -> None:
    """10 EUR on Monday at 1.10 and 10 EUR on Tuesday at 1.20 are 23 USD, beside 5 USD."""
    dollars, euros = store.cell(plan="pro"), store.cell(plan="free", currency="EUR")
    publish(store, "2026-03-02", USD="1.10")
    publish(store, "2026-03-03", USD="1.20")
    store.rollup("2026-03-02 10:00", dollars, 1, revenue="5")
    store.rollup("2026-03-02 10:00", euros, 1, revenue="10")
    store.rollup("2026-03-03 23:00", euros, 1, revenue="10")
    assert ask(store, "revenue") == [(D(28),)]
    assert ask(store, "revenue", by=("plan",)) == [("free", D(23)), ("pro", D(5))]
    assert ask(store, "revenue", grain=Grain.DAY) == [(D(16),), (D(12),)]
    assert ask(store, "revenue", converts=False) == [(D(5),)]
    assert notes(store, "revenue") == ("EUR converted to USD at the rates of each day (ECB)",)
    (euro,) = ask(store, "revenue", currency="EUR")
    assert euro == (D(20) + D(5) * D("0.909090909090909"),)


def test_what_has_no_rate_is_left_out_and_counted(store: Any) -> None:
    """Three facts of Sunday have no rate for Sunday: no revenue comes of them, and they are told."""
    euros = store.cell(plan="pro", currency="EUR")
    publish(store, "2026-03-02", USD="1.10")
    store.rollup("2026-03-01 10:00", euros, 3, revenue="10")
    store.rollup("2026-03-02 10:00", euros, 1, revenue="10")
    assert ask(store, "revenue", "unconverted") == [(D(11), 3)]
    assert notes(store, "revenue") == (
        "EUR converted to USD at the rates of each day (ECB)",
        "3 events in EUR are not converted to USD and not included: no exchange rate of their days is known",
    )
    assert ask(store, "revenue", window=Window(None, datetime(2026, 3, 2, tzinfo=UTC))) == [(None,)]


def test_bills_and_prices_in_other_currencies_are_converted(store: Any) -> None:
    """A list price in pounds and a bill in euros beside revenue in dollars."""
    cell = store.cell(plan="pro")
    publish(store, "2026-03-02", USD="1.20", GBP="0.80")
    bill(store, "EUR")
    store.rate("uk@1/rates/1", "cost", "cpu_seconds", "1")
    store.engine.execute("UPDATE rates SET currency = 'GBP'")
    store.rollup("2026-03-02 10:00", cell, 1, revenue="100")
    store.priced("2026-03-02 10:00", cell, "cpu_seconds", "4", "4", currency="GBP")
    store.allocation("2026-03-02", "usage", "10", cell, currency="EUR", billed_cost="20")
    store.allocation("2026-03-02", "idle", "5", currency="EUR")
    assert ask(store, *MONEY) == [(D(100), D(18), D(82), D(30), D(76))]


def test_a_receipt_shows_both_currencies_and_the_rate(store: Any) -> None:
    """An order of 10 EUR whose total is in dollars names the rate it was converted at."""
    cell = store.cell(plan="pro", currency="EUR")
    publish(store, "2026-03-02", USD="1.10")
    store.batch("2026-03-03 00:00")
    store.event("e1", "2026-03-02 10:00", "o1", cell, revenue="10")
    store.add("units", unit_type="order", unit_key="o1", opened_at=at("2026-03-02 10:00"), cell_id=cell)
    found = receipt(store.engine, store.contract, "order", "o1")
    assert found.totals["revenue"] == 11
    (line,) = found.exchanged
    assert (line.currency, line.day, line.rate, line.origin) == ("EUR", FIRST, D("1.1"), "ECB")
    assert found.notes == ()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    facts=st.lists(
        st.tuples(
            st.sampled_from(["USD", "EUR", "GBP", "JPY"]), st.sampled_from(["pro", "free"]), st.integers(0, 3),
            st.integers(-(10**17), 10**17), st.integers(-(10**17), 10**17),
        ),
        max_size=12,
    ),
    rates=st.lists(st.integers(1, 10**9), min_size=12, max_size=12),
    priced=st.booleans(),
)  # fmt: skip
def test_parts_sum_to_the_whole_in_any_mix_of_currencies(
    fresh_store: Callable[[], Any], facts: list[tuple[Any, ...]], rates: list[int], priced: bool
) -> None:
    """Days, plans and both together sum to the total, to the last digit, and equal an independent sum."""
    store, expected, left_out = fresh_store(), D(0), 0
    quotes = {}
    for place, rate in enumerate(rates):
        quote, day = ("USD", "GBP", "JPY")[place % 3], FIRST + timedelta(days=place // 3)
        if place != 5:  # one rate is missing, and the day before stands in unless that is too old
            quotes[quote, day] = D(rate).scaleb(-6)
            publish(store, day.isoformat(), **{quote: str(D(rate).scaleb(-6))})
    bill(store, "JPY")
    cells = {(c, p): store.cell(currency=c, plan=p, unit_mask=ORDER | USER) for c, p, *_ in facts}
    for currency, plan, day, revenue, cost in facts:
        when = f"{FIRST + timedelta(days=day)} 10:00"
        amount = {"revenue": D(revenue).scaleb(-12)}
        store.rollup(when, cells[currency, plan], 1, **amount)
        if priced:
            amount["cost"] = D(cost).scaleb(-24)
            store.priced(when, cells[currency, plan], "cpu_seconds", "1", f"{amount['cost']:f}", currency=currency)
        with exact():
            worth = _worth(quotes, currency, FIRST + timedelta(days=day))
            left_out += worth is None
            expected += (worth or 0) * (amount["revenue"] - amount.get("cost", D(0)))
    wholes = [ask(store, "contribution_margin"), ask(store, "contribution_margin", by=("plan",))]
    wholes += [ask(store, "contribution_margin", grain=Grain.DAY)]
    wholes += [ask(store, "contribution_margin", by=("plan",), grain=Grain.HOUR)]
    with exact():
        assert {sum((row[-1] or D(0) for row in rows), D(0)) for rows in wholes} == {expected}
    assert (ask(store, "unconverted") == [(left_out * (1 + priced),)]) or not facts


def _worth(quotes: dict[tuple[str, date], Decimal], currency: str, day: date) -> Decimal | None:
    """The oracle: the last day that has both rates, at most seven days back."""
    if currency == "USD":
        return D(1)
    for back in range(8):
        at_day = day - timedelta(days=back)
        of = D(1) if currency == "EUR" else quotes.get((currency, at_day))
        to = quotes.get(("USD", at_day))
        if of and to:
            with exact():
                return (to / of).quantize(D("1e-15"))
    return None
