"""A store in memory with bills and invoices of May 2026, and short ways to put lines, totals and usage into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from perunit.contract.shape import Contract
from perunit.economics.attribute import allocate
from perunit.economics.reconcile import cover_costs
from perunit.engine.duckdb import Engine
from perunit.engine.files import sql_text
from perunit.model.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = datetime(2026, 5, 4)  # noqa: DTZ001 - as the store keeps times
CONTRACT: dict[str, Any] = {
    "version": 1,
    "units": {"order": {"owner": "shop", "key": "order_id"}},
    "meters": {"cpu": {"unit": "s"}},
    "allocation": [
        {"name": "machines", "match": "service_name = 'Compute'", "method": "usage", "meter": "cpu",
         "resource": "resource_id"},
        {"name": "support", "match": "service_name = 'Support'", "method": "proportional", "to": "events"},
        {"name": "licence", "match": "service_name = 'Licence'", "method": "fixed", "unit": "order",
         "weights": {"o-1": 1, "o-2": 2}, "horizon": {"months": 3}},
    ],
}  # fmt: skip


@dataclass
class Books:
    """The tables that reconciliation reads, filled by hand."""

    engine: Engine
    contract: Contract
    lines: dict[int, int] = field(default_factory=dict)

    def bill(self, bill_id: int = 1, *, month: str = "2026-05", currency: str = "USD", account: str = "a") -> None:
        """A bill in force of one month."""
        window = Window.of_month(month)
        self.engine.execute(
            "INSERT INTO bills VALUES ($id, 'cloud', $account, $currency, $start, $end, 1, 'f', 'd', "
            "'2026-06-02', NULL, 0, 0, 0)",
            {"id": bill_id, "account": account, "currency": currency, "start": window.start, "end": window.end},
        )

    def charge(self, billed: str, effective: str | None = None, *, bill_id: int = 1, **columns: Any) -> None:
        """A line; `columns` are FOCUS columns."""
        if self.engine.value("SELECT count(*) FROM bills WHERE bill_id = $id", {"id": bill_id}) == 0:
            self.bill(bill_id)
        currency = self.engine.value("SELECT billing_currency FROM bills WHERE bill_id = $id", {"id": bill_id})
        self.lines[bill_id] = self.lines.get(bill_id, 0) + 1
        row = {
            "bill_id": bill_id,
            "line": self.lines[bill_id],
            "billed_cost": Decimal(billed),
            "effective_cost": Decimal(effective if effective is not None else billed),
            "billing_currency": currency,
            "charge_period_start": DAY,
            "charge_period_end": DAY + timedelta(days=1),
            "charge_category": "Usage",
            "service_name": "Compute",
            "invoice_issuer_name": "Cloud",
            "invoice_id": "I-1",
            "billing_account_id": "a",
        } | columns
        names = ", ".join(row)
        self.engine.execute(f"INSERT INTO charges ({names}) VALUES ({', '.join(f'${name}' for name in row)})", row)

    def invoice(self, total: str, invoice_id: str = "I-1", *, currency: str = "USD", issuer: str = "Cloud") -> None:
        """What the issuer says an invoice of May comes to."""
        self.engine.execute(
            "INSERT INTO invoices VALUES ($issuer, $id, $currency, 1, '2026-05-01', '2026-06-01', NULL, 'Issued', "
            "$total, 'told', '2026-06-03', NULL)",
            {"issuer": issuer, "id": invoice_id, "currency": currency, "total": Decimal(total)},
        )

    def usage(self, quantity: str, price: str | None, *, resource: str = "m-1", start: datetime = DAY) -> None:
        """Measured usage of an hour, at a list price or at none."""
        amount = None if price is None else Decimal(quantity) * Decimal(price)
        values = {"start": start, "resource": resource, "quantity": Decimal(quantity), "amount": amount}
        rate = "NULL" if price is None else "'book@1/rates/0'"
        self.engine.execute(
            "INSERT INTO rollup_usage VALUES ($start, 1, 'cpu', $resource, 1, $quantity)",
            {name: each for name, each in values.items() if name != "amount"},
        )
        self.engine.execute(
            f"INSERT INTO rollup_priced VALUES ($start, 1, 'cost', 'cpu', $resource, {rate}, 'USD', 1, $quantity, "
            "$amount, false)",
            values,
        )

    def allocate(self) -> None:
        """Allocates as the pipeline does."""
        allocate(self.engine, self.contract)
        cover_costs(self.engine)


@pytest.fixture
def books() -> Iterator[Books]:
    """An empty store with one cell of the unit type order."""
    engine = Engine(threads=1)
    engine.execute(sql_text("store", "schema"))
    engine.execute("INSERT INTO unit_types VALUES ('order', 0)")
    engine.execute("INSERT INTO cells VALUES (1, 1, 1, 's', 't', NULL, 'USD', 1, 0, 0, 0, 1)")
    yield Books(engine, Contract.model_validate(CONTRACT))
    engine.close()
