"""Prices by volume: what each month comes to and who bears it. Enters: `rollup_priced` with 0 at such rates.
Leaves: the same with each month's charge split over the usage behind it, in proportion to quantity.

The charge depends on a month's total, so it is written anew once all usage is in. Splits go by time, content of the
cell and resource, never by arrival, so that any order of files ends with the same digits.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa

from perunit.engine.files import sql_text
from perunit.model.errors import InputError
from perunit.model.money import exact
from perunit.model.sampling import WEIGHT_SCALE
from perunit.model.tiers import CHARGE_SCALE, Tiered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from perunit.engine.duckdb import Engine

__all__ = ["charge_tiers", "define_splits", "has_tiers"]

_ROOM = "economics.price"
# Of a quantity times a weight.
_PLACES = 12 + WEIGHT_SCALE
# What DECIMAL(38, 24) holds before the point.
_MOST = 10 ** (14 + CHARGE_SCALE)
# Every base rate's usage of a month, by what adjustments have made of the rate.
_TOTALS = (
    "SELECT coalesce(r.base_rate_id, r.rate_id) AS base, CAST(date_trunc('month', p.window_start) AS TIMESTAMP) "
    "AS month, p.rate_id, r.tiers, coalesce(c.weight, 1) AS weight, sum(p.quantity) AS quantity "
    "FROM rollup_priced p JOIN rates r ON r.rate_id = p.rate_id JOIN cells c ON c.cell_id = p.cell_id "
    "WHERE r.tiers IS NOT NULL GROUP BY ALL ORDER BY base, month, p.rate_id, weight"
)
_Total = tuple[str, "datetime", str, str, Decimal, Decimal]


def has_tiers(engine: Engine) -> bool:
    """Whether any rate that the store knows is by volume."""
    return bool(engine.value("SELECT count(*) FROM rates WHERE tiers IS NOT NULL"))


def define_splits(engine: Engine) -> None:
    """Defines the functions by which SQL files split amounts to the last digit."""
    engine.execute(sql_text("economics.attribute", "macros"))


def charge_tiers(engine: Engine) -> None:
    """Splits the charge of each month and rate by volume over its rows of `rollup_priced`.

    Raises InputError where a month comes to more than an amount can hold.
    """
    if not has_tiers(engine):
        return
    totals: list[_Total] = [tuple(row) for row in engine.rows(_TOTALS)]
    charges = [charge for _, month in groupby(totals, key=lambda row: row[:2]) for charge in _charges(list(month))]
    engine.register("tier_charges", pa.Table.from_pylist(charges, schema=_CHARGES))
    define_splits(engine)
    with engine.transaction():
        engine.execute(f"CREATE OR REPLACE TEMP TABLE tiered_amounts AS {sql_text(_ROOM, 'tiered_amounts')}")
        engine.execute("DELETE FROM rollup_priced WHERE rate_id IN (SELECT rate_id FROM tier_charges)")
        engine.execute("INSERT INTO rollup_priced BY NAME FROM tiered_amounts")
    engine.unregister("tier_charges")


_CHARGES = pa.schema(
    [("rate_id", pa.string()), ("month", pa.timestamp("us")), ("charge", pa.decimal128(38, CHARGE_SCALE))]
)


def _charges(month: list[_Total]) -> Iterator[dict[str, object]]:
    """The charge of one month of a base rate, split over its adjusted rates and then multiplied by their factors.

    The month comes to what its sample stands for; the sample bears its own share of it, which its weights make whole.
    """
    with exact():
        rates = [_weighed(list(rows)) for _, rows in groupby(month, key=lambda row: row[2])]
        total = sum((weighed for *_, weighed in rates), Decimal(0))
        weights = [(int(own.scaleb(_PLACES)), int(weighed.scaleb(_PLACES))) for *_, own, weighed in rates]
    whole, quanta, upto = sum(weight for _, weight in weights), Tiered.of(month[0][3]).quanta(total), 0
    for (at, rate_id, tiers, *_), (own, weight) in zip(rates, weights, strict=True):
        part = quanta * (upto + weight) // whole - quanta * upto // whole if whole else 0
        upto += weight
        charge = Tiered.of(tiers).adjusted(part)
        if own != weight:
            charge = charge * own // weight
        if charge >= _MOST:
            raise InputError(f"{rate_id}: the charge of {at:%Y-%m} has more than 14 digits; correct the price or usage")
        with exact():
            yield {"rate_id": rate_id, "month": at, "charge": Decimal(charge).scaleb(-CHARGE_SCALE)}


def _weighed(rows: list[_Total]) -> tuple[datetime, str, str, Decimal, Decimal]:
    """(month, rate, tiers, the quantity measured, the quantity it stands for) of one rate."""
    own = sum((quantity for *_, quantity in rows), Decimal(0))
    return (*rows[0][1:4], own, sum((weight * quantity for *_, weight, quantity in rows), Decimal(0)))
