"""Tables of Stripe's objects as the objects they are of. Enters: the header of a CSV file and its rows.
Leaves: objects as the API gives them, for `stripe.facts_of`.

Three kinds of files hold the same objects: tables of the API's own fields (Sigma, Fivetran and other exporters),
whose amounts are in minor units; Stripe's balance reports and the exports of its Dashboard, in major units.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from perunit.facts.doors.stripe import scale_of

__all__ = ["TableReader", "reader_of"]

TableReader = Callable[[dict[str, str]], dict[str, Any]]

# The first whose columns are all there tells what a table of the API's fields is of.
_OBJECTS = (
    ("balance_transaction", {"fee", "net", "type"}),
    ("charge", {"amount_refunded", "captured"}),
    ("invoice", {"amount_paid", "amount_due"}),
    ("payment_intent", {"amount_received"}),
    ("dispute", {"charge", "is_charge_refundable"}),
    ("fee", {"balance_transaction", "index"}),
    ("refund", {"charge", "amount", "status"}),
    ("payout", {"arrival_date"}),
)
_REFERENCES = ("charge", "customer", "invoice", "payment_intent", "subscription", "balance_transaction", "source")
_MONEY = ("amount", "amount_captured", "amount_refunded", "fee", "net", "total", "tax", "amount_paid")
_FLAGS = ("captured", "livemode", "paid")
_METADATA = (
    re.compile(r"(?:payment_|charge_|refund_)?metadata\[(.+)\]"),
    re.compile(r"(.+) \(metadata\)"),
    re.compile(r"metadata_(.+)"),
)


def reader_of(header: list[str]) -> TableReader | None:
    """What makes objects of the rows under this header; None where it is no table of Stripe's."""
    names = {name.strip().lower() for name in header}
    if {"balance_transaction_id", "reporting_category", "gross", "fee"} <= names:
        return _reported
    if "currency" in names and names & {"created (utc)", "created date (utc)"}:
        return _exported
    fields = {_field(name) for name in names}
    for kind, needed in _OBJECTS:
        if needed <= fields:
            return _tabled(kind)
    return None


def _field(name: str) -> str:
    """The API's name of a column: exporters write charge_id for the reference that the API calls charge."""
    base = name.removesuffix("_id")
    return base if base in _REFERENCES else name


def _tabled(kind: str) -> TableReader:
    def read(row: dict[str, str]) -> dict[str, Any]:
        cells = {_field(name.strip().lower()): text for name, text in row.items() if name and text}
        thing: dict[str, Any] = {**cells, "object": cells.get("object", kind), "metadata": _metadata(row)}
        thing |= {name: _whole(cells[name]) for name in _MONEY if name in cells}
        thing |= {name: _flag(cells[name]) for name in _FLAGS if name in cells}
        if created := cells.get("created"):
            thing["created"] = _time(created)
        if paid_at := cells.get("status_transitions_paid_at"):
            thing["status_transitions"] = {"paid_at": _time(paid_at)}
        return thing

    return read


def _reported(row: dict[str, str]) -> dict[str, Any]:
    """A row of an itemised balance report: a balance transaction, with what is known of its payment."""
    cells = {name.strip().lower(): text for name, text in row.items() if name and text}
    currency = cells.get("currency", "")
    return {
        "object": "balance_transaction",
        "id": cells.get("balance_transaction_id"),
        "created": _time(cells.get("created_utc") or cells.get("created", "")),
        "currency": currency,
        "amount": _minor(cells.get("gross", ""), currency),
        "fee": _minor(cells.get("fee", ""), currency),
        "reporting_category": cells.get("reporting_category"),
        "source": cells.get("source_id"),
        "charge": cells.get("charge_id"),
        "payment_intent": cells.get("payment_intent_id"),
        "customer": cells.get("customer_id"),
        "invoice": cells.get("invoice_id"),
        "metadata": _metadata(row),
    }


def _exported(row: dict[str, str]) -> dict[str, Any]:
    """A row of the Dashboard's export of payments: a charge."""
    cells = {name.strip().lower(): text for name, text in row.items() if name and text}
    currency = cells.get("currency", "")
    failed = cells.get("status", "").lower() == "failed"
    return {
        "object": "charge",
        "id": cells.get("id"),
        "created": _time(cells.get("created date (utc)") or cells.get("created (utc)", "")),
        "currency": currency,
        "amount": _minor(cells.get("amount", ""), currency),
        "status": "failed" if failed else "succeeded",
        "captured": _flag(cells.get("captured", "true")),
        "failure_code": cells.get("decline reason"),
        "payment_intent": cells.get("paymentintent id"),
        "customer": cells.get("customer id"),
        "invoice": cells.get("invoice id"),
        "metadata": _metadata(row),
    }


def _metadata(row: dict[str, str]) -> dict[str, str]:
    """From a column of JSON (which some exporters quote once more), and from columns of their own."""
    found: object = {}
    try:
        found = json.loads(row.get("metadata") or "{}")
        found = json.loads(found) if isinstance(found, str) else found
    except (ValueError, RecursionError):
        found = {}
    told = {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
    for name, text in row.items():
        for pattern in _METADATA if name and text else ():
            if match := pattern.fullmatch(name.strip()):
                told[match[1]] = text
    return told


# What cannot be read stays the text it was, which is then refused with the row.


def _whole(text: str) -> int | str:
    """Minor units; a table made by a program may write 1200.0."""
    return _integer(text, text, 0)


def _minor(text: str, currency: str) -> int | str:
    """Major units (with a decimal point or, by Stripe's setting, a comma) as minor ones."""
    comma = text.count(",") == 1 and "." not in text
    return _integer(text, text.replace(",", "." if comma else ""), scale_of(currency.upper()))


def _integer(text: str, plain: str, places: int) -> int | str:
    if not _NUMBER.fullmatch(plain):
        return text
    scaled = Decimal(plain).scaleb(places)
    return int(scaled) if scaled == scaled.to_integral_value() else text


# Within the 28 digits of a decimal context.
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{0,12})?")


def _flag(text: str) -> bool | str:
    return {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}.get(text.lower(), text)


def _time(text: str) -> datetime | int | str:
    """Seconds since 1970, or a time of day, which Stripe's tables have in UTC."""
    if text.isascii() and text.isdigit():
        return int(text[:20])
    try:
        value = datetime.fromisoformat(text.removesuffix(" UTC"))
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        return text
