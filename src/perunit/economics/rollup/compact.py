"""Makes one row of the partial rows that batches have appended. Enters: rollup tables. Leaves: the same sums in fewer
rows, so that a query reads no more of them however often there was a commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine

__all__ = ["compact"]


@dataclass(frozen=True, slots=True)
class _Table:
    """What makes a row, and which columns are summed, least or greatest over its partial rows."""

    time: str
    keys: str
    sums: str
    least: str = ""
    greatest: str = ""


_AMOUNTS = "revenue discount refund fee tax cost"
_TABLES = {
    "rollup": _Table("window_start", "cell_id", f"events duplicates late {_AMOUNTS}"),
    "rollup_usage": _Table("window_start", "cell_id meter resource", "usage_events quantity"),
    "rollup_priced": _Table(
        "window_start", "cell_id kind meter resource rate_id currency superseded", "usage_events quantity amount"
    ),
    "rollup_latency": _Table("day", "cell_id bucket", "observations latency_sum", "latency_min", "latency_max"),
    "rollup_units": _Table("window_start", "unit_type cell_id weight", "opened"),
    "unit_days": _Table(
        "day",
        "unit_type unit_key currency",
        f"events attempts successes {_AMOUNTS} priced_cost priced_revenue priced_fee unpriced",
        "first_time weight",
        "last_time",
    ),
}


def compact(engine: Engine, *, partial_rows: int) -> int:
    """Sums up the partial rows of every time that has at least `partial_rows` more than it needs, and as many again.

    Returns how many rows are fewer. Times (windows, days) are rewritten whole, each table in a transaction.
    """
    return sum(_compact(engine, name, table, partial_rows) for name, table in _TABLES.items())


def _compact(engine: Engine, name: str, table: _Table, partial_rows: int) -> int:
    keys = ", ".join((table.time, *table.keys.split()))
    crowded = [
        time
        for time, rows, needed in engine.rows(
            f"SELECT {table.time}, sum(rows), count(*) FROM (SELECT {keys}, count(*) AS rows FROM {name} WHERE "
            f"{table.time} IN (SELECT {table.time} FROM {name} GROUP BY 1 HAVING count(*) >= $partial) "
            f"GROUP BY {keys}) GROUP BY 1",
            {"partial": partial_rows},
        )
        if rows - needed >= max(partial_rows, needed)
    ]
    if not crowded:
        return 0
    with engine.transaction():
        before = engine.value(f"SELECT count(*) FROM {name}")
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE compacted AS SELECT {keys}, {_summed(table)} FROM {name} "
            f"WHERE {table.time} IN (SELECT unnest($crowded)) GROUP BY {keys}",
            {"crowded": crowded},
        )
        engine.execute(f"DELETE FROM {name} WHERE {table.time} IN (SELECT unnest($crowded))", {"crowded": crowded})
        engine.execute(f"INSERT INTO {name} BY NAME FROM compacted")
        after: int = engine.value(f"SELECT count(*) FROM {name}")
    engine.execute("DROP TABLE compacted")
    return int(before - after)


def _summed(table: _Table) -> str:
    parts = [
        f"{function}({column}) AS {column}"
        for function, columns in (("sum", table.sums), ("min", table.least), ("max", table.greatest))
        for column in columns.split()
    ]
    return ", ".join(parts)
