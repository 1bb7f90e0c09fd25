"""Writes what a person would have written. Enters: prices. Leaves: perunit.yaml, the event schemas, the price books."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from perunit.simulate.company import CHANNELS, PLANS, REGIONS

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.simulate.prices import Prices

__all__ = ["SCHEMAS", "write_project"]

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_POSITIVE: Schema = {"type": "integer", "minimum": 1}
_MEASURE: Schema = {"type": "number", "minimum": 0}
_USD: Schema = {"type": "string", "enum": ["USD"]}
_SEGMENTS: dict[str, Schema] = {
    "plan": {"type": "string", "enum": list(PLANS)},
    "region": {"type": "string", "enum": list(REGIONS)},
    "channel": {"type": "string", "enum": list(CHANNELS)},
    "release": _TEXT,
}
_SHARED: dict[str, Schema] = {"order_id": _TEXT, "user_id": _TEXT, **_SEGMENTS}
# Guests have no user_id; telemetry that lost its context has neither order_id nor channel.
_NOT_REQUIRED = frozenset({"user_id", "exports", "commission", "discount"})
_TELEMETRY = frozenset({"api.call", "llm.call"})


def _one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


_OWN: dict[str, dict[str, Schema]] = {
    "order.placed": {"items": _POSITIVE},
    "api.call": {
        "route": _TEXT,
        "status": _COUNT,
        "resource": _TEXT,
        "cpu_seconds": _MEASURE,
        "egress_bytes": _COUNT,
        "exports": _POSITIVE,
        "latency_ms": _MEASURE,
    },
    "llm.call": {"model": _TEXT, "input_tokens": _COUNT, "output_tokens": _COUNT, "latency_ms": _MEASURE},
    "risk.checked": {"vendor": _TEXT, "cost": _TEXT, "currency": _USD},
    "checkout.attempted": {
        "intent": _TEXT,
        "attempt": _POSITIVE,
        "method": _one_of("card", "none"),
        "outcome": _one_of("success", "failure"),
    },
    "order.completed": {"items": _POSITIVE, "commission": _TEXT, "currency": _USD},
    "order.failed": {"items": _POSITIVE, "reason": _one_of("payment_declined", "timeout", "abandoned")},
    "payment.settled": {
        "intent": _TEXT,
        "method": _one_of("card", "invoice"),
        "amount": _TEXT,
        "discount": _TEXT,
        "tax": _TEXT,
        "currency": _USD,
    },
    "order.refunded": {"reason": _one_of("not_as_expected", "partly_wrong"), "refund": _TEXT, "currency": _USD},
}


def _schema(event_type: str) -> Schema:
    properties = {**_SHARED, **_OWN[event_type]}
    optional = set(_NOT_REQUIRED)
    if event_type in _TELEMETRY:
        optional |= {"order_id", "channel"}
    if event_type == "order.completed":
        optional.add("currency")
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


SCHEMAS = {event_type: _schema(event_type) for event_type in _OWN}


def write_project(room: Path, prices: Prices) -> None:
    """The files a person keeps under version control."""
    for folder in ("schemas", "prices"):
        (room / folder).mkdir()
    for event_type, schema in SCHEMAS.items():
        text = json.dumps(schema, indent=2) + "\n"
        (room / "schemas" / f"{event_type}.json").write_text(text, encoding="utf-8")
    for name, text in prices.files().items():
        (room / "prices" / name).write_text(text, encoding="utf-8")
    contract = files("perunit.simulate").joinpath("perunit.yaml").read_text(encoding="utf-8")
    (room / "perunit.yaml").write_text(contract, encoding="utf-8")
