"""The source that a short ``stripe:`` block stands for. Enters: a contract. Leaves: the contract with that source.

Stripe's objects become rows of fixed columns (`door_formats`), which a source maps like the rows of any other door.
So quarantine, replay, segments and every expression work as they do elsewhere, and what the short block means can be
written out in full where it is not enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.contract.shape import EventMapping, Source

if TYPE_CHECKING:
    from perunit.contract.shape import Contract

__all__ = ["STRIPE", "with_stripe"]

# The name of the format, and of the source that the block makes.
STRIPE = "stripe"
_ACCOUNTS = ("revenue", "discount", "refund", "fee", "tax")


def with_stripe(contract: Contract) -> Contract:
    """The contract, with the source that ``stripe.units`` asks for; a source of that name stands above it."""
    block = contract.stripe
    if block is None or not block.units or STRIPE in contract.sources:
        return contract
    mapping = EventMapping(
        id="id",
        time="time",
        type="type",
        units=block.units,
        segments=block.segments,
        outcome="outcome",
        amounts={name: name for name in _ACCOUNTS},
        currency="currency",
        intent="payment_intent",
    )
    source = Source(format=STRIPE, path=block.path, event=mapping)
    return contract.model_copy(update={"sources": {**contract.sources, STRIPE: source}})
