"""Answers as plain values for ``--json``: decimals as exact text, times as RFC 3339."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from perunit.model.money import plain

__all__ = ["plain_value"]


def plain_value(value: Any) -> Any:
    """`value` with nothing in it that JSON does not know.

    >>> plain_value((Decimal("1.50"), datetime(2026, 5, 1, tzinfo=UTC), None))
    ['1.5', '2026-05-01T00:00:00Z', None]
    """
    match value:
        case Decimal():
            return plain(value)
        case date() if not isinstance(value, datetime):
            return value.isoformat()
        case datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            return aware.isoformat().replace("+00:00", "Z")
        case dict():
            return {str(name): plain_value(each) for name, each in value.items()}
        case tuple() | list():
            return [plain_value(each) for each in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain_value(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value
