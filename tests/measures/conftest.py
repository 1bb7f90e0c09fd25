"""A small store written by hand: the tables the query builder reads, filled row by row."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from perunit.contract.shape import Contract
from perunit.engine.duckdb import Engine, identifier
from perunit.engine.files import sql_text

if TYPE_CHECKING:
    from collections.abc import Callable

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
        row = {
            "bill_id": 1,
            "pool_id": 1,
            "rule": "rule",
            "method": kind,
            "currency": "USD",
            "billed_cost": cost,
        } | given
        row["billed_cost"] = Decimal(row["billed_cost"])
        self.add("allocations", kind=kind, day=at(day), cell_id=cell, effective_cost=Decimal(cost), **row)

    def event(self, name: str, when: str, order: str, cell: int, **given: Any) -> None:
        """One event of an order of the user u1."""
        row = {"event_key": int(name[1:]), "id": name, "event_time": at(when), "batch_id": 1, "cell_id": cell}
        self.add("events", late=False, unit_order=order, unit_user="u1", **row, **_decimal(given))

    def rate(self, rate_id: str, kind: str, meter: str, price: str, per: str = "1", unit: str = "s") -> None:
        """A rate of a price book, in force since the new year."""
        self.add(
            "rates", rate_id=rate_id, book=rate_id.split("@", maxsplit=1)[0], version=1, kind=kind, meter=meter,
            conditions={}, price=Decimal(price), per=Decimal(per), unit=unit, currency="USD",
            unit_price=Decimal(price) / Decimal(per), effective_from=at("2026-01-01"),
        )  # fmt: skip

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


@pytest.fixture
def fresh_store(contract: Contract) -> Callable[[], Store]:
    """Makes an empty store, as often as asked."""
    return lambda: Store(contract)


@pytest.fixture
def till(store: Store) -> Store:
    """Two orders of one user on one day: the price changes at 10:15, a bill has taken over usage from 11:00."""
    cell = store.cell(plan="pro")
    store.batch("2026-03-02 12:00")
    store.event("e0", "2026-03-01 10:05", "o1", cell, revenue="30.5", usage_cpu_seconds="10", usage_steps="4")
    store.event("e1", "2026-03-01 10:30", "o1", cell, usage_cpu_seconds="2.5")
    store.event("e2", "2026-03-01 11:00", "o2", cell, revenue="9.5", usage_cpu_seconds="7.5")
    for unit, key, when in [("order", "o1", "10:05"), ("order", "o2", "11:00"), ("user", "u1", "10:05")]:
        store.add("units", unit_type=unit, unit_key=key, opened_at=at(f"2026-03-01 {when}"), cell_id=cell)
    store.rate("cloud@1/rates/1", "cost", "cpu_seconds", "0.1")
    store.rate("cloud@1/rates/2", "cost", "cpu_seconds", "0.2")
    store.rate("pay@1/fees/1/percentage", "fee", "@revenue", "2", per="100", unit="%")
    fee = {"kind": "fee", "rate_id": "pay@1/fees/1/percentage"}
    store.rollup("2026-03-01 10:00", cell, 1, revenue="30.5")
    store.rollup("2026-03-01 10:15", cell, 1)
    store.rollup("2026-03-01 11:00", cell, 1, revenue="9.5")
    store.opened("2026-03-01 10:00", cell, 1)
    store.opened("2026-03-01 11:00", cell, 1)
    for when, quantity, amount, rate, superseded in [
        ("10:00", "10", "1.0", 1, False), ("10:15", "2.5", "0.5", 2, False), ("11:00", "7.5", "1.5", 2, True)
    ]:  # fmt: skip
        priced = {"rate_id": f"cloud@1/rates/{rate}", "superseded": superseded}
        store.usage(f"2026-03-01 {when}", cell, "cpu_seconds", quantity)
        store.priced(f"2026-03-01 {when}", cell, "cpu_seconds", quantity, amount, **priced)
    store.priced("2026-03-01 10:00", cell, "@revenue", "30.5", "0.61", **fee)
    store.priced("2026-03-01 11:00", cell, "@revenue", "9.5", "0.19", **fee)
    store.allocation("2026-03-01", "usage", "4", cell, meter="cpu_seconds", rule="machines")
    store.allocation("2026-03-01", "shared", "2", cell, rule="support")
    store.allocation("2026-03-01", "shared", "6", cell, rule="rent")
    store.allocation("2026-03-01", "direct", "0.25", cell, unit_type="order", unit_key="o1", rule="tags")
    store.add("pool_lines", bill_id=1, pool_id=1, line=3)
    store.add(
        "charges", bill_id=1, line=3, billed_cost=Decimal("0.25"), effective_cost=Decimal("0.25"),
        charge_category="Usage", billing_currency="USD", charge_period_start=at("2026-03-01"),
        charge_period_end=at("2026-03-02"), service_name="Simple Storage",
    )  # fmt: skip
    return store
