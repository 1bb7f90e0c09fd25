"""The accounts an amount can be booked to, with the sign each has in a margin."""

from __future__ import annotations

__all__ = ["ACCOUNTS", "TEXT_OF_ACCOUNT"]

TEXT_OF_ACCOUNT = {
    "revenue": "what the customer is charged, before discounts and refunds",
    "discount": "what is taken off the charge, as a positive amount",
    "refund": "what is paid back, as a positive amount, on the date it is paid back",
    "fee": "what a payment processor or marketplace keeps",
    "tax": "collected for the state; a memo, in no margin",
    "cost": "what a third party charges for this very event",
}
ACCOUNTS = tuple(TEXT_OF_ACCOUNT)
