"""Says where bills went. Enters: the store's allocations. Leaves: sums by bill, kind, rule and reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from perunit.engine.files import sql_text
from perunit.model.money import exact

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine

__all__ = ["KINDS", "AllocationReport", "Share", "read_report"]

KINDS = ("direct", "usage", "shared", "fixed", "idle", "unallocated")
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Share:
    """What one rule did with one bill: a kind, and the reason where nobody bears it."""

    bill_id: int
    currency: str
    rule: str
    method: str
    kind: str
    reason: str | None
    parts: int
    billed_cost: Decimal
    effective_cost: Decimal


@dataclass(frozen=True, slots=True)
class AllocationReport:
    """Where every bill in force went; amounts of one currency are never added to another's."""

    shares: tuple[Share, ...]

    def of_bills(self, bill_ids: Collection[int]) -> AllocationReport:
        """The part of the report that is about these bills."""
        return AllocationReport(tuple(share for share in self.shares if share.bill_id in bill_ids))

    def by_kind(self) -> dict[tuple[int, str, str], tuple[Decimal, Decimal]]:
        """(bill, currency, kind) → (billed, effective), kinds in their fixed order."""
        found = self._summed(lambda share: (share.bill_id, share.currency, share.kind))
        return dict(sorted(found.items(), key=lambda item: (item[0][:2], KINDS.index(item[0][2]))))

    def by_rule(self) -> dict[tuple[int, str, str], tuple[Decimal, Decimal]]:
        """(bill, currency, rule) → (billed, effective)."""
        return self._summed(lambda share: (share.bill_id, share.currency, share.rule))

    def unallocated(self) -> dict[tuple[str, str, str], tuple[Decimal, Decimal]]:
        """(currency, rule, reason) → (billed, effective), the largest first."""
        found = self._summed(lambda share: (share.currency, share.rule, share.reason or ""), kind="unallocated")
        return dict(sorted(found.items(), key=lambda item: (item[0][0], -abs(item[1][1]), item[0])))

    def _summed(self, key: Callable[[Share], _Key], kind: str | None = None) -> dict[_Key, tuple[Decimal, Decimal]]:
        sums: dict[_Key, tuple[Decimal, Decimal]] = {}
        with exact():
            for share in self.shares:
                if kind is None or share.kind == kind:
                    billed, effective = sums.get(key(share), (Decimal(0), Decimal(0)))
                    sums[key(share)] = (billed + share.billed_cost, effective + share.effective_cost)
        return sums


def read_report(engine: Engine) -> AllocationReport:
    """The report of what the store holds now."""
    rows = engine.records(sql_text("economics.attribute", "report"))
    return AllocationReport(tuple(Share(**row) for row in rows))
