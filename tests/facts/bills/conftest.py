"""A store in memory and short ways to write bill files of any shape."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import perunit
from perunit.engine.duckdb import Engine
from perunit.facts.bills import BillResult, import_bill
from perunit.facts.bills.columns import charge_columns

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = (Path(perunit.__file__).parent / "store" / "schema.sql").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 1, tzinfo=UTC)
LINE = {
    "BilledCost": "1.50",
    "EffectiveCost": "1.25",
    "BillingCurrency": "USD",
    "BillingAccountId": "acct-1",
    "BillingPeriodStart": "2026-05-01T00:00:00Z",
    "BillingPeriodEnd": "2026-06-01T00:00:00Z",
    "ChargePeriodStart": "2026-05-01T00:00:00Z",
    "ChargePeriodEnd": "2026-05-01T01:00:00Z",
    "ChargeCategory": "Usage",
    "InvoiceIssuerName": "AWS",
    "ResourceId": "i-1",
    "Tags": '{"team":"shop"}',
}


@pytest.fixture
def engine() -> Engine:
    """An empty store in memory."""
    engine = Engine()
    engine.connection.execute(SCHEMA).fetchall()
    return engine


@pytest.fixture
def load(engine: Engine, tmp_path: Path) -> Callable[..., list[BillResult]]:
    """Imports a file, or text or bytes as a file of that name."""

    def load(content: Path | str | bytes, name: str = "bill.csv", **options: Any) -> list[BillResult]:
        path = content if isinstance(content, Path) else tmp_path / name
        if isinstance(content, str):
            path.write_bytes(content.encode())
        elif isinstance(content, bytes):
            path.write_bytes(content)
        if expected := options.pop("expected", None):
            options["columns"] = charge_columns(expected)
        return import_bill(engine, path, **{"clock": lambda: NOW, **options})

    return load


@pytest.fixture
def line() -> dict[str, str]:
    """One correct bill line, to change."""
    return dict(LINE)


@pytest.fixture
def table() -> Callable[..., str]:
    """Bill lines as CSV text."""

    def table(*lines: dict[str, str], delimiter: str = ",") -> str:
        out = io.StringIO()
        writer = csv.DictWriter(out, list(lines[0]), delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        return out.getvalue()

    return table
