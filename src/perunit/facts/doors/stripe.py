"""Stripe's objects as facts. Enters: the body of a webhook, or an object of the API. Leaves: rows of the format
``stripe`` (see `DOOR_COLUMNS`), what is known of charges, and why an object is no fact.

One event may give several facts, and several events the same one: a fact's id is that of the Stripe object behind it
(``ch_…``, ``re_…``, ``txn_…``), and nothing of it is taken from the event that brought it. So deliveries may come in
any order and any number of times, and the API's lists and export files of the same objects add nothing.

What money moved is what Stripe's objects say: a charge earns when it is captured, a refund is a fact of its own
when it is made, a dispute is what its balance transactions took and gave back, a fee is a balance transaction's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from perunit.contract.door_formats import DOOR_COLUMNS
from perunit.facts.arrivals import DoorError
from perunit.model.window import naive

if TYPE_CHECKING:
    from perunit.contract.shape import Stripe

__all__ = ["Reading", "StripeFacts", "facts_of", "parse_event", "reading_of", "scale_of"]

_COLUMNS = DOOR_COLUMNS["stripe"]

# Stripe's amounts are integers in a currency's minor unit; these have none, or three places. It is Stripe's own list:
# MGA has a minor unit by ISO 4217 and none here. ISK and UGX have none by now but keep two places in amounts, as do
# HUF and TWD, which have none in payouts only. Source: https://docs.stripe.com/currencies#minor-units.
_ZERO_PLACES = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THREE_PLACES = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
_AMOUNT_MAX = 10**15


@dataclass(frozen=True, slots=True)
class Reading:
    """How Stripe is read: which objects earn, and whether only live (or only test) ones are let in."""

    revenue: Literal["charge", "invoice"] = "charge"
    livemode: bool | None = None


def reading_of(block: Stripe | None) -> Reading:
    """What the contract says of it."""
    return Reading(block.revenue, block.livemode) if block else Reading()


@dataclass(slots=True)
class StripeFacts:
    """`rows` are dicts of the format's columns. `known` tells of objects: {object, charge, created, …} of a charge, or
    only {object, charge} of what follows one. `ignored` counts objects that are no fact, by the reason.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    known: list[dict[str, Any]] = field(default_factory=list)
    ignored: dict[str, int] = field(default_factory=dict)

    def ignore(self, reason: str) -> None:
        """Counts one object that is no fact."""
        self.ignored[reason] = self.ignored.get(reason, 0) + 1


class _UnreadableError(ValueError):
    """What is wrong with an object, in words."""


def scale_of(currency: str) -> int:
    """How many decimal places the minor unit of a currency (in capitals) stands for in Stripe's amounts."""
    if currency in _ZERO_PLACES:
        return 0
    return 3 if currency in _THREE_PLACES else 2


def parse_event(body: bytes, reading: Reading) -> StripeFacts:
    """The facts of a webhook's event. Raises DoorError (400) for a body that is no event of this account's mode."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DoorError(400, "Not a Stripe event", f"the body is no JSON ({error}); send what Stripe sent") from error
    if not isinstance(event, dict) or not str(event.get("object", "")).endswith("event"):
        raise DoorError(400, "Not a Stripe event", "the body has no object 'event'; send what Stripe sent")
    if reading.livemode is not None and event.get("livemode") is not reading.livemode:
        detail = f"livemode == {event.get('livemode')!r}, must be {reading.livemode}; "
        raise DoorError(400, "Other mode", detail + "point the other mode's endpoint elsewhere, or set stripe.livemode")
    found = StripeFacts()
    _take_event(found, event, reading)
    return found


def facts_of(found: StripeFacts, thing: object, reading: Reading) -> None:
    """Adds what one object of the API (or a list of them, or an event) says to `found`.

    An object that cannot be read becomes a row that has nothing but `fault`, which the load refuses.
    """
    if not isinstance(thing, dict):
        found.rows.append(_faulty(thing, "must be one Stripe object"))
        return
    kind = str(thing.get("object"))
    if kind == "list":
        data = thing.get("data")
        for each in data if isinstance(data, list) else ():
            facts_of(found, each, reading)
    elif kind == "event":
        _take_event(found, thing, reading)
    else:
        _take_object(found, _Object(thing), reading)


def _take_event(found: StripeFacts, event: dict[str, Any], reading: Reading) -> None:
    name = str(event.get("type"))[:100]
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if name not in _EVENTS or not isinstance(thing, dict):
        found.ignore(f"{name}: is no fact")
        return
    event_ = _Object(event)
    of_event = {"account": event_.text_or_none("account"), "livemode": event.get("livemode")}
    _take_object(found, _Object(of_event | thing, name, event_), reading)


# Other events (charge.updated, payment_intent.created …) say nothing that these do not.
_EVENTS = frozenset(
    {
        "charge.succeeded",
        "charge.captured",
        "charge.failed",
        "charge.refunded",
        "charge.refund.updated",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
    }
)


class _Object:
    """Typed access to a Stripe object; `event` is the name of the event that brought it, None outside of one."""

    def __init__(self, values: dict[str, Any], event: str | None = None, envelope: _Object | None = None) -> None:
        self.values, self.event, self.envelope = values, event, envelope

    def get(self, name: str) -> Any:
        return self.values.get(name)

    def text(self, name: str) -> str:
        found = self.text_or_none(name)
        if found is None:
            raise _UnreadableError(f"{name}: got nothing, must be there; send the whole object")
        return found

    def text_or_none(self, name: str) -> str | None:
        value = self.values.get(name)
        return _plain(value) if isinstance(value, str) and value else None

    def reference(self, name: str) -> str | None:
        """The id of another object, which may stand there whole."""
        value = self.values.get(name)
        return _Object(value).text_or_none("id") if isinstance(value, dict) else self.text_or_none(name)

    def inner(self, name: str) -> _Object:
        value = self.values.get(name)
        return _Object(value if isinstance(value, dict) else {})

    def inners(self, name: str) -> list[_Object] | None:
        """Objects of a list (plain, or Stripe's list object that holds all); None where they are not there."""
        value = self.values.get(name)
        if isinstance(value, dict):
            value = None if value.get("has_more") else value.get("data")
        return [_Object(each) for each in value if isinstance(each, dict)] if isinstance(value, list) else None

    def currency(self) -> str:
        value = self.text("currency").upper()
        if not (len(value) == 3 and value.isascii() and value.isalpha()):
            raise _UnreadableError(f"currency: got {value[:20]!r}, must be three letters; correct it")
        return value

    def money(self, name: str) -> Decimal:
        """An amount in major units, exactly."""
        value = self.values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= _AMOUNT_MAX:
            got = repr(value)[:40]
            raise _UnreadableError(f"{name}: got {got}, must be a whole number of minor units below 10^15; correct it")
        return Decimal(value).scaleb(-scale_of(self.currency()))

    def time(self, name: str) -> datetime:
        value = self.values.get(name)
        if isinstance(value, datetime):
            return value
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _SECONDS_MAX:
            raise _UnreadableError(f"{name}: got {repr(value)[:40]}, must be a time in seconds since 1970; correct it")
        return datetime.fromtimestamp(value, UTC)

    def metadata(self) -> dict[str, str]:
        value = self.values.get("metadata")
        found = value if isinstance(value, dict) else {}
        return {_plain(str(key)): _plain(str(each)) for key, each in found.items() if each is not None}


def _plain(text: str) -> str:
    """JSON may name half of a character, which no column can hold; it is spelt out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


_SECONDS_MAX = 253_402_300_800


def _take_object(found: StripeFacts, thing: _Object, reading: Reading) -> None:
    kind = str(thing.get("object"))[:100]
    taker = _TAKERS.get(kind)
    if taker is None:
        found.ignore(f"{kind}: is no fact")
        return
    rows, known = len(found.rows), len(found.known)
    try:
        _check_mode(thing, reading)
        taker(found, thing, reading)
    except _UnreadableError as error:
        # All of an object or nothing of it.
        del found.rows[rows:], found.known[known:]
        found.rows.append(_faulty(thing.values, f"{kind} {error}"))


def _check_mode(thing: _Object, reading: Reading) -> None:
    mode = thing.get("livemode")
    if reading.livemode is not None and mode is not None and mode is not reading.livemode:
        mend = "leave the other mode's objects out, or set stripe.livemode"
        raise _UnreadableError(f"livemode: got {mode}, must be {reading.livemode}; {mend}")


def _faulty(values: object, fault: str) -> dict[str, Any]:
    """A row that the load refuses, with the object as it came."""
    id_ = _Object(values).text_or_none("id") if isinstance(values, dict) else None
    came = json.dumps(values, default=str)
    return dict.fromkeys(_COLUMNS) | {"id": id_, "metadata": {}, "fault": fault, "object": came}


def _row(thing: _Object, type_: str, id_: str, time: datetime, **values: Any) -> dict[str, Any]:
    """One fact; of the object it takes what tells to whom it belongs."""
    mode = thing.get("livemode")
    own = {
        "id": id_,
        "time": naive(time),
        "type": type_,
        "currency": thing.currency(),
        "charge": thing.reference("charge"),
        "payment_intent": thing.reference("payment_intent"),
        "invoice": thing.reference("invoice"),
        "customer": thing.reference("customer"),
        "account": thing.text_or_none("account"),
        "livemode": mode if isinstance(mode, bool) else None,
        "metadata": thing.metadata(),
    }
    return dict.fromkeys(_COLUMNS) | own | values


def _charge(found: StripeFacts, thing: _Object, reading: Reading) -> None:
    id_, created = thing.text("id"), thing.time("created")
    found.known.append(
        {
            "object": id_,
            "charge": id_,
            "created": naive(created),
            "payment_intent": thing.reference("payment_intent"),
            "invoice": thing.reference("invoice"),
            "customer": thing.reference("customer"),
            "metadata": thing.metadata(),
        }
    )
    if thing.event == "charge.refunded":
        _refunds_of_charge(found, thing, reading)
        return
    if not isinstance(thing.get("balance_transaction"), str):
        _expanded_transaction(found, thing, id_, reading)
    status = thing.text_or_none("status")
    failed = status == "failed"
    if reading.revenue == "invoice":
        found.ignore("charge: revenue is taken from invoices (stripe.revenue)")
    elif not failed and (status != "succeeded" or thing.get("captured") is False):
        found.ignore("charge: is pending or not captured, so nothing is earned yet")
    else:
        earned = "amount_captured" if thing.get("amount_captured") is not None else "amount"
        found.rows.append(
            _row(
                thing,
                "stripe.charge",
                id_,
                created,
                outcome="failure" if failed else "success",
                amount=thing.money("amount"),
                revenue=None if failed else thing.money(earned),
                charge=id_,
                charged_at=naive(created),
                reason=thing.text_or_none("failure_code"),
            )
        )


def _refunds_of_charge(found: StripeFacts, thing: _Object, reading: Reading) -> None:
    """Older versions of the API list a charge's refunds in it; the newer say only how much there was in all."""
    refunds = thing.inners("refunds")
    if refunds is None:
        found.ignore("charge.refunded: names no refund; send refund.created, refund.updated and refund.failed")
    about = {"object": "refund", "charge": thing.get("id")} | _inherited(thing)
    for refund in refunds or ():
        _take_object(found, _Object(about | refund.values), reading)


def _inherited(thing: _Object) -> dict[str, Any]:
    """What an object within another, or in an event, does not say of itself."""
    return {name: thing.get(name) for name in ("account", "livemode")}


def _refund(found: StripeFacts, thing: _Object, reading: Reading) -> None:  # noqa: ARG001 - as all takers
    id_, charge = thing.text("id"), thing.reference("charge")
    if charge:
        found.known.append({"object": id_, "charge": charge})
    status = thing.text_or_none("status")
    if status == "succeeded" and thing.values.get("balance_transaction", "") is None:
        # What was authorised and not captured is given back as a refund too.
        found.ignore("refund: moved no money (it releases what was not captured)")
        return
    amount = thing.money("amount")
    shared = {"amount": amount, "reason": thing.text_or_none("reason"), "follows": charge}
    found.rows.append(_row(thing, "stripe.refund", id_, thing.time("created"), refund=amount, **shared))
    if failed_at := _failed_at(thing, status):
        shared["reason"] = thing.text_or_none("failure_reason")
        found.rows.append(_row(thing, "stripe.refund_failed", f"{id_}:failed", failed_at, refund=-amount, **shared))


def _failed_at(thing: _Object, status: str | None) -> datetime | None:
    """When a refund failed, which only its own event knows; an object by itself says only that it did.

    Of several events that tell of the failure, one is taken, for their times may differ.
    """
    if status not in {"failed", "canceled"}:
        return None
    if thing.envelope is None:
        return thing.time("created")
    telling = "refund.failed" if status == "failed" else "refund.updated"
    return thing.envelope.time("created") if thing.event == telling else None


def _dispute(found: StripeFacts, thing: _Object, reading: Reading) -> None:
    id_, charge = thing.text("id"), thing.reference("charge")
    if charge:
        found.known.append({"object": id_, "charge": charge})
    transactions = thing.inners("balance_transactions")
    if transactions is not None:
        if not transactions:
            found.ignore("dispute: has taken no money")
        for each in transactions:
            given = {"object": "balance_transaction", "source": id_, "type": "adjustment"}
            about = _inherited(thing) | {name: thing.get(name) for name in ("payment_intent", "metadata", "reason")}
            _balance_transaction(found, _Object(about | given | each.values | {"charge": charge}), reading)
        return
    # A table of disputes names one balance transaction, and a dispute that was won has a second that it does not name.
    transaction = thing.reference("balance_transaction")
    if transaction is None or thing.text_or_none("status") not in _LOST:
        found.ignore("dispute: has taken no money, or has given it back")
        return
    amount, reason = thing.money("amount"), thing.text_or_none("reason")
    about = {"amount": amount, "refund": amount, "reason": reason, "follows": charge}
    found.rows.append(_row(thing, "stripe.dispute", transaction, thing.time("created"), **about))


_LOST = frozenset({"needs_response", "under_review", "charge_refunded", "lost"})


def _balance_transaction(found: StripeFacts, thing: _Object, reading: Reading) -> None:  # noqa: ARG001
    """The fee of any transaction, and the amount of those that have no other object to tell of it."""
    id_, created = thing.text("id"), thing.time("created")
    category = (thing.text_or_none("reporting_category") or thing.text("type")).lower()
    source = thing.reference("source")
    charge = thing.reference("charge") or (source if source and source.startswith(("ch_", "py_")) else None)
    shared = {"charge": charge, "follows": charge or source, "reason": thing.text_or_none("reason")}
    if category.startswith("payout"):
        found.ignore("payout: moves money that was counted when it came")
        return
    before = len(found.rows)
    if category.startswith("dispute") or (category == "adjustment" and (source or "").startswith(("du_", "dp_"))):
        amount = thing.money("amount")
        type_ = "stripe.dispute" if amount < 0 else "stripe.dispute_reversed"
        found.rows.append(_row(thing, type_, id_, created, amount=-amount, refund=-amount, **shared))
    fee = thing.money("fee") - (thing.money("amount") if category in _FEES else 0)
    if fee:
        found.rows.append(_row(thing, "stripe.fee", f"{id_}:fee", created, amount=fee, fee=fee, **shared))
    if len(found.rows) == before:
        found.ignore(f"balance_transaction {category}: has no fee, and its amount is another object's")


# Transactions that are nothing but a fee: their amount is what it took.
_FEES = frozenset({"fee", "stripe_fee", "stripe_fx_fee", "network_cost", "tax_fee", "tax"})


def _expanded_transaction(found: StripeFacts, thing: _Object, charge: str, reading: Reading) -> None:
    """The fee of a charge that brings its balance transaction whole (expand[]=balance_transaction)."""
    transaction = thing.inner("balance_transaction")
    if transaction.values:
        about = _inherited(thing) | {name: thing.get(name) for name in ("customer", "payment_intent", "invoice")}
        _balance_transaction(found, _Object(about | transaction.values | {"charge": charge}), reading)


def _invoice(found: StripeFacts, thing: _Object, reading: Reading) -> None:
    if reading.revenue != "invoice":
        found.ignore("invoice: revenue is taken from charges (stripe.revenue)")
        return
    if thing.text_or_none("status") != "paid":
        found.ignore("invoice: is not paid")
        return
    details = _subscription_details(thing)
    paid_at = thing.inner("status_transitions")
    when = paid_at.time("paid_at") if paid_at.get("paid_at") is not None else thing.time("created")
    tax, discount = _tax(thing), _sum(thing, "total_discount_amounts")
    row = _row(
        thing,
        "stripe.invoice",
        thing.text("id"),
        when,
        outcome="success",
        amount=thing.money("total"),
        # Before discounts and without tax, which have accounts of their own.
        revenue=thing.money("total") - tax + discount,
        discount=discount,
        tax=tax,
        invoice=thing.text("id"),
        subscription=thing.reference("subscription") or details.reference("subscription"),
        charged_at=naive(when),
    )
    row["metadata"] = details.metadata() | row["metadata"]
    found.rows.append(row)


def _subscription_details(thing: _Object) -> _Object:
    """Where the version of the API puts them."""
    old = thing.inner("subscription_details")
    return old if old.values else thing.inner("parent").inner("subscription_details")


def _tax(thing: _Object) -> Decimal:
    if thing.get("tax") is not None:
        return thing.money("tax")
    return _sum(thing, "total_taxes") or _sum(thing, "total_tax_amounts")


def _sum(thing: _Object, name: str) -> Decimal:
    parts = (_Object({"currency": thing.get("currency")} | part.values) for part in thing.inners(name) or ())
    return sum((part.money("amount") for part in parts), Decimal(0))


def _payment_intent(found: StripeFacts, thing: _Object, reading: Reading) -> None:
    """The charge earns; older versions of the API list a payment's charges in it, the newer name the last one."""
    latest = thing.get("latest_charge")
    charges = [_Object(latest)] if isinstance(latest, dict) else thing.inners("charges")
    if not charges:
        found.ignore("payment_intent: its charge is the fact; send charge.succeeded and charge.failed")
    for each in charges or ():
        _take_object(found, _Object(_inherited(thing) | {"object": "charge"} | each.values), reading)


def _payout(found: StripeFacts, thing: _Object, reading: Reading) -> None:  # noqa: ARG001
    found.ignore("payout: moves money that was counted when it came")


def _fee_detail(found: StripeFacts, thing: _Object, reading: Reading) -> None:  # noqa: ARG001 - as all takers
    """A part of a balance transaction's fee, in the tables of some exporters: counted there, and it has no time."""
    mend = "take in the balance transactions, whose fee it is part of, and leave this table out"
    raise _UnreadableError(f"created: got nothing, must be when it was taken; {mend}")


_Taker = Callable[[StripeFacts, _Object, Reading], None]
_TAKERS: dict[str, _Taker] = {
    "charge": _charge,
    "refund": _refund,
    "dispute": _dispute,
    "balance_transaction": _balance_transaction,
    "invoice": _invoice,
    "payment_intent": _payment_intent,
    "payout": _payout,
    "fee": _fee_detail,
}
