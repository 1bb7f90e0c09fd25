"""What is kept before it is a fact, or to go on from: text sealed, and what it is found by as a keyed mark.

Enters: rows of a door. Leaves: rows that say nothing without the keys, and the same rows opened. The marks are made
with the key of event ids, which stays when the others rotate: what belongs together is found before and after.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from perunit.engine.duckdb import identifier, literal
from perunit.facts.privacy.keys import keys_of
from perunit.facts.privacy.sealing import Sealer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perunit.contract.project import Project
    from perunit.engine.duckdb import Engine

__all__ = [
    "LABELS",
    "SPAN",
    "STRIPE_OBJECT",
    "STRIPE_ROW",
    "TRACE_VALUE",
    "Seals",
    "packed_sql",
    "placed",
    "seals_of",
    "unpacked_sql",
]

# What such text is bound to.
SPAN, TRACE_VALUE, LABELS = "waiting span", "trace value", "label set"
STRIPE_OBJECT, STRIPE_ROW = "Stripe object", "waiting Stripe row"
_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Seals:
    """Seals and opens columns of text, and makes marks; `values` are what the SQL of marks binds."""

    sealer: Sealer
    values: dict[str, bytes] = field(repr=False)

    def mark_sql(self, text: str) -> str:
        """SQL of 128 bits of HMAC-SHA-256 over SQL of text, in hexadecimal; null of null."""
        return f"left(sha256($mark_outer || unhex(sha256($mark_inner || encode({text})))), {_DIGITS})"

    def sealed(self, rows: pa.Table, column: str, purpose: str) -> pa.Table:
        """The rows with a column of text as it is stored."""
        return _put(rows, column, [self.sealer.seal(text, purpose) for text in rows[column].to_pylist()])

    def opened(self, rows: pa.Table, column: str, purpose: str) -> pa.Table:
        """The rows with a column of stored text as it was."""
        return _put(rows, column, [self.sealer.open(text, purpose) for text in rows[column].to_pylist()])


def _put(rows: pa.Table, column: str, texts: list[str]) -> pa.Table:
    return rows.set_column(rows.column_names.index(column), column, pa.array(texts, pa.string()))


def seals_of(project: Project) -> Seals | None:
    """How a project keeps such rows; None where it keeps them as they come."""
    keys = keys_of(project)
    if keys is None:
        return None
    inner, outer = keys.event_pads()
    return Seals(Sealer(keys), {"mark_inner": inner + b"kept\0", "mark_outer": outer})


def placed(engine: Engine, name: str, rows: pa.Table) -> str:
    """SQL of rows that now stand in a temporary table, which is encrypted where memory is short."""
    engine.register("rows_placed", rows)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM rows_placed")
    engine.unregister("rows_placed")
    return f"SELECT * FROM {name}"


def packed_sql(types: Mapping[str, str]) -> str:
    """SQL of a JSON object of the columns: name → type."""
    fields = ", ".join(f"{identifier(n)} := CAST({identifier(n)} AS {t})" for n, t in _texts(types).items())
    return f"CAST(to_json(struct_pack({fields})) AS VARCHAR)"


def unpacked_sql(types: Mapping[str, str]) -> str:
    """The columns out of a row's JSON, `sealed` once it is opened; one that it has not is null."""
    form = "{" + ", ".join(f'"{name}": "{type_}"' for name, type_ in _texts(types).items()) + "}"
    read = f"from_json(sealed, {literal(form)})"
    return ", ".join(f"CAST({read}.{identifier(n)} AS {t}) AS {identifier(n)}" for n, t in types.items())


def _texts(types: Mapping[str, str]) -> dict[str, str]:
    """JSON has no decimals and no times: as text they lose nothing."""
    return {name: type_ if type_.startswith("MAP") else "VARCHAR" for name, type_ in types.items()}
