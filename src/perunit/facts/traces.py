"""What a trace knows of its unit. Enters: spans as they arrive, in any order. Leaves: those whose trace is known.

A mapping that names ``trace['order.id']`` means that attribute on any span of the same trace, the root's before
others. A root ends last, so its children come before it: a span of the source whose trace does not yet have every key
that the mapping names waits in the store, with the batch it came in, until a span brings it or its time is up. Then it
enters with what is known.

Spans that are not the source's own bring values too: a unit's id is often on the root of another service.

With pseudonyms, what waits and what traces have said is sealed, and traces are found by a keyed mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from perunit.contract.door_formats import DOOR_COLUMNS
from perunit.contract.expression import parse
from perunit.engine.duckdb import identifier, literal
from perunit.facts import sealed_spans
from perunit.facts.tables import match_sql
from perunit.model.window import naive

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    import pyarrow as pa

    from perunit.contract.shape import Source
    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.seals import Seals

__all__ = ["Traces", "Waiting", "forget", "review", "stranded", "traces_of"]

# How long a trace's values are remembered for spans still to come, in times of `wait_seconds`.
_REMEMBERED = 10


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many spans of a source wait, and how many of them have waited their time."""

    spans: int
    due: int


_SPANS = tuple(name for name in DOOR_COLUMNS["otlp_spans"] if name != "trace")
_COLUMNS = ", ".join(map(identifier, _SPANS))


@dataclass(frozen=True, slots=True)
class Traces:
    """How the spans of one source wait: for which attributes of their trace, which of them, how long, and sealed or
    as they came.
    """

    source: str
    keys: tuple[str, ...]
    match_sql: str
    wait: timedelta
    seals: Seals | None = None

    def hold_back(self, engine: Engine, now: datetime, released_from: int) -> None:
        """Makes `incoming` of the spans in ``arrived`` and of those that wait no longer, `trace` filled.

        Released spans have positions from `released_from`. Changes nothing of the store; `keep` does, in the
        transaction of the rows.
        """
        values = {"source": self.source, "due": naive(now - self.wait), **self._marks()}
        engine.execute(f"CREATE OR REPLACE TEMP TABLE trace_news AS {self._news_sql(engine, values)}", values)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE trace_known AS {_KNOWN}")
        complete = f"k.keys = {len(self.keys)}"
        engine.execute(
            "CREATE OR REPLACE TEMP TABLE trace_released AS SELECT w.rowid AS place, k.trace "
            "FROM waiting_spans w LEFT JOIN trace_known k ON k.of_trace = w.trace_id "
            f"WHERE w.source = $source AND (coalesce({complete}, false) OR w.received_at <= $due)",
            values,
        )
        known = f"LEFT JOIN trace_known k ON k.of_trace = {self._trace_sql('a.trace_id')}"
        engine.execute(
            "CREATE OR REPLACE TEMP TABLE trace_held AS "
            f"SELECT position FROM arrived a {known} WHERE a.trace_id IS NOT NULL "
            f"AND NOT coalesce({complete}, false) AND coalesce(TRY({self.match_sql}), false)",
            values,
        )
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT position, {_COLUMNS}, k.trace "
            f"FROM (FROM arrived ANTI JOIN trace_held USING (position)) a {known} "
            f"UNION ALL SELECT {released_from} + row_number() OVER (ORDER BY place), {_COLUMNS}, trace "
            f"FROM ({self._released_sql(engine)})",
            values,
        )

    def keep(self, engine: Engine, now: datetime) -> dict[int, int]:
        """Stores what waits and what is now known, in the transaction of the rows that `hold_back` let through.

        Gives arrival → how many of its spans wait, by the upper half of their positions (see `arrivals.py`); where
        spans that had waited were let through, that of no arrival → 0.
        """
        values = {"source": self.source, "now": naive(now)}
        engine.execute("DELETE FROM waiting_spans WHERE rowid IN (SELECT place FROM trace_released)")
        engine.execute(f"INSERT INTO waiting_spans {self._held_sql(engine)}", values)
        engine.execute(
            "DELETE FROM trace_values v WHERE source = $source AND EXISTS "
            "(FROM trace_news n WHERE n.trace_id = v.trace_id AND n.key = v.key)",
            values,
        )
        engine.execute(
            "INSERT INTO trace_values SELECT $source, trace_id, key, value, root, start_time, $now "
            f"FROM ({self._said_sql(engine)})",
            values,
        )
        engine.unregister("arrived")
        return dict(
            engine.rows(
                "SELECT position >> 32, count(*) FROM trace_held GROUP BY ALL "
                "UNION ALL SELECT -1, 0 FROM trace_released HAVING count(*) > 0"
            )
        )

    def _marks(self) -> dict[str, bytes]:
        return self.seals.values if self.seals else {}

    def _trace_sql(self, trace_id: str) -> str:
        """What a trace is known by in the store."""
        return self.seals.mark_sql(trace_id) if self.seals else trace_id

    def _news_sql(self, engine: Engine, values: Mapping[str, Any]) -> str:
        """The best value of each key, for traces that came or are due: the root's, then that of the earliest span."""
        trace = self._trace_sql("trace_id")
        found = " UNION ALL ".join(
            f"SELECT {trace} AS trace_id, {literal(key)} AS key, attributes[{literal(key)}] AS value, "
            f"parent_span_id IS NULL AS root, start_time FROM arrived WHERE attributes[{literal(key)}] IS NOT NULL"
            for key in self.keys
        )
        stored = (
            "SELECT trace_id, key, value, root, start_time FROM trace_values WHERE source = $source AND trace_id IN "
            f"(SELECT {trace} FROM arrived UNION ALL "
            "SELECT trace_id FROM waiting_spans WHERE source = $source AND received_at <= $due)"
        )
        if self.seals:
            stored = sealed_spans.said_sql(engine, self.seals, stored, values)
        return (
            f"SELECT * FROM ({found} UNION ALL {stored}) WHERE trace_id IS NOT NULL QUALIFY row_number() OVER "
            "(PARTITION BY trace_id, key ORDER BY root DESC, start_time NULLS LAST, value) = 1"
        )

    def _released_sql(self, engine: Engine) -> str:
        """The spans that wait no longer: their place, their columns and what is known of their trace."""
        released = "FROM waiting_spans w JOIN trace_released r ON r.place = w.rowid"
        if self.seals:
            return sealed_spans.opened_sql(engine, self.seals, f"SELECT r.place, r.trace, w.sealed {released}")
        return f"SELECT r.place, r.trace, {_COLUMNS} {released}"

    def _held_sql(self, engine: Engine) -> str:
        """The rows of `waiting_spans` that are new, after the names of their columns."""
        held = "FROM arrived SEMI JOIN trace_held USING (position)"
        if self.seals:
            kept = sealed_spans.kept_sql(engine, self.seals, held)
            return f"(source, received_at, trace_id, sealed) SELECT $source, $now, trace_id, sealed FROM ({kept})"
        return f"(source, received_at, {_COLUMNS}) SELECT $source, $now, {_COLUMNS} {held}"

    def _said_sql(self, engine: Engine) -> str:
        """What is now known of traces, as it is stored."""
        return sealed_spans.saying_sql(engine, self.seals) if self.seals else "FROM trace_news"


_KNOWN = (
    "SELECT trace_id AS of_trace, map(list(key), list(value)) AS trace, count(*) AS keys FROM trace_news "
    "GROUP BY trace_id"
)


def traces_of(name: str, source: Source, seals: Seals | None = None) -> Traces | None:
    """How a source's spans wait; None where its expressions do not name ``trace``. `seals` are the project's."""
    if source.format != "otlp_spans":
        return None
    named = [reference for text in source.expressions() for reference in parse(text).references]
    keys = dict.fromkeys(each.parts[1] for each in named if each.root == "trace" and len(each.parts) > 1)
    if not keys:
        return None
    return Traces(name, tuple(keys), match_sql(source), timedelta(seconds=source.wait_seconds), seals)


_NO_TRACE = "CAST(NULL AS MAP(VARCHAR, VARCHAR))"
_KEPT_UNTIL = "FROM waiting_spans WHERE source = $source AND received_at <= $until"


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


def stranded(
    engine: Engine, sources: Collection[str], until: datetime, seals: Seals | None = None
) -> dict[str, pa.Table]:
    """Spans that wait for another source than `sources`, those whose spans wait by today's contract: source → rows."""
    found = {}
    for (source,) in engine.rows("SELECT DISTINCT source FROM waiting_spans ORDER BY source"):
        if source not in sources:
            values = {"source": source, "until": naive(until)}
            rows = f"{_NO_TRACE} AS trace, {'sealed' if seals else _COLUMNS} {_KEPT_UNTIL}"
            if seals:
                rows = sealed_spans.opened_sql(engine, seals, f"SELECT rowid AS place, {rows}", values)
            else:
                rows = f"SELECT {rows}"
            sql = f"SELECT row_number() OVER () - 1 AS position, {_COLUMNS}, trace FROM ({rows})"
            found[source] = engine.arrow(sql, values)
    return found


def forget(engine: Engine, source: str, until: datetime) -> None:
    """Takes away what waits for a source since `until` or longer; in the transaction in which it came in."""
    engine.execute(f"DELETE {_KEPT_UNTIL}", {"source": source, "until": naive(until)})
