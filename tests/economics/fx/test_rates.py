"""What a currency is worth on a day: own rates first, then the last reference rate that is not too old."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perunit.economics.fx.rates import FxRates, cross_rate
from perunit.engine.duckdb import Engine
from perunit.engine.files import sql_text

FRIDAY, SUNDAY = date(2026, 5, 8), date(2026, 5, 10)


@pytest.fixture
def engine() -> Engine:
    """An empty store."""
    engine = Engine(threads=1)
    engine.execute(sql_text("store", "schema"))
    return engine


def publish(engine: Engine, day: date, **quotes: str) -> None:
    """What one euro was worth on a day."""
    for quote, rate in quotes.items():
        engine.execute(
            "INSERT INTO fx_rates VALUES ('EUR', $quote, $day, $rate, 'ECB', TIMESTAMP '2026-06-01', NULL)",
            {"quote": quote, "day": day, "rate": Decimal(rate)},
        )


def agree(engine: Engine, currency: str, into: str, rate: str, since: str, until: str | None = None) -> None:
    """An own rate of a price book in force."""
    engine.execute(
        "INSERT OR IGNORE INTO price_books BY NAME "
        "SELECT 'own' AS book, 1 AS version, 'd' AS digest, 'f' AS file_name, "
        "TIMESTAMP '2026-01-01' AS loaded_at, '' AS content"
    )
    values: dict[str, Any] = {"id": f"own@1/fx/{currency}{since}", "of": currency, "into": into, "rate": Decimal(rate)}
    values |= {"since": datetime.fromisoformat(since), "until": until and datetime.fromisoformat(until)}
    engine.execute(
        "INSERT INTO rates BY NAME SELECT $id AS rate_id, 'own' AS book, 1 AS version, 'fx' AS kind, $of AS meter, "
        "MAP {} AS conditions, $rate AS price, 1 AS per, $of AS unit, $into AS currency, $rate AS unit_price, "
        "$since AS effective_from, $until AS effective_to",
        values,
    )


def worth(engine: Engine, currency: str, day: date, into: str = "USD", age: int = 7) -> tuple[str, str] | None:
    """The rate as text and who says so."""
    found = FxRates(engine, into, age).of(currency, day)
    return found and (f"{found.rate.normalize():f}", found.origin)


def test_the_base_of_the_file_is_worth_what_it_says(engine: Engine) -> None:
    """One euro is the published rate; a dollar in euros is that turned round, at 15 places."""
    publish(engine, FRIDAY, USD="1.1172")
    assert worth(engine, "EUR", FRIDAY) == ("1.1172", "ECB")
    assert worth(engine, "USD", FRIDAY, "EUR") == ("0.895094880057286", "ECB")
    assert worth(engine, "USD", FRIDAY) == ("1", "")


def test_two_currencies_meet_over_the_euro_of_one_day(engine: Engine) -> None:
    """A pound is 1.12 ÷ 0.80 = 1.40 dollars; a day that has only one of the two is passed over."""
    publish(engine, FRIDAY, USD="1.12", GBP="0.80")
    publish(engine, date(2026, 5, 9), USD="9")
    assert worth(engine, "GBP", SUNDAY) == ("1.4", "ECB")


def test_a_weekend_has_the_rate_of_friday_and_not_of_monday(engine: Engine) -> None:
    """The last published rate counts as long as it is no older than the limit; a later one never does."""
    publish(engine, FRIDAY, USD="1.10")
    publish(engine, date(2026, 5, 11), USD="1.20")
    assert worth(engine, "EUR", SUNDAY) == ("1.1", "ECB")
    assert worth(engine, "EUR", SUNDAY, age=1) is None
    assert worth(engine, "EUR", date(2026, 5, 7)) is None
    assert worth(engine, "EUR", date(2026, 5, 18)) == ("1.2", "ECB")
    assert worth(engine, "EUR", date(2026, 5, 19)) is None


def test_an_own_rate_comes_first_within_its_time(engine: Engine) -> None:
    """From the day it begins until the day before it ends; then the reference rate again."""
    publish(engine, FRIDAY, USD="1.10")
    agree(engine, "EUR", "USD", "1.25", "2026-05-09", "2026-05-10")
    assert [worth(engine, "EUR", date(2026, 5, day)) for day in (8, 9, 10)] == [
        ("1.1", "ECB"), ("1.25", "own@1/fx/EUR2026-05-09"), ("1.1", "ECB")
    ]  # fmt: skip


def test_an_own_rate_serves_both_directions(engine: Engine) -> None:
    """Written as one pound in dollars it is also a dollar in pounds; what is written so comes before that."""
    agree(engine, "GBP", "USD", "1.25", "2026-01-01")
    assert worth(engine, "USD", FRIDAY, "GBP") == ("0.8", "own@1/fx/GBP2026-01-01")
    agree(engine, "USD", "GBP", "0.9", "2026-01-01")
    assert worth(engine, "USD", FRIDAY, "GBP") == ("0.9", "own@1/fx/USD2026-01-01")


def test_a_currency_nobody_quotes_has_no_rate(engine: Engine) -> None:
    """Nothing is assumed."""
    assert worth(engine, "CHF", FRIDAY) is None


@given(
    of=st.decimals("0.0001", "20000", places=6),
    to=st.decimals("0.0001", "20000", places=6),
    amount=st.decimals("0", "1000000", places=2),
)
def test_there_and_back_is_the_same_within_the_rounding(of: Decimal, to: Decimal, amount: Decimal) -> None:
    """Each rate is off by at most half a unit of the 15th place, and so is the way back by the two together."""
    there, back = cross_rate(of, to), cross_rate(to, of)
    half = Decimal("0.5e-15")
    assert abs(amount * there * back - amount) <= amount * half * (there + back + half) + Decimal("1e-20")
