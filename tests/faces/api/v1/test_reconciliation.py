"""Billing periods over HTTP are those of the command line, and what is decided there is decided here."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from .workplace import office, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Running

MONTH = "2026-09"
SEEN_WHOLE = ("/reconciliation", "/reconciliation/periods", "/charges", "/restatements", "/reconciliation/entries")


@pytest.fixture(scope="module")
def books(studio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The company with its invoices, for decisions."""
    with office(studio, tmp_path_factory.mktemp("books")) as found:
        yield found


def enter(books: Running, **said: object) -> object:
    """The status and body of a decision."""
    answer = books.send("POST", "/api/v1/reconciliation/entries", body=said)
    return answer.status, answer.body


def test_a_period_is_as_the_command_line_says(books: Running) -> None:
    """Everything of `perunit reconcile --variance --json`, with variances only where they are asked for."""
    for period in (MONTH, "2026-10"):
        said = told(books, "reconcile", "--period", period, "--variance", code=None)
        whole = books.get("/reconciliation", period=period, variance=True)
        assert {name: whole[name] for name in said} == said
        assert said["variances"]
        assert books.get("/reconciliation", period=period) == whole | {"variances": []}


def test_variances_are_summed_by_meter_service_and_day(books: Running) -> None:
    """Each way sums to the same, by cause too."""
    whole = books.get("/reconciliation", period=MONTH, variance=True)
    total = sum(Decimal(each["variance"]) for each in whole["variances"])
    for way in ("variance_by_meter", "variance_by_service", "variance_by_day"):
        assert sum(Decimal(each["variance"]) for each in whole[way]) == total
        for each in whole[way]:
            assert sum(map(Decimal, each["parts"].values())) == Decimal(each["variance"])
    charged = {cost["service_name"] for score in whole["scores"] for cost in score["costs"]}
    named = {each["key"] for each in whole["variance_by_service"]} - {None}
    assert named
    assert named <= charged


def test_a_bridge_leads_from_computed_cost_to_the_invoice(books: Running) -> None:
    """To the last digit."""
    for bridge in books.get("/reconciliation", period=MONTH)["bridges"]:
        steps = sum(Decimal(step["amount"]) for step in bridge["steps"])
        assert Decimal(bridge["computed"]) + steps == Decimal(bridge["end"])
        assert bridge["open"] == "0"


def test_periods_say_whether_they_tie_out(books: Running) -> None:
    """The latest first, each as it is by itself."""
    found = books.get("/reconciliation/periods")["periods"]
    assert [each["period"] for each in found] == ["2026-10", "2026-09"]
    for each in found:
        alone = books.get("/reconciliation", period=each["period"])
        assert (each["status"], each["verdict"]) == (alone["status"], alone["verdict"])
        assert each["totals"][0]["difference"] == alone["invoices"][0]["difference"]


def test_charges_come_in_pages_that_are_the_whole_bill(books: Running) -> None:
    """Each line once; those that no one bears come to what the unallocated cost is."""
    lines, after = [], None
    while True:
        page = books.get("/charges", period=MONTH, limit=50, after=after)
        lines += page["charges"]
        if (after := page["next"]) is None:
            break
    assert len({(line["bill_id"], line["line"]) for line in lines}) == len(lines) == page["totals"][0]["lines"]
    bills = [bill for bill in told(books, "bills", "list") if bill["in_force"]]
    september = [bill for bill in bills if bill["billing_period_start"].startswith(MONTH)]
    billed = sum(Decimal(bill["billed_cost"]) for bill in september)
    assert sum(Decimal(line["billed_cost"]) for line in lines) == billed
    unmatched = books.get("/charges", period=MONTH, unmatched=True)
    assert unmatched["charges"]
    assert all("unallocated" in line["kinds"] and line["reasons"] for line in unmatched["charges"])
    unallocated = sum(Decimal(bill["billed_by_kind"]["unallocated"]) for bill in september)
    assert sum(Decimal(each["billed_cost"]) for each in unmatched["totals"]) == unallocated


def test_a_cursor_that_is_none_is_refused(books: Running) -> None:
    """Whatever is in it."""
    for after in ("x", "W10", "WyJhIiwxXQ", "Wy0xLDFd"):
        assert books.send("GET", f"/api/v1/charges?after={after}").status == 400


def test_decisions_are_those_of_the_command_line(books: Running) -> None:
    """Adjusted, accepted, reversed: the command line sees each, with who asked as its actor."""
    (invoice,) = {each["invoice_id"] for each in books.get("/reconciliation", period=MONTH)["invoices"]}
    status, made = enter(books, kind="adjust", invoice=invoice, amount="12.50", cause="missing", reason="a line")
    assert status == 201
    left = Decimal(made["difference"])
    status, accepted = enter(books, kind="accept", invoice=invoice, reason="not ours")
    assert (status, accepted["difference"]) == (201, "0")
    assert Decimal(accepted["entry"]["amount"]) == -left
    number = accepted["entry"]["entry_id"]
    taken = books.send("DELETE", f"/api/v1/reconciliation/entries/{number}", body={"reason": "it is ours"})
    assert (taken.status, taken.body["entry"]["reverses"]) == (200, number)
    entries = told(books, "reconcile", "entries")
    assert [entry["kind"] for entry in entries] == ["adjust", "accept", "reverse"]
    assert {entry["actor"] for entry in entries} == {"owner"}
    assert books.get("/reconciliation/entries") == entries
    assert books.get("/reconciliation", period=MONTH)["entries"] == entries


def test_a_refused_decision_leaves_nothing(books: Running) -> None:
    """Without a reason, an invoice, an amount; twice reversed; of a period that does not tie out; by who may not."""
    before = (told(books, "reconcile", "entries"), told(books, "reconcile", "locks"))
    (invoice,) = {each["invoice_id"] for each in books.get("/reconciliation", period=MONTH)["invoices"]}
    good = {"kind": "accept", "invoice": invoice, "reason": "fine"}
    for change, expected in (
        ({"reason": "  "}, 422), ({"invoice": "NO-1"}, 400), ({"kind": "adjust"}, 400), ({"cause": "whim"}, 422),
        ({"kind": "adjust", "amount": "0"}, 400), ({"kind": "adjust", "amount": "NaN"}, 400), ({"actor": "eve"}, 422),
        ({"kind": "adjust", "amount": "1e-30"}, 400),
    ):  # fmt: skip
        assert enter(books, **(good | change))[0] == expected, change
    for number, expected in ((before[0][1]["entry_id"], 400), (77, 404)):
        path = f"/api/v1/reconciliation/entries/{number}"
        assert books.send("DELETE", path, body={"reason": "again"}).status == expected
    lock = {"period": MONTH, "reason": "month-end"}
    refused = books.send("POST", "/api/v1/reconciliation/locks", body=lock)
    assert refused.status == 409
    assert "does not tie out" in refused.body["detail"]
    for path, body in (("entries", good), ("locks", lock)):
        for who in ("nobody", "european"):
            assert books.send("POST", f"/api/v1/reconciliation/{path}", body=body, who=who).status == 403
    assert (told(books, "reconcile", "entries"), told(books, "reconcile", "locks")) == before


def test_a_locked_period_tells_of_every_later_change(books: Running) -> None:
    """A lock is the command line's, and so is what has changed since."""
    (invoice,) = {each["invoice_id"] for each in books.get("/reconciliation", period=MONTH)["invoices"]}
    assert books.get("/restatements") == {"restatements": []}
    assert enter(books, kind="accept", invoice=invoice, reason="rounding")[0] == 201
    made = books.send("POST", "/api/v1/reconciliation/locks", body={"period": MONTH, "reason": "month-end"})
    assert made.status == 201
    assert told(books, "reconcile", "locks") == [made.body] == books.get("/reconciliation/locks")
    assert books.get("/reconciliation", period=MONTH)["status"] == "closed"
    assert enter(books, kind="adjust", invoice=invoice, amount="3", reason="late line")[0] == 201
    changed = books.get("/restatements", period=MONTH)
    assert changed == told(books, "restatements", "--period", MONTH)
    assert changed["restatements"][-1]["differences"]


@pytest.mark.parametrize("path", SEEN_WHOLE)
def test_figures_of_all_segments_are_for_who_sees_all(books: Running, path: str) -> None:
    """Neither without the permission nor with some rows only."""
    for who in ("nobody", "european"):
        assert books.send("GET", f"/api/v1{path}", who=who).status == 403


def test_parameters_that_fit_nothing_are_told_apart_from_faults(books: Running) -> None:
    """A month that is none, a currency that is none, a period without bills."""
    for path in ("/reconciliation?period=9999-12", "/reconciliation?period=x", "/reconciliation?currency=x"):
        assert books.send("GET", f"/api/v1{path}").status == 400, path
    assert books.get("/reconciliation", period="2020-01")["verdict"] == "inconclusive"
