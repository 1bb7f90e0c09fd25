"""Which rate an event is priced at, and what becomes of usage that has none."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.invariants.company import START, Company, Event, book, numbers, rate

from perunit.model.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from pathlib import Path

CHANGE = START + timedelta(hours=10, minutes=30)


def call(name: str, minutes: float, quantity: str = "2", **given: Any) -> str:
    """A call that used some cpu seconds, some minutes after the start."""
    time = START + timedelta(minutes=minutes)
    return Event(name, "api.called", time, recorded=time, numbers=numbers(cpu_seconds=quantity), **given).line()


def sale(name: str, total: str, currency: str | None = None) -> str:
    """A completed order."""
    return Event(name, "order.completed", START, currency=currency, numbers=numbers(total=total)).line()


def priced(company: Company) -> list[tuple[Any, ...]]:
    """(kind, meter, currency, rate, usage events, amount) in all."""
    return company.engine.rows(
        "SELECT kind, meter, currency, rate_id, sum(usage_events), sum(amount) FROM rollup_priced "
        "GROUP BY ALL ORDER BY ALL"
    )


def test_a_price_changes_in_the_middle_of_an_hour(tmp_path: Path) -> None:
    """The instant of the change belongs to the new price; the hour has one window for each."""
    prices = book(1, rate(1, "cpu_seconds", "3", until=CHANGE), rate(2, "cpu_seconds", "5", since=CHANGE))
    company = Company(tmp_path)
    company.deliver([call("a", 629.999999), call("b", 630), call("c", 605), call("d", 659)], books=[prices])
    assert priced(company) == [
        ("cost", "cpu_seconds", "USD", "cloud@1/0", 2, Decimal(12)),
        ("cost", "cpu_seconds", "USD", "cloud@1/1", 2, Decimal(20)),
    ]
    starts = company.engine.rows("SELECT DISTINCT window_start FROM rollup ORDER BY 1")
    assert [start for (start,) in starts] == [START.replace(hour=10, tzinfo=None), CHANGE.replace(tzinfo=None)]
    days = company.engine.rows("SELECT sum(priced_cost) FROM unit_days WHERE unit_type = 'order'")
    assert days == [(Decimal(32),)]


def test_the_rate_with_the_most_conditions_decides(tmp_path: Path) -> None:
    """A resource, a region, both, or neither."""
    rates = [
        rate(1, "cpu_seconds", "1"), rate(2, "cpu_seconds", "10", region="eu"),
        rate(3, "cpu_seconds", "100", resource="i-1", region="eu"),
    ]  # fmt: skip
    company = Company(tmp_path)
    lines = [
        call("a", 0, "1"), call("b", 0, "1", region="us", host="i-1"), call("c", 0, "1", region="eu"),
        call("d", 0, "1", region="eu", host="i-2"), call("e", 0, "1", region="eu", host="i-1"),
    ]  # fmt: skip
    company.deliver(lines, books=[book(1, *rates)])
    found = {rate_id: (count, amount) for _, _, _, rate_id, count, amount in priced(company)}
    assert found == {"cloud@1/0": (2, 2), "cloud@1/1": (2, 20), "cloud@1/2": (1, 100)}
    assert company.engine.value("SELECT sum(priced_cost) FROM unit_days WHERE unit_type = 'order'") == 122


def test_usage_without_a_price_is_unpriced_until_there_is_one(tmp_path: Path) -> None:
    """Before the first price, after the last, and in a gap; a book that comes later prices what was there."""
    gap = book(
        1, rate(1, "cpu_seconds", "1", since=START + timedelta(hours=1), until=CHANGE),
        rate(2, "cpu_seconds", "1", since=CHANGE + timedelta(hours=1), until=CHANGE + timedelta(hours=2)),
    )  # fmt: skip
    company = Company(tmp_path)
    company.deliver(
        [call("before", 0), call("in", 60), call("gap", 640), call("after", 900), call("zero", 61, "0")], books=[gap]
    )
    assert priced(company) == [
        ("cost", "cpu_seconds", "USD", "cloud@1/0", 2, Decimal(2)), ("cost", "cpu_seconds", None, None, 3, None),
    ]  # fmt: skip
    assert company.engine.value("SELECT sum(unpriced) FROM unit_days WHERE unit_type = 'order'") == 3
    company.price(gap, book(2, rate(1, "cpu_seconds", "1")))
    assert priced(company) == [("cost", "cpu_seconds", "USD", "cloud@2/0", 5, Decimal(8))]


def test_a_fee_is_taken_in_the_currency_of_what_it_is_taken_of(tmp_path: Path) -> None:
    """2.9 % of 100 euros are 2.90 euros; the fixed part is in the book's currency."""
    fee: Any = {"kind": "fee", "event_type": "order.completed"}
    fees = book(1, rate(1, "@revenue", "2.9", "100", **fee), rate(2, "@events", "0.30", **fee))
    company = Company(tmp_path)
    company.deliver([sale("a", "100", "EUR"), sale("b", "10", "USD"), sale("c", "-10")], books=[fees])
    assert {(meter, currency): amount for _, meter, currency, _, _, amount in priced(company)} == {
        ("@revenue", "EUR"): Decimal("2.9"), ("@revenue", "USD"): Decimal(0), ("@events", "USD"): Decimal("0.90"),
    }  # fmt: skip


def test_a_cost_too_great_to_keep_is_an_error_and_changes_nothing(tmp_path: Path) -> None:
    """Nothing of the group is stored, and with a price that fits the same file goes in."""
    company = Company(tmp_path)
    lines = [call("a", 0, "999999999999999")]
    with pytest.raises(InputError, match="a quantity times its price has more than 14 digits"):
        company.deliver(lines, books=[book(1, rate(1, "cpu_seconds", "1000"))])
    assert company.engine.value("SELECT count(*) FROM events") == 0
    company.ingest(tmp_path / "events-1.ndjson", books=[book(2, rate(1, "cpu_seconds", "0.01"))])
    assert company.engine.value("SELECT sum(amount) FROM rollup_priced") == Decimal("9999999999999.99")


def test_a_loaded_version_is_never_edited(tmp_path: Path) -> None:
    """Other content under a version that was loaded is refused, and what was loaded stays in force."""
    company = Company(tmp_path)
    first = book(1, rate(1, "cpu_seconds", "1"))
    company.deliver([call("a", 0)], books=[first])
    edited = book(1, rate(1, "cpu_seconds", "2"))
    object.__setattr__(edited, "digest", "another digest")
    with pytest.raises(
        ConfigurationError, match=r"book cloud version 1: was changed after it was loaded; .* write version 2"
    ):
        company.price(edited)
    company.price(first)
    assert [amount for *_, amount in priced(company)] == [Decimal(2)]
