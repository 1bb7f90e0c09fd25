"""Waiting spans and what traces have said, sealed and opened. Enters: SQL of rows to keep, or of rows that were kept.
Leaves: SQL of the same rows sealed, or opened with every digit as it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perunit.contract.door_formats import DOOR_COLUMNS
from perunit.facts.privacy.seals import SPAN, TRACE_VALUE, packed_sql, placed, unpacked_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.seals import Seals

__all__ = ["kept_sql", "opened_sql", "said_sql", "saying_sql"]

_TYPES = {name: type_ for name, type_ in DOOR_COLUMNS["otlp_spans"].items() if name != "trace"}


def kept_sql(engine: Engine, seals: Seals, spans: str) -> str:
    """The spans of ``FROM …`` as (trace_id, sealed), the mark and the text of each."""
    sql = f"SELECT {seals.mark_sql('trace_id')} AS trace_id, {packed_sql(_TYPES)} AS sealed {spans}"
    return placed(engine, "kept_spans", seals.sealed(engine.arrow(sql, seals.values), "sealed", SPAN))


def opened_sql(engine: Engine, seals: Seals, kept: str, values: Mapping[str, Any] | None = None) -> str:
    """Rows of (place, trace, sealed) as place, trace and the columns of the span."""
    opened = placed(engine, "opened_spans", seals.opened(engine.arrow(kept, values), "sealed", SPAN))
    return f"SELECT place, trace, {unpacked_sql(_TYPES)} FROM ({opened})"


def said_sql(engine: Engine, seals: Seals, kept: str, values: Mapping[str, Any]) -> str:
    """Rows of `trace_values` with their values opened."""
    return placed(engine, "opened_values", seals.opened(engine.arrow(kept, values), "value", TRACE_VALUE))


def saying_sql(engine: Engine, seals: Seals) -> str:
    """Rows of `trace_news` with their values sealed."""
    return placed(engine, "kept_values", seals.sealed(engine.arrow("FROM trace_news"), "value", TRACE_VALUE))
