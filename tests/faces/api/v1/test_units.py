"""Units are listed whole and in order, whatever they are called; failures say whether they were made good."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from tests.faces.api.v1.test_figures import verb
from tests.faces.api.v1.test_reading import fresh, ingested, paid

from perunit.measures.receipt import receipt

if TYPE_CHECKING:
    from tests.faces.api.v1.conftest import Running

__all__ = ["fresh"]
ODD = ("a/b", "/", "..", "../x", "ü✓ x", "a%2Fb", "a?b#c", "a\\b", "'", "+")


def walked(company: Running, path: str, between: Any = None, **parameters: Any) -> list[Any]:
    """All that a listing has, page by page."""
    found, after = [], None
    while True:
        page = company.get(path, after=after, **parameters)
        found += page["units" if "units" in page else "failures"]
        if (after := page["next"]) is None:
            return found
        if between:
            between()


@pytest.mark.parametrize("order", ["margin", "-margin", "revenue", "-cost", "last_event", "-last_event", "id", "-id"])
def test_a_listing_walks_every_unit_once_and_in_order(company: Running, order: str) -> None:
    """As many as there are, no one twice, each at its place."""
    units = walked(company, "/units/order", order=order, limit=211)
    ids = [unit["id"] for unit in units]
    # The company's orders that opened as units are all there are.
    assert len(set(ids)) == len(ids) == company.get("/query", measure="units")["rows"][0]["units"]
    name = order.removeprefix("-")
    values = [unit[name] if name in {"id", "last_event"} else Decimal(unit[name]) for unit in units]
    assert values == sorted(values, reverse=order.startswith("-"))


def test_by_id_every_unit_comes_once_while_data_comes_in(fresh: Running) -> None:
    """Those there were at the start are all there at the end, none twice."""
    before = {unit["id"] for unit in walked(fresh, "/units/order", order="id", limit=500)}
    numbers = iter(range(1000))

    def more() -> None:
        ingested(fresh, *(paid(next(numbers)) for _ in range(3)), paid(next(numbers), sorted(before)[0]))

    ids = [unit["id"] for unit in walked(fresh, "/units/order", between=more, order="id", limit=150)]
    assert len(ids) == len(set(ids))
    assert before <= set(ids)


def test_a_listing_sums_to_the_measures(company: Running) -> None:
    """Revenue, attempts and successes of all units are those of the measures, with and without a filter."""
    for filters in ([], ["region:eu-west-1"], ["region!:eu-west-1", "plan:pro,"]):
        units = walked(company, "/units/order", limit=500, filter=filters)
        assert units
        assert all(Decimal(unit["margin"]) == Decimal(unit["revenue"]) - Decimal(unit["cost"]) for unit in units)
        if not filters:
            row = company.get("/query", measure="revenue,attempts,successes")["rows"][0]
            assert sum(Decimal(unit["revenue"]) for unit in units) == Decimal(row["revenue"])
            assert sum(unit["attempts"] for unit in units) == row["attempts"]
            assert sum(unit["successes"] for unit in units) == row["successes"]
        else:
            row = company.get("/query", measure="units", filter=filters)["rows"][0]
            assert len(units) == row["units"]


def test_ids_are_looked_up_by_their_start(company: Running) -> None:
    """Exactly, or those that start so."""
    some = company.get("/units/order", limit=1)["units"][0]["id"]
    assert some in [unit["id"] for unit in walked(company, "/units/order", q=some[:-1], limit=100)]
    assert [unit["id"] for unit in walked(company, "/units/order", q=some)] == [some]
    assert walked(company, "/units/order", q="no such") == []


@pytest.mark.parametrize("odd", ODD)
def test_a_unit_may_be_called_anything(fresh: Running, odd: str) -> None:
    """Its receipt is found under its id, percent-encoded."""
    ingested(fresh, paid(1_000 + ODD.index(odd), odd))
    answer = fresh.send("GET", f"/api/v1/units/order/{quote(odd, safe='').replace('.', '%2E')}")
    assert answer.status == 200, answer.body
    assert answer.body["unit_key"] == odd
    assert [unit["id"] for unit in fresh.get("/units/order", q=odd)["units"]] == [odd]


def test_a_receipt_is_the_command_line_s(company: Running) -> None:
    """To the last digit; one there is not is 404, and so is one the viewer may not see."""
    units = company.get("/units/order", limit=5)["units"]
    for unit in units:
        assert company.get(f"/units/order/{unit['id']}") == verb(company, "receipt", "order", unit["id"])
    others = [unit["id"] for unit in units if unit["segments"]["region"] != "eu-west-1"]
    assert others
    for path in (f"/units/order/{others[0]}", "/units/order/nothing", "/units/nothing/1", "/units/nothing"):
        answer = company.send("GET", f"/api/v1{path}", who="european")
        assert answer.status == 404, path
    european = walked(company, "/units/order", who="european", limit=500)
    assert {unit["segments"]["region"] for unit in european} == {"eu-west-1"}


def test_failures_are_all_failed_attempts_newest_first(company: Running) -> None:
    """As many as the measure says, with amounts for those who may see money, and recovered as the facts say."""
    failures = walked(company, "/failures", limit=7)
    row = company.get("/query", measure="failures,attempts,successes")["rows"][0]
    assert row["failures"] == row["attempts"] - row["successes"]
    assert len(failures) == len({failure["event_id"] for failure in failures}) == row["failures"] > 7
    times = [failure["time"] for failure in failures]
    assert times == sorted(times, reverse=True)
    assert {failure["recovered"] for failure in failures} == {True, False}
    for failure in failures[:40]:
        engine = company.service.intake.settled().result()
        found = receipt(engine, company.service.project.contract, "order", failure["units"]["order"])
        engine.close()
        later = [
            event for event in found.events if event.success and event.event_time.isoformat() > failure["time"][:-1]
        ]
        assert failure["recovered"] == bool(later), failure
    assert company.get("/failures", filter="region:nowhere")["failures"] == []
    seen = company.get("/failures", who="operational", limit=500)["failures"]
    assert all(failure["amounts"] == {} for failure in seen)


def test_failures_name_no_unit_outside_of_one_s_rows(fresh: Running) -> None:
    """The attempt is the viewer's, and the user who opened abroad is not."""
    abroad, failed = paid(3_010, "abroad"), paid(3_011, "tried")
    abroad["data"] |= {"user_id": "u-traveller", "region": "us-east-1"}
    failed |= {"type": "checkout.attempted"}
    failed["data"] |= {"user_id": "u-traveller", "attempt": 1, "method": "card", "outcome": "failure"}
    failed["data"]["intent"] = "tried"
    ingested(fresh, abroad, failed)
    for who, units in (("owner", {"order": "tried", "user": "u-traveller"}), ("european", {"order": "tried"})):
        listed = fresh.get("/failures", who=who, limit=20)["failures"]
        assert [each["units"] for each in listed if each["event_id"] == "more-3011"] == [units], who


def test_units_without_money_are_listed_without_amounts(company: Running) -> None:
    """The latest first, and never in order of what may not be seen."""
    units = walked(company, "/units/order", who="operational", limit=500)
    assert {(unit["revenue"], unit["cost"], unit["margin"]) for unit in units} == {(None, None, None)}
    assert [unit["id"] for unit in units] == [
        unit["id"] for unit in walked(company, "/units/order", order="-last_event", limit=500)
    ]
    answer = company.send("GET", "/api/v1/units/order?order=margin", who="operational")
    assert (answer.status, answer.body["permission"]) == (403, "measures:financial")


def test_amounts_of_a_unit_that_reaches_out_of_one_s_rows_are_not_told(fresh: Running) -> None:
    """Its events of other rows are not the viewer's; a unit within them is listed with what it earned."""
    inside, crossing = paid(3_000, "inside"), paid(3_001, "crossing")
    abroad = paid(3_002, "crossing")
    abroad["time"] = "2026-10-05T23:59:30Z"
    abroad["data"]["region"] = "us-east-1"
    ingested(fresh, inside, crossing, abroad)
    for who in ("european", "owner"):
        (unit,) = fresh.get("/units/order", q="crossing", who=who)["units"]
        assert (unit["margin"] is None) == (who == "european")
        assert fresh.get("/units/order", q="inside", who=who)["units"][0]["margin"] is not None
