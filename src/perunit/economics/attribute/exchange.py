"""Weights in several currencies. Enters: `allocation_weights`, exchange rates. Leaves: weights that can be compared.

A set whose weights are in one currency stays as it is, whichever that is: only proportions matter.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from perunit.economics.fx.rates import FxRates
from perunit.model.money import exact

if TYPE_CHECKING:
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["compare_currencies"]

_MIXED = "SELECT set_id FROM allocation_weights WHERE weight <> 0 GROUP BY set_id HAVING count(DISTINCT currency) > 1"
_ROWS = pa.schema(
    [
        ("set_id", pa.int64()),
        ("day", pa.timestamp("us")),
        ("cell_id", pa.int32()),
        ("currency", pa.string()),
        ("weight", pa.string()),
    ]
)


def compare_currencies(engine: Engine, contract: Contract) -> None:
    """Turns the weights of sets in several currencies into the contract's, at the rate of each day.

    A set with a weight that has no rate stays as it is, and its pools say why they cannot be split.
    """
    rows = engine.records(f"SELECT * FROM allocation_weights WHERE set_id IN ({_MIXED})")
    if not rows:
        return
    fx = FxRates(engine, contract.currency, contract.fx.max_age_days)
    converted: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        converted.setdefault(row["set_id"], []).append(_converted(row, fx))
    known = [row for of_set in converted.values() if all(row["weight"] for row in of_set) for row in of_set]
    if not known:
        return
    engine.register("compared_weights", pa.Table.from_pylist(known, schema=_ROWS))
    engine.execute("DELETE FROM allocation_weights WHERE set_id IN (SELECT set_id FROM compared_weights)")
    engine.execute(
        "INSERT INTO allocation_weights BY NAME SELECT set_id, day, cell_id, currency, "
        "CAST(sum(CAST(weight AS HUGEINT)) AS HUGEINT) AS weight FROM compared_weights GROUP BY ALL"
    )
    engine.unregister("compared_weights")


def _converted(row: dict[str, Any], fx: FxRates) -> dict[str, Any]:
    """The row in the contract's currency, floored to a quantum; its weight is None where no rate is known."""
    worth = fx.of(row["currency"], row["day"].date())
    if worth is None:
        return row | {"weight": None}
    with exact():
        weight = (Decimal(row["weight"]) * worth.rate).to_integral_value(ROUND_FLOOR)
    return row | {"currency": fx.currency, "weight": str(weight)}
