"""An explanation's parts make up its value, and a bridge leads from one page's number to another's."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from perunit.model.money import divide, exact

if TYPE_CHECKING:
    from tests.faces.api.v1.conftest import Running

WINDOW = {"from": "2026-09-25", "to": "2026-10-03"}
WITHOUT_PARTS = {"latency_ms_p50", "latency_ms_p95", "latency_ms_p99", "cost_per_unit_stddev"}


def recomputed(parts: list[dict[str, Any]]) -> Decimal | None:
    """What the parts come to, as docs/api.md says."""

    def known(sign: str) -> list[Decimal]:
        return [Decimal(part["value"]) for part in parts if part["sign"] == sign and part["value"] is not None]

    with exact():
        if factors := known("*"):
            above: Decimal | None = Decimal(1)
            for factor in factors:
                above *= factor
        elif known("+") or known("-"):
            above = sum(known("+"), Decimal(0)) - sum(known("-"), Decimal(0))
        else:
            above = None
        below = [part for part in parts if part["sign"] == "/"]
    if not below:
        return above
    return divide(above, None if below[0]["value"] is None else Decimal(below[0]["value"]))


def test_the_parts_of_every_measure_make_up_its_value(company: Running) -> None:
    """Of each measure there is, with and without a filter: the value is that of the query, to the last digit."""
    for measure in company.get("/measures"):
        name = measure["name"]
        for filters in ([], [] if name == "reconciliation_score" else ["region:eu-west-1"]):
            found = company.get("/explain", measure=name, filter=filters, **WINDOW)
            row = company.get("/query", measure=name, filter=filters, **WINDOW)["rows"][0]
            assert found["value"] == row[name]
            assert (found["status"], found["complete"]) == (row["status"], row["complete"])
            assert found["formula"] == measure["formula"]
            assert found["filters"] == filters
            if name in WITHOUT_PARTS:
                assert found["parts"] == []
            elif found["value"] is not None:
                assert recomputed(found["parts"]) == Decimal(found["value"]), (name, found["parts"])


def test_a_part_that_is_a_measure_is_explained_in_turn(company: Running) -> None:
    """With the same value, down to sums."""
    waiting, seen = ["fully_loaded_margin_per_unit"], set()
    while waiting:
        name = waiting.pop()
        for part in company.get("/explain", measure=name, **WINDOW)["parts"]:
            if part["measure"] and part["name"] not in seen:
                seen.add(part["name"])
                assert company.get("/explain", measure=part["name"], **WINDOW)["value"] == part["value"]
                waiting.append(part["name"])
    assert {"contribution_margin", "revenue", "fees", "usage_cost"} <= seen


def test_an_explanation_says_what_it_rests_on(company: Running) -> None:
    """The facts behind it, the price books in force, whether its bills are closed."""
    found = company.get("/explain", measure="contribution_margin", **WINDOW)
    events = company.get("/query", measure="events", **WINDOW)
    assert found["rows"] == events["rows"][0]["events"]
    assert found["freshness"] == events["freshness"]
    assert [f"{book['book']}@{book['version']}" for book in found["price_books"]] == events["price_books"]
    score = company.get("/query", measure="reconciliation_score", **WINDOW)["rows"][0]["reconciliation_score"]
    assert found["reconciliation"] == {"status": "open", "score": score}
    answer = company.send("GET", "/api/v1/explain?measure=units,revenue")
    assert answer.body["detail"].startswith("measure: got 2, must be one")


@pytest.mark.parametrize("mix", [None, "region", "release", "channel"])
@pytest.mark.parametrize("unit", ["order", "user"])
def test_a_bridge_leads_from_one_margin_to_the_other(company: Running, unit: str, mix: str | None) -> None:
    """Both margins are those of the query; the steps between sum to the difference, to the last digit."""
    for window in (
        {"from": "2026-09-29", "to": "2026-10-02"},
        {"from": "2026-09-30", "to": "2026-10-04", "compare": "custom", "compare_from": "2026-09-24",
         "compare_to": "2026-09-26"},
    ):  # fmt: skip
        asked = {"compare": "previous"} | window | {"unit": unit, "filter": "plan:pro,free"}
        bridge = company.get("/bridge", mix=mix, **asked)
        row = company.get("/query", measure="contribution_margin", **asked)["rows"][0]
        assert Decimal(bridge["before"]) == Decimal(row["contribution_margin_before"])
        assert Decimal(bridge["after"]) == Decimal(row["contribution_margin"])
        with exact():
            steps = sum((Decimal(step["amount"]) for step in bridge["steps"]), Decimal(0))
            assert Decimal(bridge["before"]) + steps == Decimal(bridge["after"])
        assert ("mix" in [step["name"] for step in bridge["steps"]]) == (mix is not None)


def test_an_explanation_says_no_more_than_one_may_see(company: Running) -> None:
    """Nothing of money or prices to whom those are closed, and of some rows only these."""
    found = company.get("/explain", measure="success_rate", who="operational", **WINDOW)
    assert found["price_books"] == []
    assert found["reconciliation"] in (None, {"status": "open", "score": None})
    for path in ("/explain?measure=revenue", "/bridge?from=2026-09-29&to=2026-10-02"):
        answer = company.send("GET", f"/api/v1{path}", who="operational")
        assert (answer.status, answer.body["permission"]) == (403, "measures:financial")
    seen = company.get("/explain", measure="revenue", who="european", **WINDOW)
    whole = company.get("/explain", measure="revenue", filter="region:eu-west-1", **WINDOW)
    assert [seen[name] for name in ("value", "parts", "rows")] == [whole[name] for name in ("value", "parts", "rows")]
