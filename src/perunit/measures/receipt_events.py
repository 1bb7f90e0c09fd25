"""The events of one unit with their amounts and priced usage. Enters: a unit's key. Leaves: its event lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from perunit.economics.price.tiers import define_splits
from perunit.engine.duckdb import identifier
from perunit.engine.files import sql_text
from perunit.measures.fine import measured
from perunit.model.accounts import ACCOUNTS
from perunit.model.window import naive

if TYPE_CHECKING:
    from decimal import Decimal

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["EventLine", "Pricing", "UsageLine", "event_lines"]


class Pricing(StrEnum):
    """What a usage line's amount rests on."""

    LIST = "list"
    BILLED = "billed"
    UNPRICED = "unpriced"
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class UsageLine:
    """A quantity and what a rate makes of it. `meter` ``@<account>`` or ``@events`` is what a fee is taken of.

    Pricing: `list`, the rate in force; `billed`, a bill has taken over and the amount no longer counts;
    `unpriced`, no rate is in force; `measured`, a measure of work that no price book has to price. At a rate by volume
    `price` is what its month came to, and `per` the month's quantity.
    """

    meter: str
    quantity: Decimal
    pricing: Pricing
    resource: str | None = None
    kind: str | None = None
    unit: str | None = None
    price: Decimal | None = None
    per: Decimal | None = None
    rate_id: str | None = None
    amount: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event. `amounts` by account, only those recorded; `keys` by unit type; times are aware UTC."""

    id: str
    source: str
    event_type: str
    event_time: datetime
    outcome: str | None
    currency: str
    late: bool
    latency_ms: Decimal | None
    amounts: dict[str, Decimal]
    usage: tuple[UsageLine, ...]
    keys: dict[str, str]
    cell_id: int
    attempt: bool
    success: bool

    @property
    def day(self) -> datetime:
        """The UTC day it happened on."""
        return self.event_time.replace(hour=0, minute=0, second=0, microsecond=0)


def event_lines(
    engine: Engine, contract: Contract, unit: str, key: str, opened_at: datetime, bit: int
) -> tuple[EventLine, ...]:
    """Every event that carries the key, in order of time, source and id."""
    condition = f"e.{identifier(f'unit_{unit}')} = $key AND e.event_time >= $opened"
    values: dict[str, Any] = {"key": key, "opened": naive(opened_at), "bit": bit}
    rows = engine.records(_events_sql(contract, condition), values)
    if not rows:
        return ()
    first = opened_at.replace(minute=0, second=0, microsecond=0)
    values |= {"hour": naive(first), "end": rows[-1]["event_time"] + timedelta(microseconds=1)}
    priced = _priced(engine, contract, condition, values)
    return tuple(_line(contract, row, priced) for row in rows)


def _events_sql(contract: Contract, condition: str) -> str:
    columns = [*ACCOUNTS, *(f"unit_{name}" for name in contract.units)]
    columns += [f"usage_{name}" for name in contract.meter_names()]
    return (
        "SELECT e.event_key, e.id, k.source, k.event_type, e.event_time, k.outcome, k.currency, e.late, e.latency_ms, "
        "e.resource, k.shown_cell_id AS cell_id, (k.attempt_mask >> CAST($bit AS INTEGER)) & 1 = 1 AS attempt, "
        "(k.success_mask >> CAST($bit AS INTEGER)) & 1 = 1 AS success, "
        f"{', '.join(f'e.{identifier(column)}' for column in columns)} "
        f"FROM events e JOIN cells k ON k.cell_id = e.cell_id WHERE {condition} "
        "ORDER BY e.event_time, k.source, e.id"
    )


# A price by volume is told as what its month came to: the charge for the quantity.
_MONTHS = (
    "SELECT f.rate_id, date_trunc('month', f.window_start) AS month, sum(f.amount) AS charge, "
    "sum(f.quantity) AS quantity FROM rollup_priced f SEMI JOIN (SELECT rate_id FROM rates WHERE tiers IS NOT NULL) t "
    "USING (rate_id) GROUP BY ALL"
)


def _priced(
    engine: Engine, contract: Contract, condition: str, values: dict[str, Any]
) -> dict[tuple[int, str], list[dict[str, Any]]]:
    """The priced rows of each (event, meter), with the rate each was priced at."""
    sql = (
        f"WITH measured AS MATERIALIZED ({measured(contract, condition)}), "
        f"priced AS ({sql_text('measures', 'fine_priced')}) "
        "SELECT p.event_key, p.kind, p.meter, p.resource, p.quantity, p.amount, p.superseded, p.rate_id, p.currency, "
        "coalesce(m.charge, r.price) AS price, coalesce(m.quantity, r.per) AS per, r.unit FROM priced p "
        f"LEFT JOIN rates r ON r.rate_id = p.rate_id LEFT JOIN ({_MONTHS}) m ON m.rate_id = p.rate_id "
        "AND m.month = date_trunc('month', p.window_start) "
        "ORDER BY p.event_key, p.meter, p.kind, p.rate_id"
    )
    define_splits(engine)
    found: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for row in engine.records(sql, values):
        found.setdefault((row["event_key"], row["meter"]), []).append(row)
    return found


def _line(contract: Contract, row: dict[str, Any], priced: dict[tuple[int, str], list[dict[str, Any]]]) -> EventLine:
    keys = {name: row[f"unit_{name}"] for name in contract.units if row[f"unit_{name}"] is not None}
    return EventLine(
        id=row["id"],
        source=row["source"],
        event_type=row["event_type"],
        event_time=row["event_time"].replace(tzinfo=UTC),
        outcome=row["outcome"],
        currency=row["currency"],
        late=row["late"],
        latency_ms=row["latency_ms"],
        amounts={account: row[account] for account in ACCOUNTS if row[account] is not None},
        usage=tuple(_usage(contract, row, priced)),
        keys=keys,
        cell_id=row["cell_id"],
        attempt=row["attempt"],
        success=row["success"],
    )


def _usage(
    contract: Contract, row: dict[str, Any], priced: dict[tuple[int, str], list[dict[str, Any]]]
) -> list[UsageLine]:
    lines: list[UsageLine] = []
    for meter in contract.meter_names():
        quantity = row[f"usage_{meter}"]
        found = priced.get((row["event_key"], meter), [])
        lines += [_priced_line(contract, each) for each in found]
        if quantity is not None and not found:
            lines.append(UsageLine(meter, quantity, Pricing.MEASURED, row["resource"], unit=_unit(contract, meter)))
    for meter in (*(f"@{account}" for account in ACCOUNTS), "@events"):
        lines += [_priced_line(contract, each) for each in priced.get((row["event_key"], meter), [])]
    return lines


def _priced_line(contract: Contract, row: dict[str, Any]) -> UsageLine:
    billed = Pricing.BILLED if row["superseded"] else None
    return UsageLine(
        meter=row["meter"],
        quantity=row["quantity"],
        pricing=billed or (Pricing.UNPRICED if row["rate_id"] is None else Pricing.LIST),
        resource=row["resource"],
        kind=row["kind"],
        unit=row["unit"] or _unit(contract, row["meter"]),
        price=row["price"],
        per=row["per"],
        rate_id=row["rate_id"],
        amount=row["amount"],
        currency=row["currency"],
    )


def _unit(contract: Contract, meter: str) -> str | None:
    return contract.meters[meter].unit if meter in contract.meters else None
