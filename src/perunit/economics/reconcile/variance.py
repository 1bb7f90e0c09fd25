"""Splits billed − estimated by cause. Enters: lines in force, measured usage, list prices. Leaves: exact parts.

Where a bill takes over list-priced usage, for each meter, resource, charge period and currency (METHODS §11):

- usage = list rate × (billed quantity − measured quantity), list rate = estimated ÷ measured quantity. This is the one
  division; usage is rounded half-even at 24 places,
- price = billed − duplicate − idle − estimated − usage. The rounding of usage ends here, so that the parts sum to
  billed − estimated to the last digit. Without rounding it is (billed rate − list rate) × billed quantity.

Cost that has nothing to be compared with is whole one cause: billed but not measured, measured but not billed, measured
without a list price or with one in another currency, charged for another period, or charged twice.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from perunit.economics.attribute.rules import CompiledRule, compile_rules, lines_sql
from perunit.economics.price.tiers import define_splits
from perunit.engine.files import sql_text
from perunit.model.money import exact
from perunit.model.window import closed_bounds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.model.window import Window

__all__ = ["VARIANCE_CAUSES", "Variance", "classified", "split", "variances"]

_ROOM = "economics.reconcile"
VARIANCE_CAUSES = (
    *("price", "usage", "unpriced", "missing_usage", "missing_charge", "duplicate", "timing", "currency", "idle"),
)


@dataclass(frozen=True, slots=True)
class Variance:
    """billed − estimated of one meter, resource, charge period and currency; `parts` sum to it exactly.

    Quantities are in the meter's unit; `billed_quantity` None where the bill counts in another one. `service` names the
    services of the lines that were compared; None where no line was.
    """

    service: str | None
    meter: str
    resource: str | None
    charge_period_start: datetime | None
    charge_period_end: datetime | None
    currency: str
    billed: Decimal
    estimated: Decimal
    billed_quantity: Decimal | None
    measured_quantity: Decimal | None
    parts: dict[str, Decimal]

    @property
    def variance(self) -> Decimal:
        """Billed less estimated."""
        with exact():
            return self.billed - self.estimated


def variances(engine: Engine, window: Window) -> tuple[Variance, ...]:
    """The variances of a period; `classified` must hold its lines."""
    define_splits(engine)
    rows = engine.records(sql_text(_ROOM, "variance"), closed_bounds(window))
    return tuple(_variance(row) for row in rows)


def _variance(row: dict[str, Any]) -> Variance:
    kept = ("service", "meter", "resource", "charge_period_start", "charge_period_end", "currency", "billed")
    quantities = ("billed_quantity", "measured_quantity")
    return Variance(
        **{name: row[name] for name in (*kept, *quantities)}, estimated=row["estimated"] or Decimal(0), parts=split(row)
    )


def split(row: dict[str, Any]) -> dict[str, Decimal]:
    """The causes of one row of variance.sql, without those that are zero.

    A machine billed 12.00 for 1,200 s, measured at 1,000 s and 0.008 a second: usage is 0.008 × 200 = 1.60 and price
    (0.01 − 0.008) × 1,200 = 2.40, together 12.00 − 8.00.

    >>> row = {"kind": "billed", "billed": Decimal(12), "duplicate": Decimal(0), "idle": Decimal(0),
    ...        "billed_quantity": Decimal(1200), "measured_quantity": Decimal(1000), "estimated": Decimal(8),
    ...        "is_capped": False, "is_foreign": False}
    >>> {cause: str(part) for cause, part in split(row).items()}
    {'price': '2.4', 'usage': '1.6'}
    """
    with exact():
        net = row["billed"] - row["duplicate"] - row["idle"]
        parts = {"duplicate": row["duplicate"], "idle": row["idle"], **_causes(row, net)}
        return {cause: parts[cause].normalize() for cause in VARIANCE_CAUSES if parts.get(cause)}


def _causes(row: dict[str, Any], net: Decimal) -> dict[str, Decimal]:
    estimated = row["estimated"]
    match row["kind"]:
        case "timing":
            return {"timing": net - (estimated or 0)}
        case "currency":
            return {"currency": -estimated}
        case "not billed":
            return {"missing_charge": -estimated}
        case _ if not row["measured_quantity"]:
            return {"missing_usage": net - (estimated or 0)}
        case _ if estimated is None:
            return {"currency" if row["is_foreign"] else "unpriced": net}
        case _:
            usage = _usage(row)
            return {"usage": usage, "price": net - estimated - usage}


def _usage(row: dict[str, Any]) -> Decimal:
    """List rate × (billed − measured quantity); what a capacity has beyond the measured usage is idle, not usage."""
    billed, measured = row["billed_quantity"], row["measured_quantity"]
    if billed is None or (row["is_capped"] and billed > measured):
        return Decimal(0)
    usage: Decimal = row["estimated"] * (billed - measured) / measured
    return usage.quantize(Decimal(1).scaleb(-24), rounding=ROUND_HALF_EVEN)


@contextmanager
def classified(engine: Engine, contract: Contract) -> Iterator[None]:
    """Within it `reconcile_lines` says of every line in force which rule and which step it belongs to."""
    rules = compile_rules(contract)
    described = [_described(rule, contract) for rule in rules]
    engine.register("reconcile_rules", pa.Table.from_pylist(described, schema=_RULES))
    try:
        engine.execute(f"CREATE OR REPLACE TEMP TABLE reconcile_matched AS {lines_sql(rules)}")
        engine.execute(f"CREATE OR REPLACE TEMP TABLE reconcile_lines AS {sql_text(_ROOM, 'lines')}")
        yield
    finally:
        engine.unregister("reconcile_rules")
        for table in ("reconcile_matched", "reconcile_lines"):
            engine.execute(f"DROP TABLE IF EXISTS {table}")


def _described(rule: CompiledRule, contract: Contract) -> dict[str, object]:
    meter = rule.rule.meter if rule.rule.method == "usage" else None
    return {
        "number": rule.number,
        "method": rule.rule.method,
        "meter": meter,
        "unit": contract.meters[meter].unit if meter in contract.meters else None,
        "has_resource": rule.resource is not None,
        "separate_idle": rule.rule.idle == "separate",
    }


_RULES = pa.schema(
    [
        ("number", pa.int32()),
        ("method", pa.string()),
        ("meter", pa.string()),
        ("unit", pa.string()),
        ("has_resource", pa.bool_()),
        ("separate_idle", pa.bool_()),
    ]
)
