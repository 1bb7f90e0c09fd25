"""Prices by volume: a month's charge over its usage, the same digits in any order, and what `check` refuses."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from perunit.contract.document import parse_document
from perunit.contract.prices import read_price_book
from perunit.faces.cli.main import cli
from perunit.model.money import exact
from perunit.model.tiers import Tiered

CONTRACT = """\
version: 1
units: {call: {owner: api, key: id, segments: [plan]}}
meters: {requests: {unit: "{request}"}}
sources:
  api:
    format: csv
    event:
      id: id
      time: time
      type: "'called'"
      units: {call: id}
      segments: {plan: plan}
      usage: {requests: requests}
"""
HEAD = "id,time,plan,requests\n"
EVENTS = """\
1,2026-09-01T10:10:00Z,pro,3000000
2,2026-09-01T10:40:00Z,pro,3000000
3,2026-09-20T10:50:00Z,free,6000000
4,2026-10-01T00:00:00Z,free,1
"""
GRADUATED = (
    "mode: graduated, tiers: [{up_to: 1000000, price: 0}, {up_to: 10000000, price: 0.40, per: 1000000}, "
    "{price: 0.20, per: 1000000}], minimum: 5.00"
)
BOOK = """\
book: cloud
version: 1
currency: USD
rates:
  - {meter: requests, PRICE, unit: "{request}", effective_from: 2026-01-01}
"""
Ask = Callable[..., Any]


def write(folder: Path, price: str = GRADUATED, more: str = "") -> None:
    """The contract and a price book with one price of requests."""
    (folder / "perunit.yaml").write_text(CONTRACT, encoding="utf-8")
    (folder / "prices").mkdir(exist_ok=True)
    (folder / "prices" / "cloud.yaml").write_text(BOOK.replace("PRICE", price) + more, encoding="utf-8")


def run(folder: Path, *words: str) -> Any:
    """What a command says, as JSON."""
    result = CliRunner().invoke(cli, ["-C", str(folder), "--json", *words])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def load(folder: Path, name: str, events: str) -> None:
    """Ingests a file of events."""
    (folder / name).write_text(HEAD + events, encoding="utf-8")
    run(folder, "ingest", str(folder / name), "--as", "api")


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """A project with twelve million requests in September and one in October."""
    write(tmp_path)
    load(tmp_path, "api.csv", EVENTS)
    return lambda *words: run(tmp_path, *words)


def test_a_month_bears_its_charge(ask: Ask) -> None:
    """0 + 3.60 + 0.40 = 4.00, and at least 5.00: half each; one request in October costs the minimum."""
    rows = ask("query", "usage_cost", "--by", "plan", "--grain", "month")["rows"]
    found = {(row["month"][5:7], row["plan"]): Decimal(row["usage_cost"]) for row in rows}
    assert found == {("09", "pro"): Decimal("2.5"), ("09", "free"): Decimal("2.5"), ("10", "free"): Decimal(5)}
    assert ask("verify")


def test_a_sampled_month_is_in_the_tier_of_all_it_stands_for(tmp_path: Path) -> None:
    """Six million calls, half of them seen as one in ten, cost what the same calls cost when all were kept."""
    write(tmp_path)
    contract = CONTRACT.replace("      usage:", "      weight: weight\n      usage:")
    (tmp_path / "perunit.yaml").write_text(contract, encoding="utf-8")
    rows = "1,2026-09-01T10:10:00Z,pro,3000000,1\n2,2026-09-20T10:50:00Z,free,300000,10\n"
    (tmp_path / "events.csv").write_text(HEAD.replace("\n", ",weight\n") + rows, encoding="utf-8")
    run(tmp_path, "ingest", str(tmp_path / "events.csv"), "--as", "api")
    [row] = run(tmp_path, "query", "requests", "usage_cost")["rows"]
    # The minimum of 5.00 is above 5 million at 0.40.
    assert (row["requests"], row["usage_cost"]) == ("6000000", "5")
    rows = run(tmp_path, "query", "usage_cost", "--by", "plan")["rows"]
    assert [(each["plan"], each["usage_cost"]) for each in rows] == [("free", "2.5"), ("pro", "2.5")]


def test_usage_that_comes_later_changes_the_month(ask: Ask, tmp_path: Path) -> None:
    """Ten million more in September: 4.00 + 2.00, and as of before it was still 5.00."""
    before = ask("query", "usage_cost", "--grain", "month")["rows"]
    (first,) = ask("query", "usage_cost", "--from", "2026-09-01", "--to", "2026-10-01")["rows"]
    assert Decimal(first["usage_cost"]) == 5
    then = datetime.now(UTC).isoformat()
    load(tmp_path, "more.csv", "9,2026-09-02T10:10:00Z,pro,10000000\n")
    (row,) = ask("query", "usage_cost", "--from", "2026-09-01", "--to", "2026-10-01")["rows"]
    assert Decimal(row["usage_cost"]) == Decimal(6)
    ingested = ask("ingest", str(tmp_path / "more.csv"), "--as", "api")
    assert ingested
    assert before != ask("query", "usage_cost", "--grain", "month")["rows"]
    as_of = ask("query", "usage_cost", "--grain", "month", "--as-of", then)["rows"]
    assert [row["usage_cost"] for row in as_of] == [row["usage_cost"] for row in before]
    assert ask("verify")


def test_a_receipt_tells_the_months_charge(ask: Ask) -> None:
    """A quarter of the requests bears a quarter of 5.00, and the line says of what."""
    receipt = ask("receipt", "call", "1")
    (line,) = [line for event in receipt["events"] for line in event["usage"]]
    assert Decimal(line["amount"]) == Decimal("1.25")
    assert (Decimal(line["price"]), Decimal(line["per"])) == (5, 12_000_000)


def test_minutes_bear_their_share(ask: Ask) -> None:
    """Within an hour, half of its requests bear half of its cost."""
    (row,) = ask("query", "usage_cost", "--from", "2026-09-01T10:00:00Z", "--to", "2026-09-01T10:30:00Z")["rows"]
    assert Decimal(row["usage_cost"]) == Decimal("1.25")


def test_adjustments_multiply_what_is_borne(tmp_path: Path) -> None:
    """Pro bears half of 5.00, less a tenth; the tiers are those of all usage together."""
    adjustment = "adjustments:\n  - {on: cost, plan: pro, discount_percent: 10, effective_from: 2026-01-01}\n"
    write(tmp_path, more=adjustment)
    load(tmp_path, "api.csv", EVENTS)
    rows = run(tmp_path, "query", "usage_cost", "--by", "plan", "--to", "2026-10-01")["rows"]
    assert {row["plan"]: Decimal(row["usage_cost"]) for row in rows} == {"pro": Decimal("2.25"), "free": Decimal("2.5")}
    assert run(tmp_path, "verify")


@pytest.mark.parametrize(
    ("price", "charge"),
    [
        ("mode: volume, tiers: [{up_to: 10000000, price: 0.40, per: 1000000}, {price: 0.20, per: 1000000}]", "2.40"),
        ("mode: package, price: 3, per: 5000000", "9"),
        ("mode: package, price: 3, per: 5000000, minimum: 20", "20"),
    ],
)
def test_each_mode_by_hand(tmp_path: Path, price: str, charge: str) -> None:
    """Twelve million: all at the second tier's 0.20; three packages of five million."""
    write(tmp_path, price)
    load(tmp_path, "api.csv", EVENTS)
    (row,) = run(tmp_path, "query", "usage_cost", "--from", "2026-09-01", "--to", "2026-10-01")["rows"]
    assert Decimal(row["usage_cost"]) == Decimal(charge)


def test_a_draft_of_other_tiers_is_previewed(ask: Ask, tmp_path: Path) -> None:
    """A minimum of 6 instead of 5 costs 1 more in each of two months; the same draft again changes nothing."""
    (tmp_path / "prices" / "drafts").mkdir()
    for name, minimum in (("same", "5.00"), ("more", "6.00")):
        text = BOOK.replace("PRICE", GRADUATED.replace("minimum: 5.00", f"minimum: {minimum}"))
        (tmp_path / "prices" / "drafts" / f"{name}.yaml").write_text(text, encoding="utf-8")
    changes = [
        ask("prices", "preview", f"{name}.yaml")["total"]["variable_cost"]["change"] for name in ("same", "more")
    ]
    assert [Decimal(change) for change in changes] == [0, 2]
    assert [len(ask("prices", "diff", f"{name}.yaml")["changes"]) for name in ("same", "more")] == [0, 1]
    cut = CliRunner().invoke(cli, ["-C", str(tmp_path), "prices", "preview", "more.yaml", "--from", "2026-09-02"])
    assert "must be the start of a month" in str(cut.exception)
    assert ask("prices", "approve", "same.yaml", "--actor", "Kim", "--reason", "no change")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("up_to: 10000000", "up_to: 500000", "ascending"),
        ("{price: 0.20, per: 1000000}", "{up_to: 20000000, price: 0.20}", "without up_to"),
        ("price: 0.40", "price: -1", "must be >= 0"),
        ("mode: graduated, ", "", "must have a mode"),
        ("mode: graduated", "mode: stairs", "graduated"),
        ("mode: graduated", "mode: package", "price and per"),
        ("mode: graduated", "mode: graduated, price: 1, per: 1", "not both"),
        ("2026-01-01", "2026-01-02", "must start and end with a month"),
        ("tiers: [", "tiers: [], plans: [", "must not be empty"),
    ],
)
def test_a_faulty_price_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    """With its place and what to do."""
    write(tmp_path)
    path = tmp_path / "prices" / "cloud.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    result = CliRunner().invoke(cli, ["-C", str(tmp_path), "check"])
    assert result.exit_code == 2
    assert words in " ".join(result.output.split()), result.output


def test_a_fee_has_no_tiers(tmp_path: Path) -> None:
    """A fee is of single events; what it says of tiers is no condition either."""
    fee = "fees:\n  - {event: called, fixed: 1, mode: volume, tiers: [{price: 1}], effective_from: 2026-01-01}\n"
    write(tmp_path, more=fee)
    result = CliRunner().invoke(cli, ["-C", str(tmp_path), "check"])
    assert result.exit_code == 2
    assert "tiers" in result.output


ROWS = st.lists(
    st.tuples(
        st.sampled_from(
            [f"2026-{at}Z" for at in ("08-31T23:59:59", "09-01T00:00:00", "09-01T00:20:00", "09-30T23:10:00")]
        ),
        st.sampled_from(["pro", "free"]),
        st.one_of(st.decimals(0, 10**7, places=3), st.decimals(0, 10**13, places=9)),
    ),
    min_size=1,
    max_size=7,
)
VOLUME = "mode: volume, tiers: [{up_to: 9, price: 1, per: 3}, {price: 2, per: 7}]"
PRICES = st.sampled_from([GRADUATED, VOLUME, "mode: package, price: 0.1, per: 7, minimum: 0.01"])


@settings(max_examples=8, deadline=None)
@given(rows=ROWS, price=PRICES, data=st.data())
def test_any_order_of_arrival_gives_the_same_digits(rows: list[Any], price: str, data: st.DataObject) -> None:
    """File by file in any order, or all at once: the same amounts, which sum to each month's charge exactly."""
    lines = [f"{number},{at},{plan},{quantity}\n" for number, (at, plan, quantity) in enumerate(rows)]
    shuffled = data.draw(st.permutations(lines))
    cut = data.draw(st.integers(0, len(lines)))
    deliveries = [["".join(lines)], [part for part in ("".join(shuffled[:cut]), "".join(shuffled[cut:])) if part]]
    more = "adjustments:\n  - {on: cost, plan: pro, multiply: 1.15, effective_from: 2026-09-01T00:10:00Z}\n"
    told = []
    for files in deliveries:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder, price, more)
            for number, events in enumerate(files):
                load(folder, f"api-{number}.csv", events)
            told.append(run(folder, "query", "usage_cost", "--by", "plan", "--grain", "hour")["rows"])
            assert run(folder, "verify")
    assert told[0] == told[1]


@settings(max_examples=8, deadline=None)
@given(rows=ROWS, price=PRICES)
def test_the_parts_sum_to_the_charge(rows: list[Any], price: str) -> None:
    """Of every month, to the last digit, whatever does not divide evenly."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, price)
        text = (folder / "prices" / "cloud.yaml").read_text(encoding="utf-8")
        book = read_price_book(parse_document(text, "cloud.yaml"), "").book
        assert book is not None
        load(folder, "api.csv", "".join(f"{number},{at},{plan},{q}\n" for number, (at, plan, q) in enumerate(rows)))
        told = run(folder, "query", "usage_cost", "--grain", "month")["rows"]
    sums: dict[str, Decimal] = defaultdict(Decimal)
    with exact():
        for at, _, quantity in rows:
            sums[at[:7]] += quantity
        (rate,) = book.rates
        charges = {
            month: Decimal(Tiered.of(str(rate.tiers)).quanta(total)).scaleb(-18) for month, total in sums.items()
        }
    assert {row["month"][:7]: Decimal(row["usage_cost"]) for row in told} == charges
