"""Makes Stripe's objects and events for the tests, in the shapes of its API."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["DAY", "T0", "balance_transaction", "charge", "dispute", "event", "invoice", "refund", "sent"]

T0 = 1_788_256_800  # 2026-09-01T10:00:00Z
DAY = 86_400


def charge(number: int = 1, amount: int = 5000, **more: Any) -> dict[str, Any]:
    """A captured charge of order A<number>."""
    return {
        "id": f"ch_{number}",
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "balance_transaction": f"txn_{number}",
        "captured": True,
        "created": T0,
        "currency": "usd",
        "customer": "cus_1",
        "livemode": True,
        "metadata": {"order_id": f"A{number}"},
        "payment_intent": f"pi_{number}",
        "status": "succeeded",
    } | more


def refund(number: int = 1, amount: int = 2000, of: int = 1, **more: Any) -> dict[str, Any]:
    """A refund of charge `of`, ten days later; as is usual it has no metadata of its own."""
    return {
        "id": f"re_{number}",
        "object": "refund",
        "amount": amount,
        "balance_transaction": f"txn_re{number}",
        "charge": f"ch_{of}",
        "created": T0 + 10 * DAY,
        "currency": "usd",
        "metadata": {},
        "payment_intent": f"pi_{of}",
        "reason": "requested_by_customer",
        "status": "succeeded",
    } | more


def balance_transaction(id_: str, amount: int, fee: int, source: str, type_: str, **more: Any) -> dict[str, Any]:
    """A movement of the account's balance."""
    return {
        "id": id_,
        "object": "balance_transaction",
        "amount": amount,
        "created": T0 + 3600,
        "currency": "usd",
        "fee": fee,
        "net": amount - fee,
        "reporting_category": type_,
        "source": source,
        "type": type_,
    } | more


def dispute(number: int = 1, of: int = 1, *, won: bool = False, **more: Any) -> dict[str, Any]:
    """A dispute that took 50.00 and a fee of 15.00, and gave both back where it was won."""
    source = f"du_{number}"
    moves = [balance_transaction(f"txn_du{number}", -5000, 1500, source, "adjustment", created=T0 + 20 * DAY)]
    if won:
        back = balance_transaction(f"txn_du{number}_won", 5000, -1500, source, "adjustment", created=T0 + 60 * DAY)
        moves.append(back)
    return {
        "id": source,
        "object": "dispute",
        "amount": 5000,
        "balance_transactions": moves,
        "charge": f"ch_{of}",
        "created": T0 + 20 * DAY,
        "currency": "usd",
        "livemode": True,
        "metadata": {},
        "reason": "fraudulent",
        "status": "won" if won else "needs_response",
    } | more


def invoice(number: int = 1, **more: Any) -> dict[str, Any]:
    """A paid invoice of a subscription: 100.00 less 10.00 discount, and 17.10 tax."""
    return {
        "id": f"in_{number}",
        "object": "invoice",
        "amount_due": 10710,
        "amount_paid": 10710,
        "created": T0 - DAY,
        "currency": "eur",
        "customer": "cus_1",
        "livemode": True,
        "metadata": {},
        "parent": {"subscription_details": {"subscription": "sub_1", "metadata": {"plan": "pro"}}},
        "status": "paid",
        "status_transitions": {"paid_at": T0},
        "total": 10710,
        "total_discount_amounts": [{"amount": 1000, "discount": "di_1"}],
        "total_taxes": [{"amount": 1710}],
    } | more


def event(type_: str, thing: dict[str, Any], number: int = 1, **more: Any) -> dict[str, Any]:
    """The event that brings an object."""
    return {
        "id": f"evt_{number}",
        "object": "event",
        "api_version": "2026-01-28",
        "created": T0,
        "data": {"object": thing},
        "livemode": True,
        "type": type_,
    } | more


def sent(type_: str, thing: dict[str, Any], **more: Any) -> bytes:
    """An event's body as it is sent."""
    return json.dumps(event(type_, thing, **more), indent=2).encode()
