"""How well data comes in: freshness, counts and rates by source, producer, day or rule.

Enters: `deliveries`, `quarantine` and what locks say. Leaves: rows. Times are when rows came, not when they happened,
and a window is cut at whole hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from perunit.model.money import exact
from perunit.model.window import naive

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.model.window import Window

__all__ = ["BROKEN", "Delivered", "Limit", "breaches", "broken_rules", "delivered"]

By = Literal["source", "producer", "day"]
_COUNTS = ("received", "accepted", "duplicate", "conflict", "rejected", "ignored", "orphan", "late")
_GROUPS = {"source": ("source",), "producer": ("source", "producer"), "day": ("day", "source")}
BROKEN = ("source", "kind", "rule", "place", "rows", "expected")


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of one source (producer, day): received = accepted + duplicate + conflict + rejected.

    `watermark` is the newest event ever, `last_arrival` when something last came; `restated` counts accepted events
    of a period that had been locked, `unpriced` usage of the window's events without a rate, `waiting` rows that are
    kept until more is known of them; None by producer or day.
    """

    source: str
    producer: str | None
    day: str | None
    received: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    ignored: int
    orphan: int
    late: int
    watermark: datetime | None
    last_arrival: datetime | None
    freshness_seconds: int | None
    restated: int | None = None
    unpriced: int | None = None
    waiting: int | None = None

    @property
    def rates(self) -> dict[str, Decimal | None]:
        """Shares: of what was received, and orphan and late of what was accepted; None of nothing."""
        of_received = {name: (getattr(self, name), self.received) for name in ("rejected", "conflict", "duplicate")}
        of_accepted = {name: (getattr(self, name), self.accepted) for name in ("orphan", "late")}
        return {f"{name}_rate": _share(*pair) for name, pair in (of_received | of_accepted).items()}


def _share(part: int, whole: int) -> Decimal | None:
    with exact():
        return Decimal(part) / Decimal(whole) if whole else None


def delivered(engine: Engine, contract: Contract, window: Window, by: By, now: datetime) -> list[Delivered]:
    """What came in the window; freshness is `now` less the newest event of all time, in whole seconds."""
    names = _GROUPS[by]
    keys = ", ".join("strftime(hour, '%Y-%m-%d') AS day" if name == "day" else name for name in names)
    sums = ", ".join(f"sum({name}) FILTER (inside)::BIGINT AS {name}" for name in _COUNTS)
    condition, values = _within("hour", window)
    rows = engine.records(
        f"SELECT {keys}, {sums}, max(watermark) AS watermark, max(last_arrival) AS last_arrival "
        f"FROM (SELECT *, {condition} AS inside FROM deliveries) GROUP BY {', '.join(names)} "
        f"{'HAVING bool_or(inside) ' if by == 'day' else ''}ORDER BY {', '.join(names)}",
        values,
    )
    more = _beside(engine, contract, window) if by == "source" else {}
    return [_delivered(row, more.get(row["source"], {}), naive(now)) for row in rows]


def _delivered(row: dict[str, Any], more: dict[str, int], now: datetime) -> Delivered:
    watermark = row["watermark"]
    fresh = int((now - watermark).total_seconds()) if watermark else None
    counts = {name: row[name] or 0 for name in _COUNTS}
    return Delivered(
        source=row["source"],
        producer=row.get("producer"),
        day=row.get("day"),
        **counts,
        watermark=watermark,
        last_arrival=row["last_arrival"],
        freshness_seconds=fresh,
        **more,
    )


def _beside(engine: Engine, contract: Contract, window: Window) -> dict[str, dict[str, int]]:
    """Source → its restated, unpriced and waiting counts."""
    came, values = _within("b.ingested_at", window)
    restated = engine.rows(
        f"SELECT b.source, count(*) FROM events e JOIN batches b USING (batch_id) WHERE {came} AND EXISTS "
        "(FROM locks l WHERE e.event_time >= l.period_start AND e.event_time < l.period_end "
        "AND l.locked_at < b.ingested_at) GROUP BY b.source",
        values,
    )
    happened, values = _within("p.window_start", window)
    unpriced = engine.rows(
        "SELECT CASE WHEN c.source IN (SELECT unnest($sources)) THEN c.source ELSE 'cloudevents' END, "
        "sum(p.usage_events)::BIGINT FROM rollup_priced p JOIN cells c USING (cell_id) "
        f"WHERE p.kind = 'cost' AND p.rate_id IS NULL AND NOT p.superseded AND {happened} GROUP BY 1",
        values | {"sources": list(contract.sources)},
    )
    waiting = engine.rows(
        "SELECT source, count(*) FROM (SELECT source FROM stripe_waiting UNION ALL SELECT source FROM waiting_spans) "
        "GROUP BY source"
    )
    sources = [source for (source,) in engine.rows("SELECT DISTINCT source FROM deliveries")]
    counts = {"restated": dict(restated), "unpriced": dict(unpriced), "waiting": dict(waiting)}
    return {source: {name: found.get(source, 0) for name, found in counts.items()} for source in sources}


def broken_rules(engine: Engine, window: Window, limit: int) -> list[dict[str, Any]]:
    """The rules that rows of the window broke, those of most rows first, replayed ones too."""
    came, values = _within("quarantined_at", window)
    return engine.records(
        "SELECT source, kind, rule, place, count(*) AS rows, any_value(expected ORDER BY quarantine_id) AS expected "
        f"FROM quarantine WHERE {came} GROUP BY source, kind, rule, place "
        "ORDER BY rows DESC, source, kind, rule, place LIMIT $limit",
        values | {"limit": limit},
    )


def _within(column: str, window: Window) -> tuple[str, dict[str, datetime]]:
    parts, values = ["true"], dict[str, "datetime"]()
    for side, operator in (("start", ">="), ("end", "<")):
        if (at := getattr(window, side)) is not None:
            parts.append(f"{column} {operator} ${side}")
            values[side] = naive(at)
    return " AND ".join(parts), values


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure of a source must be at most this: ``freshness_seconds``, or one of the rates."""

    figure: str
    at_most: Decimal


def breaches(rows: Iterable[Delivered], limits: Iterable[Limit]) -> list[tuple[Delivered, Limit, Decimal]]:
    """Which source is beyond which limit, and by what figure; a figure that is not known breaks none."""
    limits = list(limits)
    return [
        (row, limit, figure)
        for row in rows
        for limit in limits
        if (figure := _figure(row, limit.figure)) is not None and figure > limit.at_most
    ]


def _figure(row: Delivered, name: str) -> Decimal | None:
    if name != "freshness_seconds":
        return row.rates[name]
    return None if row.freshness_seconds is None else Decimal(row.freshness_seconds)
