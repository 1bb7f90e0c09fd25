"""What a trace knows of its unit. Enters: spans as they arrive, in any order. Leaves: those whose trace is known.

A mapping that names ``trace['order.id']`` means that attribute on any span of the same trace, the root's before
others. A root ends last, so its children come before it: a span of the source whose trace does not yet have every key
that the mapping names waits in the store, with the batch it came in, until a span brings it or its time is up. Then it
enters with what is known.

Spans that are not the source's own bring values too: a unit's id is often on the root of another service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from perunit.contract.door_formats import DOOR_COLUMNS
from perunit.contract.expression import parse
from perunit.engine.duckdb import identifier, literal
from perunit.facts.tables import match_sql
from perunit.model.window import naive

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    import pyarrow as pa

    from perunit.contract.shape import Source
    from perunit.engine.duckdb import Engine

__all__ = ["Traces", "Waiting", "forget", "review", "stranded", "traces_of"]

# How long a trace's values are remembered for spans still to come, in times of `wait_seconds`.
_REMEMBERED = 10


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many spans of a source wait, and how many of them have waited their time."""

    spans: int
    due: int


_SPANS = tuple(name for name in DOOR_COLUMNS["otlp_spans"] if name != "trace")


@dataclass(frozen=True, slots=True)
class Traces:
    """How the spans of one source wait: for which attributes of their trace, which of them, and how long."""

    source: str
    keys: tuple[str, ...]
    match_sql: str
    wait: timedelta

    def hold_back(self, engine: Engine, now: datetime, released_from: int) -> None:
        """Makes `incoming` of the spans in ``arrived`` and of those that wait no longer, `trace` filled.

        Released spans have positions from `released_from`. Changes nothing of the store; `keep` does, in the
        transaction of the rows.
        """
        values = {"source": self.source, "due": naive(now - self.wait)}
        engine.execute(f"CREATE OR REPLACE TEMP TABLE trace_news AS {self._news_sql()}", values)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE trace_known AS {_KNOWN}")
        complete = f"k.keys = {len(self.keys)}"
        engine.execute(
            "CREATE OR REPLACE TEMP TABLE trace_released AS SELECT w.rowid AS place, k.trace "
            "FROM waiting_spans w LEFT JOIN trace_known k USING (trace_id) "
            f"WHERE w.source = $source AND (coalesce({complete}, false) OR w.received_at <= $due)",
            values,
        )
        engine.execute(
            "CREATE OR REPLACE TEMP TABLE trace_held AS "
            "SELECT position FROM arrived a LEFT JOIN trace_known k USING (trace_id) WHERE a.trace_id IS NOT NULL "
            f"AND NOT coalesce({complete}, false) AND coalesce(TRY({self.match_sql}), false)"
        )
        columns = ", ".join(map(identifier, _SPANS))
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT position, {columns}, k.trace "
            "FROM arrived ANTI JOIN trace_held USING (position) LEFT JOIN trace_known k USING (trace_id) "
            f"UNION ALL SELECT {released_from} + row_number() OVER (ORDER BY r.place), {columns}, r.trace "
            "FROM waiting_spans w JOIN trace_released r ON r.place = w.rowid"
        )

    def keep(self, engine: Engine, now: datetime) -> dict[int, int]:
        """Stores what waits and what is now known, in the transaction of the rows that `hold_back` let through.

        Gives arrival → how many of its spans wait, by the upper half of their positions (see `arrivals.py`); where
        spans that had waited were let through, that of no arrival → 0.
        """
        values = {"source": self.source, "now": naive(now)}
        engine.execute("DELETE FROM waiting_spans WHERE rowid IN (SELECT place FROM trace_released)")
        columns = ", ".join(map(identifier, _SPANS))
        engine.execute(
            f"INSERT INTO waiting_spans (source, received_at, {columns}) SELECT $source, $now, {columns} "
            "FROM arrived SEMI JOIN trace_held USING (position)",
            values,
        )
        engine.execute(
            "DELETE FROM trace_values v WHERE source = $source AND EXISTS "
            "(FROM trace_news n WHERE n.trace_id = v.trace_id AND n.key = v.key)",
            values,
        )
        engine.execute(
            "INSERT INTO trace_values SELECT $source, trace_id, key, value, root, start_time, $now FROM trace_news",
            values,
        )
        engine.unregister("arrived")
        return dict(
            engine.rows(
                "SELECT position >> 32, count(*) FROM trace_held GROUP BY ALL "
                "UNION ALL SELECT -1, 0 FROM trace_released HAVING count(*) > 0"
            )
        )

    def _news_sql(self) -> str:
        """The best value of each key, for traces that came or are due: the root's, then that of the earliest span."""
        found = " UNION ALL ".join(
            f"SELECT trace_id, {literal(key)} AS key, attributes[{literal(key)}] AS value, "
            f"parent_span_id IS NULL AS root, start_time FROM arrived WHERE attributes[{literal(key)}] IS NOT NULL"
            for key in self.keys
        )
        stored = (
            "SELECT trace_id, key, value, root, start_time FROM trace_values WHERE source = $source AND trace_id IN "
            "(SELECT trace_id FROM arrived UNION ALL "
            "SELECT trace_id FROM waiting_spans WHERE source = $source AND received_at <= $due)"
        )
        return (
            f"SELECT * FROM ({found} UNION ALL {stored}) WHERE trace_id IS NOT NULL QUALIFY row_number() OVER "
            "(PARTITION BY trace_id, key ORDER BY root DESC, start_time NULLS LAST, value) = 1"
        )


_KNOWN = "SELECT trace_id, map(list(key), list(value)) AS trace, count(*) AS keys FROM trace_news GROUP BY trace_id"


def traces_of(name: str, source: Source) -> Traces | None:
    """How a source's spans wait; None where its expressions do not name ``trace``."""
    if source.format != "otlp_spans":
        return None
    named = [reference for text in source.expressions() for reference in parse(text).references]
    keys = dict.fromkeys(each.parts[1] for each in named if each.root == "trace" and len(each.parts) > 1)
    if not keys:
        return None
    return Traces(name, tuple(keys), match_sql(source), timedelta(seconds=source.wait_seconds))


def review(engine: Engine, every: Sequence[Traces], now: datetime) -> dict[str, Waiting]:
    """How many spans of each source wait; forgets what traces have said that are long over."""
    found = {}
    for traces in every:
        old = {"source": traces.source, "old": naive(now - _REMEMBERED * traces.wait)}
        engine.execute("DELETE FROM trace_values WHERE source = $source AND seen_at < $old", old)
        values = {"source": traces.source, "due": naive(now - traces.wait)}
        sql = "SELECT count(*), count(*) FILTER (received_at <= $due) FROM waiting_spans WHERE source = $source"
        found[traces.source] = Waiting(*engine.rows(sql, values)[0])
    return found


def stranded(engine: Engine, sources: Collection[str], until: datetime) -> dict[str, pa.Table]:
    """Spans that wait for another source than `sources`, those whose spans wait by today's contract: source → rows."""
    found = {}
    for (source,) in engine.rows("SELECT DISTINCT source FROM waiting_spans ORDER BY source"):
        if source not in sources:
            columns = ", ".join(map(identifier, _SPANS))
            found[source] = engine.arrow(
                f"SELECT row_number() OVER () - 1 AS position, {columns}, CAST(NULL AS MAP(VARCHAR, VARCHAR)) AS trace "
                "FROM waiting_spans WHERE source = $source AND received_at <= $until",
                {"source": source, "until": naive(until)},
            )
    return found


def forget(engine: Engine, source: str, until: datetime) -> None:
    """Takes away what waits for a source since `until` or longer; in the transaction in which it came in."""
    values = {"source": source, "until": naive(until)}
    engine.execute("DELETE FROM waiting_spans WHERE source = $source AND received_at <= $until", values)
