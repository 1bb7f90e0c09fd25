"""How much of what was billed has a bearer. Enters: the allocated bills in force. Leaves: `reconciled_costs`.

The score itself is the measure `reconciliation_score`; here are the sums it is made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from perunit.engine.files import sql_text
from perunit.model.money import divide, exact
from perunit.model.window import closed_bounds

if TYPE_CHECKING:
    from decimal import Decimal

    from perunit.engine.duckdb import Engine
    from perunit.model.window import Window

__all__ = ["CoveredCost", "cover_costs", "covered_costs"]

_ROOM = "economics.reconcile"


@dataclass(frozen=True, slots=True)
class CoveredCost:
    """EffectiveCost of one service and account: all of it, and the part that units bear or that is idle."""

    currency: str
    service_name: str | None
    cloud_account: str | None
    source_cost: Decimal
    allocated_cost: Decimal

    @property
    def gap(self) -> Decimal:
        """What no one bears."""
        with exact():
            return self.source_cost - self.allocated_cost

    @property
    def score(self) -> Decimal | None:
        """1 − |allocated − source| ÷ |source| (METHODS §11), None where nothing was charged.

        >>> from decimal import Decimal
        >>> CoveredCost("USD", "Compute", "a-1", Decimal("12.97"), Decimal("12.90")).score.quantize(Decimal("0.0001"))
        Decimal('0.9946')
        """
        with exact():
            return divide(abs(self.source_cost) - abs(self.gap), abs(self.source_cost))


def cover_costs(engine: Engine) -> None:
    """Sums anew, after an allocation, what of each service's and account's cost someone bears."""
    with engine.transaction():
        engine.execute("DELETE FROM reconciled_costs")
        engine.insert("reconciled_costs", _ROOM, "reconciled_costs")


def covered_costs(engine: Engine, window: Window) -> tuple[CoveredCost, ...]:
    """The costs of a closed window by service and account, per currency the largest gap first."""
    rows = engine.records(sql_text(_ROOM, "covered"), closed_bounds(window))
    return tuple(CoveredCost(**row) for row in rows)
