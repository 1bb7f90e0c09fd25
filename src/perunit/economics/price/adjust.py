"""Multiplies rates by the adjustments that match. Enters: `rate_card` as the rates alone give it.
Leaves: the same with adjusted rates in it, each named after the rate and the adjustments it was made of.

The factors are multiplied exactly and the unit price is rounded once, so their order does not matter:
0.0464 per 3,600 in a region of 1.15 with 10 % off is 0.0464 × 1.15 × 0.9 ÷ 3,600 = 0.00001334 a second.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit.economics.price.books import insert_rates
from perunit.engine.duckdb import identifier, literal
from perunit.engine.files import sql_text
from perunit.model.money import AMOUNT_SCALE, UNIT_PRICE_SCALE, exact, unit_price
from perunit.model.tiers import Tiered

if TYPE_CHECKING:
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["adjust", "adjusted_price", "held_sql"]

_ROOM = "economics.price"


def held_sql(contract: Contract, rate: str, key: str) -> str:
    """SQL of whether a cell `c` and a key with its resource meet the conditions of a rate."""
    held = [
        f"(NOT map_contains({rate}.conditions, {literal(name)}) "
        f"OR map_extract_value({rate}.conditions, {literal(name)}) = {value})"
        for name, value in [
            ("resource", f"{key}.resource"),
            *((name, f"c.{identifier(f'shown_{name}')}") for name in contract.dimensions()),
        ]
    ]
    return " AND ".join(held)


def adjust(engine: Engine, contract: Contract) -> None:
    """Replaces the rates of `rate_card` that an adjustment in force matches by adjusted ones."""
    if not engine.value("SELECT count(*) FROM rates_in_force WHERE kind = 'adjustment'"):
        return
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE rate_adjustments AS "
        "SELECT k.cell_id, k.meter, k.resource, k.period_start, k.kind, k.rate_id, "
        "list_sort(list(a.rate_id)) AS adjustments "
        "FROM rate_card k JOIN cells c ON c.cell_id = k.cell_id JOIN rates_in_force a ON a.kind = 'adjustment' "
        "AND a.adjusts = k.kind AND a.meter IN ('*', k.meter) AND k.period_start >= a.effective_from "
        f"AND (a.effective_to IS NULL OR k.period_start < a.effective_to) AND {held_sql(contract, 'a', 'k')} "
        "GROUP BY ALL"
    )
    _make(engine)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE rate_card AS {sql_text(_ROOM, 'adjusted_card')}")


def _make(engine: Engine) -> None:
    """Keeps every adjusted rate that is not there yet; a receipt and a single event find it by its name."""
    bases = engine.records(
        "SELECT DISTINCT r.* REPLACE (map_entries(r.conditions) AS conditions), a.adjustments, "
        "concat_ws(' × ', r.rate_id, array_to_string(a.adjustments, ' × ')) AS name "
        "FROM rate_adjustments a JOIN rates r ON r.rate_id = a.rate_id"
    )
    known = {name for (name,) in engine.rows("SELECT rate_id FROM rates WHERE base_rate_id IS NOT NULL")}
    factors = dict(engine.rows("SELECT rate_id, unit_price FROM rates_in_force WHERE kind = 'adjustment'"))
    fresh = [_adjusted(base, factors) for base in bases if base["name"] not in known]
    if fresh:
        insert_rates(engine, fresh)


def _adjusted(base: dict[str, Any], factors: dict[str, Decimal]) -> dict[str, object]:
    said = [factors[name] for name in base["adjustments"]]
    price, each = adjusted_price(base, said)
    conditions = [(entry["key"], entry["value"]) for entry in base["conditions"]]
    row = {name: value for name, value in base.items() if name not in {"adjustments", "name"}}
    named = {"rate_id": base["name"], "base_rate_id": base["rate_id"], "conditions": conditions}
    tiered = {"tiers": Tiered.of(base["tiers"]).times(said).text()} if base["tiers"] else {}
    return row | named | tiered | {"price": price, "unit_price": each}


def adjusted_price(rate: dict[str, Any], factors: list[Decimal]) -> tuple[Decimal, Decimal]:
    """A rate's price and unit price times the factors; the share of a percentage is kept at 12 places, as amounts are.

    >>> adjusted_price({"price": Decimal("0.0464"), "per": Decimal(3600), "meter": "cpu"}, [Decimal("1.15")])[1]
    Decimal('0.000014822222222')
    """
    with exact():
        price = rate["price"]
        for factor in factors:
            price *= factor
        each = unit_price(price, rate["per"])
        if rate["meter"].startswith("@") and rate["meter"] != "@events":
            each = each.quantize(Decimal(1).scaleb(-AMOUNT_SCALE))
        return price.quantize(Decimal(1).scaleb(-UNIT_PRICE_SCALE)), each
