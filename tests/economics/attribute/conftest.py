"""A store in memory with a handful of cells, and short ways to put usage and bill lines into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import perunit
from perunit.contract.shape import Contract
from perunit.economics.attribute import AllocationReport, allocate
from perunit.engine.duckdb import Engine

if TYPE_CHECKING:
    from collections.abc import Callable

# Times as the store keeps them: UTC, without a zone.
instant = datetime.fromisoformat

SCHEMA = (Path(perunit.__file__).parent / "store" / "schema.sql").read_text(encoding="utf-8")
DAY = instant("2026-05-01")


@dataclass
class Store:
    """One engine under test. Cell 1 is basic, 2 is plus, 3 is other; their hashes are in the reverse order."""

    engine: Engine
    lines: dict[int, int] = field(default_factory=dict)

    def bill(self, bill_id: int = 1, currency: str = "USD", *, superseded: bool = False) -> None:
        """A bill of May 2026."""
        gone = "TIMESTAMP '2026-07-01'" if superseded else "NULL"
        self.engine.execute(
            f"INSERT INTO bills VALUES ({bill_id}, 'aws', 'a', '{currency}', '2026-05-01', '2026-06-01', 1, 'f', 'd', "
            f"'2026-06-02', {gone}, 0, 0, 0)"
        )

    def charge(
        self,
        billed: str,
        effective: str | None = None,
        *,
        bill_id: int = 1,
        start: datetime = DAY,
        hours: int = 1,
        **columns: Any,
    ) -> None:
        """A line of that bill, for some hours from `start`; `columns` are FOCUS columns."""
        if self.engine.value("SELECT count(*) FROM bills WHERE bill_id = $id", {"id": bill_id}) == 0:
            self.bill(bill_id)
        currency = self.engine.value("SELECT billing_currency FROM bills WHERE bill_id = $id", {"id": bill_id})
        self.lines[bill_id] = self.lines.get(bill_id, 0) + 1
        row = {
            "bill_id": bill_id,
            "line": self.lines[bill_id],
            "billed_cost": Decimal(billed),
            "effective_cost": Decimal(effective or billed),
            "billing_currency": currency,
            "charge_period_start": start,
            "charge_period_end": start + timedelta(hours=hours),
            "charge_category": "Usage",
            **columns,
        }
        names = ", ".join(row)
        self.engine.execute(f"INSERT INTO charges ({names}) VALUES ({', '.join('$' + name for name in row)})", row)

    def usage(
        self,
        cell_id: int,
        quantity: str,
        resource: str | None = "i-1",
        *,
        at: datetime = DAY,
        meter: str = "cpu_seconds",
    ) -> None:
        """Measured usage of a meter."""
        self.engine.execute(
            "INSERT INTO rollup_usage VALUES ($at, $cell, $meter, $resource, 1, $quantity)",
            {"at": at, "cell": cell_id, "meter": meter, "resource": resource, "quantity": Decimal(quantity)},
        )

    def amounts(self, cell_id: int, *, at: datetime = DAY, events: int = 1, **amounts: str) -> None:
        """Recorded events and their amounts."""
        row = {"window_start": at, "cell_id": cell_id, "events": events, "duplicates": 0, "late": 0}
        row |= {name: Decimal(amount) for name, amount in amounts.items()}
        self.engine.execute(
            f"INSERT INTO rollup ({', '.join(row)}) VALUES ({', '.join('$' + name for name in row)})", row
        )

    def priced(self, cell_id: int, amount: str, resource: str | None = "i-1", *, at: datetime = DAY) -> None:
        """Usage priced by list."""
        self.engine.execute(
            "INSERT INTO rollup_priced VALUES ($at, $cell, 'cost', 'cpu_seconds', $resource, 'r', 'USD', 1, 1, "
            "$amount, false)",
            {"at": at, "cell": cell_id, "resource": resource, "amount": Decimal(amount)},
        )

    def opened(self, cell_id: int, count: int, *, unit: str = "order", at: datetime = DAY) -> None:
        """Units opened."""
        self.engine.execute(
            "INSERT INTO rollup_units VALUES ($at, $unit, $cell, $count, 1)",
            {"at": at, "unit": unit, "cell": cell_id, "count": count},
        )

    def allocate(self, *rules: dict[str, Any]) -> AllocationReport:
        """Allocates under a contract of these rules."""
        return allocate(self.engine, contract(*rules))

    def parts(self, columns: str = "kind, cell_id, billed_cost") -> list[tuple[Any, ...]]:
        """The parts, in the order of their values."""
        return self.engine.rows(f"SELECT {columns} FROM allocations ORDER BY ALL")


def contract(*rules: dict[str, Any]) -> Contract:
    """A contract of two unit types with these allocation rules."""
    units = {"order": {"owner": "shop", "key": "order_id"}, "user": {"owner": "growth", "key": "user_id"}}
    return Contract.model_validate({"version": 1, "units": units, "allocation": rules})


def new_store() -> Store:
    """A store with its cells and unit types."""
    engine = Engine()
    engine.connection.execute(SCHEMA).fetchall()
    engine.execute("INSERT INTO unit_types VALUES ('order', 0), ('user', 1)")
    for cell_id, outcome in ((1, "success"), (2, "success"), (3, "failure")):
        succeeded = int(outcome == "success")
        engine.execute(
            f"INSERT INTO cells VALUES ({cell_id}, {100 - cell_id}, {cell_id}, 'shop', 'order.completed', "
            f"'{outcome}', 'USD', 1, 0, 1, {succeeded}, 1)"
        )
    return Store(engine)


@pytest.fixture
def store() -> Store:
    """An empty store with three cells."""
    return new_store()


@pytest.fixture
def make_store() -> Callable[[], Store]:
    """Makes further empty stores, to compare one history with another."""
    return new_store
