"""Lists bills. Enters: the store. Leaves: every version of every bill and where its cost went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perunit.engine.files import sql_text

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from perunit.engine.duckdb import Engine

__all__ = ["BillRow", "ServiceChange", "list_bills", "service_changes"]


@dataclass(frozen=True, slots=True)
class BillRow:
    """One version of one bill. `billed_cost` is the sum of its lines as written, `billed_cost_at_12_places` that of
    its lines rounded one by one, as a system with 12 places sums them; `billed_by_kind` is empty for a superseded
    version and before allocation.
    """

    bill_id: int
    bill_source: str
    billing_account_id: str
    billing_currency: str
    billing_period_start: datetime
    billing_period_end: datetime
    version: int
    file_name: str
    imported_at: datetime
    superseded_at: datetime | None
    lines: int
    billed_cost: Decimal
    effective_cost: Decimal
    billed_cost_at_12_places: Decimal
    billed_by_kind: dict[str, Decimal]

    @property
    def in_force(self) -> bool:
        """Whether this version is the one that counts."""
        return self.superseded_at is None


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """One service of one account in a bill, and in the version before it (0 where it was not there)."""

    service_name: str | None
    sub_account_id: str | None
    lines: int
    previous_lines: int
    billed_cost: Decimal
    previous_billed_cost: Decimal
    effective_cost: Decimal
    previous_effective_cost: Decimal

    @property
    def changed(self) -> bool:
        """Whether anything that is shown differs between the two versions."""
        before = (self.previous_lines, self.previous_billed_cost, self.previous_effective_cost)
        return (self.lines, self.billed_cost, self.effective_cost) != before


def service_changes(engine: Engine, bill_id: int) -> list[ServiceChange]:
    """A bill by service and account against the version before it, the largest change of billed cost first."""
    found = engine.records(sql_text("facts.bills", "changes"), {"bill_id": bill_id})
    return [ServiceChange(**record) for record in found]


def list_bills(engine: Engine) -> list[BillRow]:
    """Every version of every bill, by billing period, source and account."""
    return [_row(record) for record in engine.records(sql_text("facts.bills", "list"))]


def _row(record: dict[str, Any]) -> BillRow:
    return BillRow(**{**record, "billed_by_kind": record["billed_by_kind"] or {}})
