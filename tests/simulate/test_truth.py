"""The truth is recounted from the files alone, in plain Python, and must agree to the last digit."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from perunit.model.money import exact, unit_price

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulate.conftest import Company

KEYS = ("day", "event_type", "plan", "region", "channel", "release")
USAGE = {
    "api.call": {"cpu_seconds": "cpu_seconds", "egress_bytes": "egress_bytes", "exports": "exports"},
    "llm.call": {"llm_input_tokens": "input_tokens", "llm_output_tokens": "output_tokens"},
}
AMOUNTS = {
    "payment.settled": {"recorded_revenue": "amount", "discounts": "discount", "tax": "tax"},
    "order.refunded": {"refunds": "refund"},
    "order.completed": {"recorded_fees": "commission"},
    "risk.checked": {"recorded_cost": "cost"},
}

Figures = dict[str, Decimal]


class PriceBooks:
    """All price books of a project, read without perunit."""

    def __init__(self, folder: Path) -> None:
        self.entries: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for path in folder.iterdir():
            book = yaml.safe_load(path.read_text())
            for section in ("rates", "revenue", "fees"):
                self.entries[section] += book.get(section, [])

    def each(self, section: str, meter: str, event: dict[str, Any]) -> Decimal:
        """The unit price that applies to an event, 0 where none does."""
        found = [
            entry
            for entry in self.entries[section]
            if entry["meter"] == meter
            and in_force(entry, event["time"])
            and all(entry.get(name, event["data"].get(name)) == event["data"].get(name) for name in KEYS[2:])
        ]
        assert len(found) <= 1
        return sum((unit_price(Decimal(entry["price"]), Decimal(entry["per"])) for entry in found), Decimal(0))

    def fee(self, event: dict[str, Any]) -> Decimal:
        """The percentage and fixed fee on an event."""
        (entry,) = self.entries["fees"]
        if entry["event"] != event["type"]:
            return Decimal(0)
        assert entry["of"] == "revenue"
        return Decimal(event["data"]["amount"]) * Decimal(entry["percentage"]) / 100 + Decimal(entry["fixed"])


def in_force(entry: dict[str, Any], moment: str) -> bool:
    """Whether an entry of a price book applies at a moment."""
    end = entry.get("effective_to")
    return at(entry["effective_from"]) <= at(moment) and (end is None or at(moment) < at(end))


def at(value: Any) -> datetime:
    """An aware instant from a date, a datetime or text."""
    moment = datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def accepted(company: Company) -> tuple[list[dict[str, Any]], list[int], list[int]]:
    """The first of each (source, id), with how many duplicates and conflicts each has."""
    events: dict[tuple[str, str], dict[str, Any]] = {}
    duplicates: dict[tuple[str, str], int] = defaultdict(int)
    conflicts: dict[tuple[str, str], int] = defaultdict(int)
    for event in company.events:
        key = (event["source"], event["id"])
        if key not in events:
            events[key] = event
        elif events[key] == event:
            duplicates[key] += 1
        else:
            conflicts[key] += 1
    return list(events.values()), [duplicates[key] for key in events], [conflicts[key] for key in events]


def figures_of(event: dict[str, Any], books: PriceBooks) -> Figures:
    """What one event adds to the truth."""
    data, kind = event["data"], event["type"]
    figures: Figures = defaultdict(Decimal)
    figures["events"] = Decimal(1)
    figures["late"] = Decimal((at(event["recordedtime"]) - at(event["time"])).total_seconds() > 86_400)
    figures["orphan_order"] = Decimal("order_id" not in data)
    figures["orphan_user"] = Decimal("user_id" not in data)
    figures["attempts"] = Decimal("outcome" in data)
    figures["successes"] = Decimal(data.get("outcome") == "success")
    for account, field in AMOUNTS.get(kind, {}).items():
        figures[account] = Decimal(data.get(field, "0"))
    for meter, field in USAGE.get(kind, {}).items():
        quantity = Decimal(str(data.get(field, 0)))
        figures[f"usage_{meter}"] = quantity
        figures[f"cost_{meter}"] = quantity * books.each("rates", meter, event)
        figures["priced_revenue"] += quantity * books.each("revenue", meter, event)
    figures["priced_fees"] = books.fee(event)
    return figures


def key_of(event: dict[str, Any]) -> tuple[str, ...]:
    """The row of daily.csv an event belongs to."""
    return (event["time"][:10], event["type"], *(event["data"].get(name, "") for name in KEYS[2:]))


@pytest.fixture(scope="module")
def recount(company: Company) -> dict[tuple[str, ...], Figures]:
    """Everything in daily.csv, from the lines and the price books alone."""
    books = PriceBooks(company.root / "prices")
    rows: dict[tuple[str, ...], Figures] = defaultdict(lambda: defaultdict(Decimal))
    opened: dict[str, dict[str, Any]] = {}
    with exact():
        for event, duplicates, conflicts in zip(*accepted(company), strict=True):
            row = rows[key_of(event)]
            for name, value in figures_of(event, books).items():
                row[name] += value
            row["duplicates"] += duplicates
            row["conflicts"] += conflicts
            order = event["data"].get("order_id")
            if order and (order not in opened or event["time"] < opened[order]["time"]):
                opened[order] = event
    for event in opened.values():
        rows[key_of(event)]["orders_opened"] += 1
    return rows


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_daily_truth_is_what_the_lines_say(company: Company, recount: dict[tuple[str, ...], Figures]) -> None:
    """Every figure of every day, event type and segment, exactly; a unit opens with its earliest event."""
    found = {tuple(row[name] for name in KEYS): row for row in read_csv(company.root / "truth" / "daily.csv")}
    assert set(found) == set(recount)
    for key, row in found.items():
        assert {name: Decimal(row[name]) for name in row if name not in KEYS} == {
            name: recount[key][name] for name in row if name not in KEYS
        }


def test_price_changes_within_an_hour_are_in_the_truth(company: Company) -> None:
    """The small company has usage on both sides of the change in the very hour, so the recount proves the instant."""
    change = company.options.change
    hour = [
        event
        for event in company.events
        if event["type"] == "api.call" and event["time"][:13] == f"{change:%Y-%m-%dT%H}"
    ]
    assert {at(event["time"]) < change for event in hour} == {True, False}


def test_totals_are_the_sums_of_the_days(company: Company, recount: dict[tuple[str, ...], Figures]) -> None:
    """truth.json adds up daily.csv, in total and by each dimension, and derives the margins."""
    truth = company.truth
    with exact():
        for name, value in truth["totals"].items():
            if name in next(iter(recount.values())):
                assert Decimal(value) == sum(row[name] for row in recount.values())
            for values in truth["by"].values():
                assert sum(Decimal(part[name]) for part in values.values()) == Decimal(value)
        total = {name: Decimal(value) for name, value in truth["totals"].items()}
        assert total["gross_revenue"] == total["recorded_revenue"] + total["priced_revenue"]
        assert total["revenue"] == total["gross_revenue"] - total["discounts"] - total["refunds"]
        usage = sum(value for name, value in total.items() if name.startswith("cost_"))
        assert total["variable_cost"] == total["fees"] + total["recorded_cost"] + usage
        assert total["contribution_margin"] == total["revenue"] - total["variable_cost"]
    assert truth["received"] == len(company.lines)


@pytest.mark.parametrize(("unit", "key"), [("order", "order_id"), ("user", "user_id")])
def test_lenses_hold_the_events_that_carry_the_key(company: Company, unit: str, key: str) -> None:
    """Totals of a unit type's lens, in all and by plan, are those of its events alone."""
    books = PriceBooks(company.root / "prices")
    sums: dict[str, Figures] = defaultdict(lambda: defaultdict(Decimal))
    with exact():
        for event in accepted(company)[0]:
            if key in event["data"]:
                for name, value in figures_of(event, books).items():
                    sums[""][name] += value
                    sums[event["data"]["plan"]][name] += value
    lens = company.truth["lenses"][unit]
    found = {"": lens["totals"], **lens["by"]["plan"]}
    assert set(found) == set(sums)
    for group, figures in sums.items():
        assert figures.pop("cost_exports") == 0
        assert {name: Decimal(found[group][name]) for name in figures} == figures
    if unit == "order":
        assert all("channel" in event["data"] for event in company.events if key in event["data"])


def test_active_users_are_those_with_an_event(company: Company) -> None:
    """Each user counts once a day, under the plan and region that user always has."""
    active = defaultdict(set)
    for event in company.events:
        if user := event["data"].get("user_id"):
            active[event["time"][:10], event["data"]["plan"], event["data"]["region"]].add(user)
    found = {
        (row["day"], row["plan"], row["region"]): int(row["active_users"])
        for row in read_csv(company.root / "truth" / "users.csv")
    }
    assert found == {key: len(users) for key, users in active.items()}


def test_receipts_are_the_sums_of_an_order(company: Company) -> None:
    """Each sampled order has the events, money and margin its lines give."""
    books = PriceBooks(company.root / "prices")
    events = accepted(company)[0]
    rows = read_csv(company.root / "truth" / "orders.csv")
    assert len(rows) == 60
    with exact():
        for row in rows:
            own = [event for event in events if event["data"].get("order_id") == row["order_id"]]
            figures = [figures_of(event, books) for event in own]
            assert len(own) == int(row["events"])
            assert min(event["time"] for event in own) == row["placed"]
            assert Decimal(row["refunds"]) == sum(part["refunds"] for part in figures)
            fees = sum(part["priced_fees"] + part["recorded_fees"] for part in figures)
            usage = sum(value for part in figures for name, value in part.items() if name.startswith("cost_"))
            assert Decimal(row["variable_cost"]) == fees + usage + sum(part["recorded_cost"] for part in figures)


def test_the_stories_are_in_the_figures(company: Company) -> None:
    """The losing region and the free plan lose; the story list names what a person can look for."""
    by = company.truth["by"]
    assert Decimal(by["region"]["sa-east-1"]["contribution_margin"]) < 0
    assert Decimal(by["plan"]["free"]["contribution_margin"]) < 0
    assert Decimal(by["region"]["us-east-1"]["contribution_margin"]) > 0
    assert {story["name"] for story in company.truth["stories"]} >= {"losing region", "heavy release", "price change"}
