"""Stripe's events and objects as facts: each movement of money once, exactly, whatever brings it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.facts.doors.stripe_events import DAY, T0, balance_transaction, charge, dispute, event, invoice, refund, sent

from perunit.contract.door_formats import DOOR_COLUMNS
from perunit.facts.arrivals import DoorError
from perunit.facts.doors.stripe import Reading, StripeFacts, facts_of, parse_event, scale_of
from perunit.facts.stripe_links import table_of

INVOICES = Reading(revenue="invoice")


def rows_of(*bodies: bytes, reading: Reading | None = None) -> dict[str, dict[str, Any]]:
    """The facts of several deliveries by id; two that differ under one id are an error."""
    found: dict[str, dict[str, Any]] = {}
    for body in bodies:
        for row in parse_event(body, reading or Reading()).rows:
            assert found.setdefault(row["id"], row) == row
    return found


def only(body: bytes, reading: Reading | None = None) -> dict[str, Any]:
    """The one fact of a delivery."""
    (row,) = rows_of(body, reading=reading).values()
    return row


def ignored(body: bytes, reading: Reading | None = None) -> str:
    """Why a delivery has no fact."""
    found = parse_event(body, reading or Reading())
    assert not found.rows
    (reason,) = found.ignored
    return reason


def object_facts(*things: object, reading: Reading | None = None) -> StripeFacts:
    """The facts of objects of the API."""
    found = StripeFacts()
    for thing in things:
        facts_of(found, thing, reading or Reading())
    return found


def at(seconds: int) -> datetime:
    """An instant of Stripe's as the store keeps it."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def test_a_captured_charge_is_revenue_and_a_success() -> None:
    """charge.succeeded gives the charge's amount under the charge's id, at the charge's time."""
    row = only(sent("charge.succeeded", charge(), created=T0 + 7))
    assert (row["id"], row["type"], row["outcome"]) == ("ch_1", "stripe.charge", "success")
    assert (row["revenue"], row["currency"], row["time"]) == (Decimal("50.00"), "USD", at(T0))
    assert (row["metadata"], row["customer"], row["charge"]) == ({"order_id": "A1"}, "cus_1", "ch_1")


def test_a_failed_charge_is_an_attempt_without_revenue() -> None:
    """charge.failed counts as a failure; its amount was never earned."""
    failed = charge(status="failed", captured=False, failure_code="card_declined")
    row = only(sent("charge.failed", failed))
    assert (row["outcome"], row["revenue"], row["amount"]) == ("failure", None, Decimal(50))
    assert row["reason"] == "card_declined"


def test_an_authorised_charge_earns_when_it_is_captured_what_is_captured() -> None:
    """Nothing before the capture; then what was captured, of which the rest's release is no refund."""
    held = charge(captured=False, amount_captured=0)
    assert "not captured" in ignored(sent("charge.succeeded", held))
    row = only(sent("charge.captured", charge(amount_captured=3000)))
    assert row["revenue"] == Decimal(30)
    assert "moved no money" in ignored(sent("refund.created", refund(balance_transaction=None)))


def test_several_events_of_one_charge_give_one_fact() -> None:
    """charge.succeeded, its retry and a payment_intent.succeeded that brings the charge are the same fact."""
    whole = {"id": "pi_1", "object": "payment_intent", "latest_charge": charge()}
    listed = {"id": "pi_1", "object": "payment_intent", "charges": {"object": "list", "data": [charge()]}}
    found = rows_of(
        sent("charge.succeeded", charge()),
        sent("charge.succeeded", charge(), created=T0 + 9),
        sent("payment_intent.succeeded", whole),
        sent("payment_intent.succeeded", listed),
    )
    assert list(found) == ["ch_1"]


def test_a_payment_intent_that_only_names_its_charge_says_what_to_send() -> None:
    """A fact with another time than the charge's own would be a second one."""
    assert "send charge.succeeded" in ignored(sent("payment_intent.succeeded", {"object": "payment_intent"}))


def test_each_partial_refund_counts_once_by_its_own_amount() -> None:
    """Of cumulative amounts nothing is taken: each refund is a fact of its own, however often it is told."""
    first, second = refund(1, 1500), refund(2, 500)
    both = {"object": "list", "has_more": False, "data": [second, first]}
    found = rows_of(
        sent("charge.refunded", charge(amount_refunded=1500, refunds={"object": "list", "data": [first]})),
        sent("charge.refunded", charge(amount_refunded=2000, refunds=both)),
        sent("refund.created", first),
        sent("refund.updated", second),
        sent("charge.refund.updated", second),
    )
    assert {id_: row["refund"] for id_, row in found.items()} == {"re_1": Decimal(15), "re_2": Decimal(5)}
    assert {row["follows"] for row in found.values()} == {"ch_1"}


def test_a_refunded_charge_that_names_no_refund_says_what_to_send() -> None:
    """The newer API says only how much was refunded in all, which is no fact that could be told from another."""
    assert "send refund.created" in ignored(sent("charge.refunded", charge(amount_refunded=1500)))


def test_a_failed_refund_is_taken_back_when_it_failed() -> None:
    """The refund and its taking back are two facts, told apart in any order and however often."""
    failed = refund(status="failed", failure_reason="declined")
    later = T0 + 14 * DAY
    found = rows_of(
        sent("refund.failed", failed, created=later),
        sent("refund.updated", failed, created=later + 1),
        sent("charge.refund.updated", failed, created=later + 2),
        sent("refund.created", refund(status="pending", balance_transaction=None)),
    )
    assert {id_: row["refund"] for id_, row in found.items()} == {"re_1": Decimal(20), "re_1:failed": Decimal(-20)}
    assert found["re_1:failed"]["time"] == at(later)
    assert found["re_1"]["time"] == at(T0 + 10 * DAY)


def test_a_dispute_takes_money_and_a_fee_and_gives_back_what_was_won() -> None:
    """All of a dispute's events bring the same movements, each on the day it was booked."""
    found = rows_of(
        sent("charge.dispute.created", dispute()),
        sent("charge.dispute.funds_withdrawn", dispute()),
        sent("charge.dispute.closed", dispute(won=True)),
        sent("charge.dispute.funds_reinstated", dispute(won=True)),
    )
    sums = {id_: (row["refund"], row["fee"], row["time"]) for id_, row in found.items()}
    assert sums == {
        "txn_du1": (Decimal(50), None, at(T0 + 20 * DAY)),
        "txn_du1:fee": (None, Decimal(15), at(T0 + 20 * DAY)),
        "txn_du1_won": (Decimal(-50), None, at(T0 + 60 * DAY)),
        "txn_du1_won:fee": (None, Decimal(-15), at(T0 + 60 * DAY)),
    }
    assert {row["charge"] for row in found.values()} == {"ch_1"}


def test_an_inquiry_has_taken_nothing() -> None:
    """A dispute without balance transactions is no fact yet."""
    assert "taken no money" in ignored(sent("charge.dispute.created", dispute(balance_transactions=[])))


def test_balance_transactions_of_the_api_are_the_facts_of_the_webhook() -> None:
    """A dispute's movement in a list of balance transactions is the very fact that the event brought."""
    by_event = rows_of(sent("charge.dispute.created", dispute()))
    listed = object_facts({"object": "list", "data": dispute()["balance_transactions"]})
    shown = ("id", "time", "type", "refund", "fee", "currency")
    told = [[row[name] for name in shown] for row in listed.rows]
    assert told == [[row[name] for name in shown] for row in by_event.values()]


def test_fees_come_from_balance_transactions() -> None:
    """A charge's fee, a refund's, and those that are nothing but fee; what is no fee is another object's amount."""
    found = object_facts(
        balance_transaction("txn_1", 5000, 175, "ch_1", "charge"),
        balance_transaction("txn_2", -2000, 0, "re_1", "refund"),
        balance_transaction("txn_3", -230, 0, "", "stripe_fee"),
        balance_transaction("txn_4", -230, 0, "", "fee"),
        balance_transaction("txn_5", -4000, 0, "po_1", "payout"),
    )
    assert {row["id"]: row["fee"] for row in found.rows} == {
        "txn_1:fee": Decimal("1.75"),
        "txn_3:fee": Decimal("2.30"),
        "txn_4:fee": Decimal("2.30"),
    }
    assert [row["follows"] for row in found.rows] == ["ch_1", None, None]
    assert sum(found.ignored.values()) == 2


def test_a_charge_that_brings_its_balance_transaction_gives_the_fee_too() -> None:
    """One event, two facts: the fee is that which a list of balance transactions would bring."""
    whole = balance_transaction("txn_1", 5000, 175, "ch_1", "charge")
    found = rows_of(sent("charge.succeeded", charge(balance_transaction=whole)))
    assert found["ch_1"]["revenue"] == Decimal(50)
    assert found["txn_1:fee"]["fee"] == Decimal("1.75")
    (alone,) = object_facts(whole).rows
    assert [alone[name] for name in ("id", "time", "fee", "charge")] == [
        found["txn_1:fee"][name] for name in ("id", "time", "fee", "charge")
    ]


def test_an_invoice_earns_where_the_contract_says_so() -> None:
    """Revenue before discounts and without tax; the subscription's metadata is the invoice's too."""
    row = only(sent("invoice.paid", invoice()), INVOICES)
    sums = {name: row[name] for name in ("revenue", "discount", "tax", "amount")}
    assert sums == {
        "revenue": Decimal(100),
        "discount": Decimal(10),
        "tax": Decimal("17.10"),
        "amount": Decimal("107.10"),
    }
    assert (row["subscription"], row["metadata"], row["time"]) == ("sub_1", {"plan": "pro"}, at(T0))
    assert row == only(sent("invoice.payment_succeeded", invoice()), INVOICES)


def test_nothing_is_earned_twice() -> None:
    """Charges earn or invoices do, never both; what does not is ignored with the reason."""
    assert "taken from charges" in ignored(sent("invoice.paid", invoice()))
    assert "taken from invoices" in ignored(sent("charge.succeeded", charge()), INVOICES)


def test_invoices_in_the_older_shape_are_read_too() -> None:
    """Tax, subscription and its metadata stood elsewhere before."""
    old = invoice(parent=None, subscription="sub_2", subscription_details={"metadata": {"plan": "lite"}}, tax=710)
    row = only(sent("invoice.paid", old), INVOICES)
    assert (row["subscription"], row["tax"], row["metadata"]) == ("sub_2", Decimal("7.10"), {"plan": "lite"})


@pytest.mark.parametrize(
    ("currency", "minor", "major"),
    [
        ("usd", 1050, "10.50"),
        ("jpy", 500, "500"),
        ("kwd", 5120, "5.120"),
        ("isk", 500, "5.00"),
        ("ugx", 500, "5.00"),
        ("huf", 1045, "10.45"),
        ("twd", 1045, "10.45"),
        ("mga", 500, "500"),
        ("usd", 999_999_999_999_999, "9999999999999.99"),
    ],
)
def test_amounts_are_exact_in_every_currency(currency: str, minor: int, major: str) -> None:
    """The minor unit is Stripe's, special cases and all."""
    row = only(sent("charge.succeeded", charge(amount=minor, currency=currency)))
    assert (row["revenue"], row["currency"]) == (Decimal(major), currency.upper())


@given(amount=st.integers(-(10**15) + 1, 10**15 - 1), currency=st.sampled_from(["USD", "JPY", "KWD", "ISK"]))
def test_minor_units_come_back_to_the_last_digit(amount: int, currency: str) -> None:
    """Scaling is exact for every amount that is let in."""
    row = only(sent("charge.succeeded", charge(amount=amount, currency=currency.lower())))
    assert row["revenue"] * 10 ** scale_of(currency) == amount


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"amount_captured": "5000"}, "amount_captured: got '5000', must be a whole number of minor units"),
        ({"amount_captured": 50.5}, "amount_captured: got 50.5"),
        ({"amount": True}, "amount: got True"),
        ({"amount": 10**15}, "below 10^15"),
        ({"currency": None}, "currency: got nothing"),
        ({"currency": "dollar"}, "must be three letters"),
        ({"created": "yesterday"}, "created: got 'yesterday'"),
        ({"created": -1}, "created: got -1"),
        ({"id": ""}, "id: got nothing"),
    ],
)
def test_an_object_that_cannot_be_read_is_a_row_to_refuse(broken: dict[str, Any], says: str) -> None:
    """It names the field, the value and what must be, and keeps the object as it came; nothing of it counts."""
    found = parse_event(sent("charge.succeeded", charge() | broken), Reading())
    (row,) = found.rows
    assert says in row["fault"]
    assert not found.known
    assert json.loads(row["object"])["object"] == "charge"
    assert all(row[name] is None for name in ("revenue", "refund", "fee", "time"))


def test_the_other_mode_is_refused() -> None:
    """A test event among live ones must never count."""
    live = Reading(livemode=True)
    assert parse_event(sent("charge.succeeded", charge()), live).rows
    with pytest.raises(DoorError, match="must be True"):
        parse_event(sent("charge.succeeded", charge(), livemode=False), live)
    (row,) = object_facts(charge(livemode=False), reading=live).rows
    assert "livemode: got False" in row["fault"]


@pytest.mark.parametrize("type_", ["payout.paid", "customer.created", "charge.updated", "charge.pending", ""])
def test_other_events_are_ignored_by_name(type_: str) -> None:
    """They are counted by their type, with nothing taken from them."""
    found = parse_event(sent(type_, charge()), Reading())
    assert found.ignored == {f"{type_}: is no fact": 1}
    assert not found.rows
    assert not found.known


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"object": "charge"}', b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_event_is_refused(body: bytes) -> None:
    """With a reason that can be shown to its sender."""
    with pytest.raises(DoorError, match="send what Stripe sent"):
        parse_event(body, Reading())


def test_metadata_without_keys_may_come_as_an_empty_list() -> None:
    """As some libraries write an empty object."""
    assert only(sent("charge.succeeded", charge(metadata=[])))["metadata"] == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
THINGS = [charge(), refund(), dispute(won=True), invoice(), balance_transaction("txn_1", 1, 2, "ch_1", "charge")]
TYPES = ["charge.succeeded", "charge.refunded", "refund.failed", "charge.dispute.closed", "invoice.paid"]


@given(data=st.data(), thing=st.sampled_from(THINGS), type_=st.sampled_from(TYPES), revenue=st.booleans())
def test_no_object_breaks_the_parser(data: st.DataObject, thing: dict[str, Any], type_: str, revenue: bool) -> None:
    """Whatever stands in whichever field, every row has every column and either a fault or an exact amount."""
    name = data.draw(st.sampled_from(sorted(thing)))
    changed = thing | {name: data.draw(JSON)}
    reading = INVOICES if revenue else Reading()
    found = parse_event(sent(type_, changed), reading)
    facts_of(found, changed, reading)
    assert table_of(found.rows).num_rows == len(found.rows)
    for row in found.rows:
        assert list(row) == list(DOOR_COLUMNS["stripe"])
        assert (row["fault"] is None) == (row["time"] is not None)
        assert row["fault"] or isinstance(row["amount"], Decimal)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(body: bytes) -> None:
    """Bytes are a refusal, or ignored; never an error of the program."""
    with suppress(DoorError):
        assert not parse_event(body, Reading()).rows


def test_a_list_and_events_may_stand_where_an_object_may() -> None:
    """A file of events, or of a list as the API gives it, is read like its objects."""
    listed = object_facts({"object": "list", "data": [charge(1), event("charge.succeeded", charge(2)), "no object"]})
    assert [row["id"] for row in listed.rows] == ["ch_1", "ch_2", None]
    assert listed.rows[2]["fault"]
