"""A small store written by hand: the tables the query builder reads, filled row by row."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from perunit.contract.shape import Contract
from perunit.engine.duckdb import Engine, identifier
from perunit.engine.files import sql_text

CONTRACT = {
    "version": 1,
    "currency": "USD",
    "units": {
        "order": {"owner": "checkout", "key": "order_id", "parent": "user", "segments": ["plan", "region"]},
        "user": {"owner": "growth", "key": "user_id", "counted": "active"},
    },
    "events": {
        "order.completed": {
            "unit": "order",
            "outcome": "success",
            "amounts": {"revenue": "data.total", "refund": "data.refund"},
            "usage": {"cpu_seconds": "data.cpu", "egress_bytes": "data.egress"},
        }
    },
    "meters": {"cpu_seconds": {"unit": "s"}},
}
ORDER, USER = 1, 2


def at(text: str) -> datetime:
    """A store's time: UTC without a zone, from text such as ``2026-03-01 10:30``."""
    return datetime.fromisoformat(text)


class Store:
    """An engine with the project's tables and one method a table."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.engine = Engine(threads=1)
        self.engine.execute(sql_text("store", "schema"))
        for dimension in contract.dimensions():
            for kind in ("segment", "shown"):
                self.engine.execute(f"ALTER TABLE cells ADD COLUMN {identifier(f'{kind}_{dimension}')} VARCHAR")
        for unit in contract.units:
            self.engine.execute(f"ALTER TABLE events ADD COLUMN {identifier(f'unit_{unit}')} VARCHAR")
        for meter in contract.meter_names():
            self.engine.execute(f"ALTER TABLE events ADD COLUMN {identifier(f'usage_{meter}')} DECIMAL(38, 9)")
        for bit, unit in enumerate(contract.units):
            self.add("unit_types", unit_type=unit, bit=bit)
        self.cells = 0

    def add(self, table: str, **row: Any) -> None:
        """One row; columns left out are null or take their default."""
        columns = ", ".join(identifier(name) for name in row)
        values = ", ".join(f"${name}" for name in row)
        self.engine.execute(f"INSERT INTO {identifier(table)} ({columns}) VALUES ({values})", row)

    def cell(self, **given: Any) -> int:
        """A cell of orders of known users unless told otherwise; segments by their dimension's name."""
        self.cells += 1
        row: dict[str, Any] = {
            "cell_id": self.cells,
            "cell_hash": self.cells,
            "shown_cell_id": self.cells,
            "source": "shop",
            "event_type": "order.completed",
            "outcome": "success",
            "currency": "USD",
            "unit_mask": ORDER | USER,
            "orphan_mask": 0,
            "attempt_mask": ORDER,
            "success_mask": ORDER,
        }
        for name, value in given.items():
            if name in self.contract.dimensions():
                row[f"segment_{name}"] = row[f"shown_{name}"] = value
            else:
                row[name] = value
        self.add("cells", **row)
        return self.cells

    def rollup(self, when: str, cell: int, events: int, **sums: Any) -> None:
        """A rollup row; amounts as text."""
        row = {"duplicates": 0, "late": 0} | sums
        self.add("rollup", window_start=at(when), cell_id=cell, events=events, **_decimal(row))

    def opened(self, when: str, cell: int, count: int, unit: str = "order") -> None:
        """Units opened in an hour."""
        self.add("rollup_units", window_start=at(when), unit_type=unit, cell_id=cell, opened=count)

    def usage(self, when: str, cell: int, meter: str, quantity: str, resource: str | None = None) -> None:
        """Measured usage of one fact."""
        self.add(
            "rollup_usage", window_start=at(when), cell_id=cell, meter=meter, resource=resource, usage_events=1,
            quantity=Decimal(quantity),
        )  # fmt: skip

    def priced(self, when: str, cell: int, meter: str, quantity: str, amount: str | None, **given: Any) -> None:
        """Usage times a rate; without an amount it is unpriced."""
        row = {"kind": "cost", "rate_id": "r1", "currency": "USD", "usage_events": 1, "superseded": False} | given
        if amount is None:
            row |= {"rate_id": None, "currency": None}
        self.add(
            "rollup_priced", window_start=at(when), cell_id=cell, meter=meter, quantity=Decimal(quantity),
            amount=amount and Decimal(amount), **row,
        )  # fmt: skip

    def allocation(self, day: str, kind: str, cost: str, cell: int | None = None, **given: Any) -> None:
        """A part of a bill; billed and effective cost alike unless told otherwise."""
        row = {"bill_id": 1, "pool_id": 1, "rule": "rule", "method": kind, "currency": "USD", "billed_cost": cost} | given
        row["billed_cost"] = Decimal(row["billed_cost"])
        self.add("allocations", kind=kind, day=at(day), cell_id=cell, effective_cost=Decimal(cost), **row)

    def batch(self, watermark: str) -> None:
        """A committed batch whose latest event is at `watermark`."""
        number = 1 + self.engine.value("SELECT count(*) FROM batches")
        counts = dict.fromkeys(
            ("received", "accepted", "duplicate", "conflict", "rejected", "orphan", "late", "blank"), 0
        )
        self.add(
            "batches", batch_id=number, run_id="run", source="shop", file_name="f", chunk=0, digest="d",
            ingested_at=at("2026-06-01"), watermark=at(watermark), **counts,
        )  # fmt: skip


def _decimal(row: dict[str, Any]) -> dict[str, Any]:
    return {name: Decimal(value) if isinstance(value, str) else value for name, value in row.items()}


@pytest.fixture
def contract() -> Contract:
    """Orders of users, with a plan and a region."""
    return Contract.model_validate(CONTRACT)


@pytest.fixture
def store(contract: Contract) -> Store:
    """An empty store of that contract."""
    return Store(contract)
