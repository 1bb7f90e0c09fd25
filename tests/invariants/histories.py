"""Strategies for small histories of the company: what happened, how often and in which files it was delivered."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from tests.invariants.company import START, Company, Event, book, rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perunit.contract.prices import PriceBook

# Instants on both sides of an hour, of a day and of the price changes below, and in the middle of nowhere.
PRICE_CHANGE = START + timedelta(hours=36, minutes=30)
EDGES = (0, 1, 24, 36, 37, 48)
INSTANTS = tuple(
    sorted(
        {START + timedelta(hours=hour, microseconds=step) for hour in EDGES for step in (-1, 0, 1)}
        | {PRICE_CHANGE + timedelta(microseconds=step) for step in (-1, 0, 1)}
        | {START + timedelta(hours=5, minutes=17), START + timedelta(hours=30, minutes=59)}
    )
)
NASTY = ("pro", "o'brien", 'say "hi"', "日本", "__other__", "", "null", "a\\b;--", "x, y")
REGIONS = ("eu", "us", "apac", "日本")


def instants() -> st.SearchStrategy[datetime]:
    """Times of events; the same ones again and again, so that events of one unit meet."""
    return st.sampled_from(INSTANTS)


def amounts() -> st.SearchStrategy[Decimal]:
    """Money with up to 12 decimals, of either sign."""
    fine = st.integers(-(10**24), 10**24).map(lambda digits: Decimal(digits).scaleb(-12))
    return st.one_of(fine, st.sampled_from([Decimal("0"), Decimal("0.1"), Decimal("19.99"), Decimal("-5")]))


def quantities() -> st.SearchStrategy[Decimal]:
    """Measured usage with up to 9 decimals."""
    fine = st.integers(0, 10**15).map(lambda digits: Decimal(digits).scaleb(-9))
    return st.one_of(fine, st.sampled_from([Decimal("0"), Decimal("0.5"), Decimal("3600")]))


def latencies() -> st.SearchStrategy[Decimal]:
    """Milliseconds; powers of two lie on the bounds of buckets."""
    powers = st.integers(-6, 20).map(lambda power: Decimal(2) ** power)
    return st.one_of(powers, st.just(Decimal(0)), st.integers(1, 10**12).map(lambda us: Decimal(us).scaleb(-6)))


_NUMBERS = {
    "order.completed": {"total": amounts(), "discount": amounts(), "fee": amounts()},
    "order.attempted": {},
    "order.refunded": {"total": amounts()},
    "api.called": {
        "cpu_seconds": quantities(), "egress_bytes": quantities(), "reviews": quantities(), "duration_ms": latencies(),
    },
    "user.visited": {},
}  # fmt: skip


@st.composite
def events(draw: st.DrawFn, number: int) -> Event:
    """The event with this number; of another source it may carry an id that was used before."""
    type_ = draw(st.sampled_from(sorted(_NUMBERS)))
    source = draw(st.sampled_from(["shop", "web"]))
    time = draw(instants())
    optional = st.none() | st.just(0)
    sent = {name: draw(values) for name, values in _NUMBERS[type_].items() if draw(optional) is not None}
    return Event(
        id=f"e{number // 2}" if source == "web" and number % 2 else f"e{number}x",
        source=source,
        type=type_,
        time=time,
        recorded=time + timedelta(hours=draw(st.sampled_from([0, 24, 25, 200]))),
        order_id=draw(st.sampled_from(["o1", "o2", "o'3", "", None])),
        user_id=draw(st.sampled_from(["u1", "ü2", None])),
        plan=draw(st.sampled_from((*NASTY, None))),
        region=draw(st.sampled_from((*REGIONS, None))),
        channel=draw(st.sampled_from(["web", None])),
        currency=draw(st.sampled_from(["USD", "EUR", "JPY", None])),
        outcome=draw(st.sampled_from(["success", "failure", None])),
        host=draw(st.sampled_from(["i-1", None])),
        numbers=tuple(sent.items()),
        offset_hours=draw(st.sampled_from([0, 2, -11])),
        weight=draw(st.sampled_from([None, "1", "10", "2.5", "9.999389685688", "0"])),
    )


@dataclass(frozen=True)
class History:
    """What happened, and what was delivered of it beside once each.

    `repeats` are events delivered again, word for word or written otherwise; `conflicts` say something else under
    the id of an event; `refused` are lines that are no event. The last of `books` is in force in the end.
    """

    events: tuple[Event, ...]
    repeats: tuple[Event, ...]
    conflicts: tuple[Event, ...]
    refused: tuple[str, ...]
    books: tuple[PriceBook, ...]


REFUSED = (
    "{broken",
    "[1, 2]",
    json.dumps({"specversion": "1.0", "id": "r1", "source": "shop", "type": "unknown", "time": "2026-03-01T00:00:00Z"}),
    json.dumps({"specversion": "1.0", "id": "r2", "source": "shop", "type": "user.visited", "time": "yesterday"}),
)


@st.composite
def histories(draw: st.DrawFn, *, size: int = 10, conflicting: bool = False) -> History:
    """A history of up to `size` events and as much around it."""
    happened = tuple(
        {e.key: e for e in (draw(events(number)) for number in range(draw(st.integers(1, size))))}.values()
    )
    again = tuple(draw(st.lists(st.sampled_from(happened), max_size=4)))
    repeats = tuple(replace(e, offset_hours=draw(st.sampled_from([0, 5]))) for e in again)
    contradicted = draw(st.lists(st.sampled_from(happened), max_size=3)) if conflicting else []
    conflicts = tuple(replace(e, time=e.time + timedelta(minutes=1)) for e in contradicted)
    refused = tuple(draw(st.lists(st.sampled_from(REFUSED), max_size=2)))
    return History(happened, repeats, conflicts, refused, draw(books()))


@st.composite
def books(draw: st.DrawFn) -> tuple[PriceBook, ...]:
    """Price books: none, one, or two versions. Prices change in the middle of an hour, some hold only in a region."""
    price = st.integers(1, 10**6).map(lambda digits: f"{Decimal(digits).scaleb(-6):f}")
    until = draw(st.sampled_from([None, PRICE_CHANGE]))
    rates = [rate(1, "cpu_seconds", draw(price), "3600", until=until)]
    if until is not None and draw(st.booleans()):
        rates.append(rate(2, "cpu_seconds", draw(price), since=PRICE_CHANGE))
    if draw(st.booleans()):
        rates.append(rate(3, "cpu_seconds", draw(price), region=draw(st.sampled_from(["eu", "apac"]))))
    if draw(st.booleans()):
        rates.append(rate(4, "egress_bytes", draw(price), "1000000000", since=START + timedelta(hours=24)))
    if draw(st.booleans()):
        rates.append(rate(5, "egress_bytes", draw(price), "1000000000", kind="revenue"))
    if draw(st.booleans()):
        fee: Any = {"kind": "fee", "event_type": "order.completed"}
        rates += [rate(6, "@revenue", "2.9", "100", **fee), rate(7, "@events", "0.30", **fee)]
    if draw(st.booleans()):
        factor = draw(st.sampled_from(["1.15", "0.9", "0", "0.333333333"]))
        rates.append(rate(8, "*", factor, kind="adjustment", adjusts="cost", region="eu"))
        fifth = {"kind": "adjustment", "since": PRICE_CHANGE + timedelta(minutes=7)}
        rates.append(rate(9, "cpu_seconds", "0.8", adjusts="cost", **fifth))
        rates.append(rate(10, "*", "0.8", adjusts="fee", **fifth))
    versions = (book(1, *rates), book(2, *draw(st.permutations(rates))[1:]))
    return versions[: draw(st.integers(0, 2))]


@dataclass(frozen=True)
class Arrival:
    """In which files the deliveries come, in groups of which size, and before which file the prices are known."""

    files: tuple[tuple[str, ...], ...]
    group_bytes: int | None
    books_before: int

    def into(self, company: Company, books: Sequence[PriceBook]) -> Company:
        """Delivers everything and puts the last book in force."""
        early, late = self.files[: self.books_before], self.files[self.books_before :]
        if early:
            # What is known of prices before is an older version, or nothing.
            company.deliver(*early, books=books[:-1], group_bytes=self.group_bytes)
        if late:
            company.deliver(*late, books=books, group_bytes=self.group_bytes)
        company.price(*books)
        return company


@st.composite
def arrivals(draw: st.DrawFn, history: History) -> Arrival:
    """Any order and any split into files of what was delivered; a conflict comes after what it contradicts."""
    lines = [*(e.line() for e in (*history.events, *history.repeats)), *history.refused]
    order = [*draw(st.permutations(lines)), *(e.line() for e in history.conflicts)]
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=2)))
    bounds = [0, *cuts, len(order)]
    files = tuple(tuple(order[a:b]) for a, b in itertools.pairwise(bounds) if a < b)
    return Arrival(files, draw(st.sampled_from([None, 700])), draw(st.integers(0, len(files))))
