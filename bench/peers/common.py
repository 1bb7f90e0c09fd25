"""What the peers share: the prices they are given, the table they must fill, and how they report.

Each peer computes one table, the daily P&L: one row per day × plan × region × channel × release with `FIGURES`,
from events taken once each by (source, id), usage cost at the price in force when it happened. It is written as
`pnl.csv` and compared with the truth by the caller, outside of all measured time.
"""

from __future__ import annotations

import csv
import json
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import TYPE_CHECKING, Any

import yaml

from bench.measure import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

__all__ = [
    "FIGURES",
    "KEYS",
    "METER_COLUMNS",
    "QUERY_RUNS",
    "Fee",
    "Rate",
    "fee_of",
    "query_ms",
    "rates_of",
    "report",
    "write_pnl",
]

KEYS = ("day", "plan", "region", "channel", "release")
FIGURES = ("orders", "gross_revenue", "discounts", "refunds", "fees", "recorded_cost", "usage_cost")
# Meter → the member of an event's data that measures it.
METER_COLUMNS = {
    "cpu_seconds": "cpu_seconds",
    "egress_bytes": "egress_bytes",
    "llm_input_tokens": "input_tokens",
    "llm_output_tokens": "output_tokens",
    "exports": "exports",
}
QUERY_RUNS = 20
_PRICE_PLACES = Decimal(1).scaleb(-15)
_FOREVER = datetime(2200, 1, 1)  # noqa: DTZ001 - UTC without a zone, as all peers keep it


@dataclass(frozen=True, slots=True)
class Rate:
    """A unit price in force in [begins, ends), times in UTC without a zone; region or plan None is any."""

    kind: str
    meter: str
    region: str | None
    plan: str | None
    begins: datetime
    ends: datetime
    unit_price: Decimal


@dataclass(frozen=True, slots=True)
class Fee:
    """What a settled payment costs: a share of its amount and a fixed part."""

    share: Decimal
    fixed: Decimal


def rates_of(company: Path) -> list[Rate]:
    """Every rate of the company's price books, with the price of one unit rounded to 15 places as the truth has it."""
    return [
        Rate(
            kind,
            entry["meter"],
            entry.get("region"),
            entry.get("plan"),
            _instant(entry["effective_from"]),
            _instant(entry["effective_to"]) if "effective_to" in entry else _FOREVER,
            _unit_price(entry),
        )
        for book in _books(company)
        for section, kind in (("rates", "cost"), ("revenue", "revenue"))
        for entry in book.get(section, ())
    ]


def fee_of(company: Path) -> Fee:
    """The fee on settled payments."""
    (entry,) = [entry for book in _books(company) for entry in book.get("fees", ())]
    return Fee(Decimal(str(entry["percentage"])) / 100, Decimal(str(entry["fixed"])))


def _books(company: Path) -> Iterable[dict[str, Any]]:
    for path in sorted((company / "prices").glob("*.yaml")):
        yield yaml.safe_load(path.read_text(encoding="utf-8"))


def _unit_price(entry: dict[str, Any]) -> Decimal:
    with localcontext(prec=76):
        each = Decimal(str(entry["price"])) / Decimal(entry["per"])
        return each.quantize(_PRICE_PLACES, rounding=ROUND_HALF_EVEN)


def _instant(value: str | date) -> datetime:
    # A date in YAML is a date object, an instant is text with its offset.
    moment = datetime.fromisoformat(str(value))
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def query_ms(ask: Callable[[], object]) -> float:
    """The median time of asking for the daily P&L by plan."""
    took = []
    for _ in range(QUERY_RUNS):
        start = time.perf_counter()
        ask()
        took.append((time.perf_counter() - start) * 1000)
    return percentile(took, 50)


def write_pnl(directory: Path, rows: Iterable[Iterable[object]]) -> None:
    """Writes the table for the comparison; a null channel is empty."""
    with (directory / "pnl.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((*KEYS, *FIGURES))
        writer.writerows(rows)


def report(ready_at: float, took_ms: float, **more: object) -> None:
    """The last line: when the P&L could be asked for (seconds since 1970) and how long asking takes."""
    print(json.dumps({"ready_at": ready_at, "query_ms": took_ms, **more}))
