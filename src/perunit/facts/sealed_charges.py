"""What is kept of Stripe's objects and rows, sealed and opened. Enters: SQL of rows to keep, or of rows that were kept.
Leaves: SQL of the same rows sealed, or opened as they came.

Objects and charges are found by keyed marks of their ids; when a charge was made is kept as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perunit.contract.door_formats import DOOR_COLUMNS
from perunit.contract.stripe import STRIPE
from perunit.facts.privacy.seals import STRIPE_OBJECT, STRIPE_ROW, packed_sql, placed, unpacked_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.seals import Seals

__all__ = ["kept_sql", "known_sql", "opened_sql", "said_sql"]

_ROW = DOOR_COLUMNS[STRIPE]
_SAID = {name: _ROW[name] for name in ("charge", "payment_intent", "invoice", "customer", "metadata")}


def said_sql(engine: Engine, seals: Seals, said: str) -> str:
    """What objects say (rows of `stripe_objects`), as it is stored: (object, charge, created, sealed)."""
    marks = f"{seals.mark_sql('object')} AS object, {seals.mark_sql('charge')} AS charge"
    rows = engine.arrow(f"SELECT {marks}, created, {packed_sql(_SAID)} AS sealed FROM {said}", seals.values)
    return placed(engine, "kept_objects", seals.sealed(rows, "sealed", STRIPE_OBJECT))


def known_sql(engine: Engine, seals: Seals, followed: str) -> str:
    """What is known of the objects in `followed` (SQL of their ids) and of their charges.

    Rows of `stripe_objects`, opened, with `of_charge`: by what the charge is found.
    """
    objects = f"SELECT * FROM stripe_objects WHERE object IN (SELECT {seals.mark_sql('id')} FROM ({followed}) AS f(id))"
    sql = (
        f"WITH objects AS ({objects}), charges AS ("
        "SELECT * FROM stripe_objects WHERE object IN (SELECT charge FROM objects)) "
        "SELECT object, charge AS of_charge, created, sealed FROM (FROM objects UNION FROM charges)"
    )
    rows = seals.opened(engine.arrow(sql, seals.values), "sealed", STRIPE_OBJECT)
    opened = placed(engine, "opened_objects", rows)
    return f"SELECT object, of_charge, created, {unpacked_sql(_SAID)} FROM ({opened})"


def kept_sql(engine: Engine, seals: Seals, rows: str) -> str:
    """The rows of ``FROM …`` as (follows, sealed), the mark and the text of each."""
    sql = f"SELECT {seals.mark_sql('follows')} AS follows, {packed_sql(_ROW)} AS sealed {rows}"
    return placed(engine, "kept_rows", seals.sealed(engine.arrow(sql, seals.values), "sealed", STRIPE_ROW))


def opened_sql(engine: Engine, seals: Seals, kept: str, values: Mapping[str, Any]) -> str:
    """Rows of (place, arrived_at, sealed) as place, arrived_at and the columns of the row."""
    opened = placed(engine, "opened_rows", seals.opened(engine.arrow(kept, values), "sealed", STRIPE_ROW))
    return f"SELECT place, arrived_at, {unpacked_sql(_ROW)} FROM ({opened})"
