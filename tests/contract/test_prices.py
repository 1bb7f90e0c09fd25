"""Price books: exact prices, and every way two of them can contradict each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perunit.contract.document import parse_document
from perunit.contract.price_check import clashes
from perunit.contract.prices import Rate, in_force, read_price_book
from perunit.contract.read import faults, read_project

if TYPE_CHECKING:
    from perunit.model.errors import Fault

Write = Callable[..., Path]

HEAD = "book: aws\nversion: 1\ncurrency: USD\n"
CPU = "meter: cpu_seconds, unit: s"
CALLS = 'meter: api_calls, unit: "{call}"'


def rates_of(text: str) -> tuple[Rate, ...]:
    """The rates of a sound price book."""
    read = read_price_book(parse_document(HEAD + text, "prices/aws.yaml"), "digest")
    assert not read.faults
    assert read.book is not None
    return read.book.rates


def found(project: Write, prices: str, head: str = HEAD) -> list[Fault]:
    """Every fault of the sound project with these prices."""
    return faults(project(prices__aws_dot_yaml=head + prices))[0]


def test_a_price_is_the_decimal_that_was_written() -> None:
    """0.10 is Decimal('0.10'): it never passes through a float, quoted or not, with or without exponent."""
    for text, price in (("0.10", "0.10"), ("'0.10'", "0.10"), ("1e-3", "0.001"), ("3", "3"), ("0.1", "0.1")):
        (rate,) = rates_of(f"rates: [{{{CPU}, price: {text}, per: 1, effective_from: 2026-01-01}}]")
        assert rate.price == Decimal(price)
        assert isinstance(rate.price, Decimal)
    assert str(rates_of(f"rates: [{{{CPU}, price: 0.10, per: 1, effective_from: 2026-01-01}}]")[0].price) == "0.10"


def test_a_rate_knows_all_that_it_says() -> None:
    """Kind, conditions, unit price, window and a stable id with its line."""
    (rate,) = rates_of(
        f"rates:\n  - {{{CPU}, price: 0.36, per: 3600, region: eu-west-1, plan: 7,"
        " effective_from: 2026-09-01, effective_to: 2026-09-15T12:00:00+02:00}\n"
    )
    assert (rate.kind, rate.meter, rate.event_type) == ("cost", "cpu_seconds", None)
    assert rate.conditions == {"plan": "7", "region": "eu-west-1"}
    assert (rate.price, rate.per, rate.unit_price) == (Decimal("0.36"), Decimal(3600), Decimal("0.0001"))
    assert rate.effective_from == datetime(2026, 9, 1, tzinfo=UTC)
    assert rate.effective_to == datetime(2026, 9, 15, 10, tzinfo=UTC)
    assert (rate.rate_id, rate.line) == ("aws@1/rates/1", 5)


def test_a_fee_is_a_share_and_a_fixed_amount() -> None:
    """2.9 % + 0.30 a payment: a rate on the account and one on the events, both for that event type only."""
    percentage, fixed = rates_of(
        "fees: [{event: payment.settled, of: revenue, percentage: 2.9, fixed: 0.30, effective_from: 2026-01-01}]"
    )
    assert (percentage.meter, percentage.unit_price) == ("@revenue", Decimal("0.029"))
    assert (fixed.meter, fixed.unit_price) == ("@events", Decimal("0.30"))
    assert {percentage.event_type, fixed.event_type} == {"payment.settled"}
    assert (percentage.rate_id, fixed.rate_id) == ("aws@1/fees/1/percentage", "aws@1/fees/1/fixed")
    assert {percentage.kind, fixed.kind} == {"fee"}


def test_revenue_prices_are_of_kind_revenue() -> None:
    """What customers are charged is kept apart from what usage costs."""
    (rate,) = rates_of(f"revenue: [{{{CALLS}, price: 0.01, per: 1, plan: pro, effective_from: 2026-01-01}}]")
    assert (rate.kind, rate.rate_id) == ("revenue", "aws@1/revenue/1")


def test_a_price_that_does_not_divide_evenly_is_noted() -> None:
    """A third of a dollar is rounded once at 15 places, and the note says by how much."""
    text = f"rates: [{{{CPU}, price: 1, per: 3, effective_from: 2026-01-01}}]"
    read = read_price_book(parse_document(HEAD + text, "prices/aws.yaml"), "digest")
    (note,) = read.notes
    assert "0.333333333333333" in note.rule
    assert "1.0E-15" in note.rule
    even = f"rates: [{{{CPU}, price: 0.27, per: 1000000, effective_from: 2026-01-01}}]"
    assert not read_price_book(parse_document(HEAD + even, "f"), "digest").notes


def test_the_highest_version_of_a_book_is_in_force(project: Write) -> None:
    """Older versions are read and kept, and may overlap with it."""
    entry = f"rates: [{{{CPU}, price: 1, per: 1, effective_from: 2026-01-01}}]\n"
    root = project(
        prices__a_dot_yaml=HEAD + entry,
        prices__b_dot_yaml=HEAD.replace("version: 1", "version: 10") + entry,
        prices__c_dot_yaml=HEAD.replace("version: 1", "version: 9") + entry,
    )
    books = read_project(root).price_books
    assert [book.version for book in books] == [1, 10, 9]
    assert [book.version for book in in_force(books)] == [10]
    assert len({book.digest for book in books}) == 3


ENTRY_FAULTS = [
    (f"{CPU}, price: -1, per: 1, effective_from: 2026-01-01", "price", "must be >= 0"),
    (f"{CPU}, price: .nan, per: 1, effective_from: 2026-01-01", "price", "must be a decimal number"),
    (f"{CPU}, price: nan, per: 1, effective_from: 2026-01-01", "price", "must be a finite decimal number"),
    (f"{CPU}, price: .inf, per: 1, effective_from: 2026-01-01", "price", "must be a decimal number"),
    (f"{CPU}, price: Infinity, per: 1, effective_from: 2026-01-01", "price", "must be a finite decimal number"),
    (f"{CPU}, price: free, per: 1, effective_from: 2026-01-01", "price", "must be a decimal number"),
    (f"{CPU}, price: 1e-16, per: 1, effective_from: 2026-01-01", "price", "must have at most 15 decimal places"),
    (f"{CPU}, price: 1e23, per: 1, effective_from: 2026-01-01", "price", "must have at most 23 digits"),
    (f"{CPU}, price: 1e999999, per: 1, effective_from: 2026-01-01", "price", "must have at most 23 digits"),
    (f"{CPU}, price: 1, per: 0, effective_from: 2026-01-01", "per", "must be >= 0.000000001"),
    (f"{CPU}, price: 1, per: -5, effective_from: 2026-01-01", "per", "must be >= 0.000000001"),
    (f"{CPU}, price: 1, per: 0.0000000015, effective_from: 2026-01-01", "per", "must have at most 9 decimal"),
    (f"{CPU}, price: 1e-15, per: 1000000, effective_from: 2026-01-01", "", "price / per must be at least 1E-15"),
    (f"{CPU}, price: 1e22, per: 0.000000001, effective_from: 2026-01-01", "", "price / per must be below 1E23"),
    (f"{CPU}, price: 1, per: 1", "effective_from", "must be given"),
    (f"{CPU}, price: 1, per: 1, effective_from: soon", "effective_from", "must be a date or an instant"),
    (f"{CPU}, price: 1, per: 1, effective_from: 2026-02-30", "effective_from", "must be a date or an instant"),
    (f"{CPU}, price: 1, per: 1, effective_from: 5", "effective_from", "must be a date or an instant"),
    (
        f"{CPU}, price: 1, per: 1, effective_from: 2026-01-01T10:00:00",
        "effective_from",
        "must state its offset from UTC",
    ),
    (
        f"{CPU}, price: 1, per: 1, effective_from: 2026-01-01, effective_to: 2026-01-01",
        "",
        "effective_to must lie after effective_from",
    ),
    ("meter: cpu_secs, unit: s, price: 1, per: 1, effective_from: 2026-01-01", "meter", "must be a meter"),
    ("meter: cpu_seconds, unit: h, price: 1, per: 1, effective_from: 2026-01-01", "unit", "must be the unit of"),
    (f"{CPU}, price: 1, per: 1, effective_from: 2026-01-01, regon: x", "regon", "must be a segment"),
    (f"{CPU}, price: 1, per: 1, effective_from: 2026-01-01, region: [a]", "region", "must be text"),
    (f"{CPU}, price: 1, per: 1, efective_to: 2026-05-01, effective_from: 2026-01-01", "efective_to", "must be a seg"),
    (f"{CPU}, per: 1, effective_from: 2026-01-01", "price", "must be given"),
]


@pytest.mark.parametrize(("entry", "field", "rule"), ENTRY_FAULTS)
def test_a_faulty_entry_names_its_field_and_rule(project: Write, entry: str, field: str, rule: str) -> None:
    """One wrong value is one fault, on its line, with a mend."""
    (fault,) = found(project, f"rates:\n  - {{{entry}}}\n")
    assert fault.file == "prices/aws.yaml"
    assert fault.place == (f"rates.1.{field}" if field else "rates.1")
    assert fault.line == 5
    assert fault.rule.startswith(rule)
    assert fault.mend


@pytest.mark.parametrize(
    ("text", "place", "rule"),
    [
        ("fees: [{event: order.completed, effective_from: 2026-01-01}]", "fees.1", "must have a percentage"),
        (
            "fees: [{event: order.completed, percentage: 100.5, effective_from: 2026-01-01}]",
            "fees.1.percentage",
            "must be <= 100",
        ),
        (
            "fees: [{event: order.completed, of: profit, percentage: 1, effective_from: 2026-01-01}]",
            "fees.1.of",
            "must be 'revenue', 'discount', 'refund', 'fee', 'tax' or 'cost'",
        ),
        ("fees: [{event: order.complete, fixed: 1, effective_from: 2026-01-01}]", "fees.1.event", "must be an event"),
        ("rates: {}", "rates", "must be a list"),
        ("prices: []", "prices", "must be one of adjustments, approval, book, currency, fees, fx, origin, rates"),
    ],
)
def test_faults_beside_the_usage_rates(project: Write, text: str, place: str, rule: str) -> None:
    """Fees and unknown sections are checked as closely."""
    (fault,) = found(project, text)
    assert fault.place == place
    assert fault.rule.startswith(rule)


@pytest.mark.parametrize(
    ("head", "place", "rule"),
    [
        ("book: aws\nversion: 0\ncurrency: USD\n", "version", "must be >= 1"),
        ("book: AWS\nversion: 1\ncurrency: USD\n", "book", "must match"),
        ("book: aws\nversion: 1\ncurrency: USDX\n", "currency", "must be an ISO 4217 code"),
        ("book: aws\nversion: 1\ncurrency: ZZZ\n", "currency", "must be an ISO 4217 code"),
        ("book: aws\ncurrency: USD\n", "version", "must be given"),
    ],
)
def test_the_head_of_a_book_is_checked(project: Write, head: str, place: str, rule: str) -> None:
    """Name, version and currency; any ISO 4217 currency will do."""
    (fault,) = found(project, "rates: []\n", head)
    assert (fault.place, fault.rule.startswith(rule)) == (place, True)


def test_two_files_of_one_version_are_refused(project: Write) -> None:
    """The second file names the first and the next free version."""
    root = project(prices__a_dot_yaml=HEAD, prices__b_dot_yml=HEAD)
    (fault,) = faults(root)[0]
    assert (fault.file, fault.place) == ("prices/b.yml", "version")
    assert "prices/a.yaml" in fault.rule
    assert "2" in fault.mend


def test_a_meter_that_is_only_used_keeps_one_unit(project: Write) -> None:
    """Without a declared unit, two rates of one meter must agree."""
    contract = (Path(__file__).parent / "conftest.py").read_text(encoding="utf-8")
    text = contract.split('CONTRACT = """\\\n')[1].split('"""')[0].replace("  cpu_seconds: {unit: s}\n", "")
    root = project(
        text,
        prices__aws_dot_yaml=HEAD + "rates:\n"
        "  - {meter: cpu_seconds, unit: s, price: 1, per: 1, effective_from: 2026-01-01}\n"
        "  - {meter: cpu_seconds, unit: h, price: 1, per: 1, region: eu, effective_from: 2026-01-01}\n",
    )
    (fault,) = faults(root)[0]
    assert (fault.place, fault.line) == ("rates.2.unit", 6)


PAIRS = [
    ("a: 1..5, b: 5..9", None),
    ("a: 1..5, b: 4..9", "overlap"),
    ("a: 1..5, b: 1..5", "overlap"),
    ("a: 1.., b: 5..", "overlap"),
    ("a: 1..5, b: 6..9", "gap"),
    ("a: 1..5 eu, b: 3..9", None),
    ("a: 1..5 eu, b: 3..9 us", None),
    ("a: 1..5 eu, b: 3..9 eu", "overlap"),
    ("a: 1..5 eu, b: 6..9 eu", "gap"),
    ("a: 1..5 eu, b: 3..9 pro", "ambiguous"),
    ("a: 1..5 eu, b: 5..9 pro", None),
    ("a: 1..5 eu, b: 3..9 pro, c: 3..5 eu pro", None),
    ("a: 1..5 eu, b: 3..9 pro, c: 3..4 eu pro", "ambiguous"),
    ("a: 1..5 eu, b: 3..9 pro, c: 3..4 eu pro, d: 4..9 eu pro", None),
    ("a: 1..5 eu, b: 3..9 pro, c: 3..5 us pro", "ambiguous"),
]


def _rates(sketch: str) -> str:
    """``a: 1..5 eu`` is a rate from the 1st to the 5th of September for region eu."""
    lines = ["rates:"]
    for part in sketch.split(", "):
        _, span, *conditions = part.split()
        start, end = span.split("..")
        names = [f"region: {name}" if name in {"eu", "us"} else f"plan: {name}" for name in conditions]
        dates = [f"effective_from: 2026-09-0{start}", *([f"effective_to: 2026-09-0{end}"] if end else [])]
        lines.append(f"  - {{{', '.join([CPU, 'price: 1', 'per: 1', *names, *dates])}}}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("sketch", "reason"), PAIRS)
def test_overlaps_gaps_and_ambiguities_by_example(project: Write, sketch: str, reason: str | None) -> None:
    """The mend of each says what to write."""
    reasons = {"overlap": "must not overlap", "gap": "must follow", "ambiguous": "must not compete"}
    rules = [fault.rule for fault in found(project, _rates(sketch))]
    if reason is None:
        assert rules == []
    else:
        assert len(rules) == 1
        assert rules[0].startswith(reasons[reason])


def test_a_gap_names_both_sides_and_the_hole(project: Write) -> None:
    """The message holds what a person needs: the other entry, the dates without a price, the mend."""
    (fault,) = found(project, _rates("a: 1..5, b: 6..9"))
    assert fault.place == "rates.2"
    assert "aws@1/rates/1" in fault.rule
    assert "2026-09-05 to 2026-09-06 has no price" in fault.rule
    assert "effective_to: 2026-09-06" in fault.mend


def test_books_in_force_are_one_list_of_prices(project: Write) -> None:
    """An overlap between two books is found, and costs and revenue prices do not compete."""
    entry = f"[{{{CPU}, price: 1, per: 1, effective_from: 2026-01-01}}]\n"
    root = project(
        prices__aws_dot_yaml=HEAD + f"rates: {entry}",
        prices__gcp_dot_yaml=HEAD.replace("aws", "gcp") + f"rates: {entry}revenue: {entry}",
    )
    (fault,) = faults(root)[0]
    assert fault.file == "prices/gcp.yaml"
    assert "aws@1/rates/1" in fault.rule


def test_a_fee_with_two_parts_is_told_once(project: Write) -> None:
    """Both parts of a fee overlap, which is one fault of one entry."""
    fee = "{event: order.completed, percentage: 1, fixed: 1, effective_from: 2026-01-01}"
    assert len(found(project, f"fees:\n  - {fee}\n  - {fee}\n")) == 1


DAY = datetime(2026, 9, 1, tzinfo=UTC)
DIMENSIONS = ("plan", "region", "tier")
VALUES = ("a", "b")


@st.composite
def dated_rates(draw: st.DrawFn) -> list[Rate]:
    """A few rates of one meter with small windows and conditions, contradictory or not."""
    rates = []
    for number in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, 5))
        length = draw(st.one_of(st.none(), st.integers(1, 4)))
        conditions: dict[str, str] = draw(
            st.dictionaries(st.sampled_from(DIMENSIONS), st.sampled_from(VALUES), max_size=3)
        )
        rates.append(
            Rate(
                kind="cost",
                meter="cpu_seconds",
                event_type=None,
                conditions=conditions,
                price=Decimal(1),
                per=Decimal(1),
                unit="s",
                currency="USD",
                unit_price=Decimal(1),
                effective_from=DAY + timedelta(days=start),
                effective_to=None if length is None else DAY + timedelta(days=start + length),
                rate_id=f"aws@1/rates/{number + 1}",
                line=number + 1,
            )
        )
    return rates


def _covers(rate: Rate, day: datetime) -> bool:
    return rate.effective_from <= day and (rate.effective_to is None or day < rate.effective_to)


def _undecided(rates: list[Rate]) -> bool:
    """Whether on some day some event has two most specific rates: every day and every event is tried."""
    events: list[dict[str, Any]] = [
        {name: value for name, value in zip(DIMENSIONS, values, strict=True) if value}
        for values in product((None, *VALUES), repeat=len(DIMENSIONS))
    ]
    for day in (DAY + timedelta(days=number) for number in range(12)):
        for event in events:
            met = [rate for rate in rates if _covers(rate, day) and rate.conditions.items() <= event.items()]
            most = max((len(rate.conditions) for rate in met), default=0)
            if sum(len(rate.conditions) == most for rate in met) > 1:
                return True
    return False


def _has_hole(rates: list[Rate]) -> bool:
    """Whether rates of equal conditions leave a day between their first and their last without a price."""
    days = [DAY + timedelta(days=number) for number in range(12)]
    for conditions in [rate.conditions for rate in rates]:
        same = [rate for rate in rates if rate.conditions == conditions]
        first, last = min(rate.effective_from for rate in same), max(rate.effective_from for rate in same)
        if any(first <= day <= last and not any(_covers(rate, day) for rate in same) for day in days):
            return True
    return False


@settings(max_examples=600, deadline=None)
@given(dated_rates())
def test_clashes_are_found_exactly(rates: list[Rate]) -> None:
    """An overlap or ambiguity is reported if and only if some event on some day has two rates; a gap likewise."""
    reasons = {clash.reason for clash in clashes(rates)}
    assert bool(reasons & {"overlap", "ambiguous"}) == _undecided(rates)
    assert ("gap" in reasons) == _has_hole(rates)
