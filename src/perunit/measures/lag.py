"""How late data is, and how its faults go over time. Enters: a window of arrival. Leaves: counts and rates."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perunit.model.money import divide
from perunit.model.window import closed_bounds

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.model.window import Window

__all__ = ["BOUNDS_SECONDS", "FaultRates", "Lag", "fault_rates", "lags"]

BOUNDS_SECONDS = (0, 1, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400, 604_800, 2_592_000)


@dataclass(frozen=True, slots=True)
class Lag:
    """Events that came at most this long after they happened, and later than the bucket before; None: later still."""

    up_to_seconds: int | None
    events: int


def lags(engine: Engine, window: Window, source: str | None) -> tuple[Lag, ...]:
    """A histogram of ingested_at − event_time of the events that came in a closed window."""
    lag = "epoch(b.ingested_at - e.event_time)"
    # One comparison a bound, which the engine does on whole vectors.
    bucket = " + ".join(f"CAST({lag} > {bound} AS INTEGER)" for bound in BOUNDS_SECONDS)
    rows = engine.rows(
        f"SELECT {bucket} AS bucket, count(*) FROM batches b JOIN events e ON e.batch_id = b.batch_id "
        "WHERE b.ingested_at >= $start AND b.ingested_at < $end AND ($source IS NULL OR b.source = $source) GROUP BY 1",
        closed_bounds(window) | {"source": source},
    )
    found = dict(rows)
    return tuple(Lag(bound, found.get(number, 0)) for number, bound in enumerate((*BOUNDS_SECONDS, None)))


@dataclass(frozen=True, slots=True)
class FaultRates:
    """What came of a source in an hour or a day; `rules` counts the rows that broke each rule.

    `unpriced` is of usage that happened then, whenever it came; the rest is of what came then.
    """

    bucket: datetime
    source: str
    received: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    orphan: int
    late: int
    unpriced: int
    duplicate_rate: Decimal | None
    rejected_rate: Decimal | None
    orphan_rate: Decimal | None
    late_rate: Decimal | None
    rules: dict[str, int]


_COUNTS = ("received", "accepted", "duplicate", "conflict", "rejected", "orphan", "late")


def fault_rates(engine: Engine, contract: Contract, window: Window, grain: str) -> tuple[FaultRates, ...]:
    """The rates of a closed window by `grain` (hour or day) and source, oldest first."""
    bounds = closed_bounds(window)
    values = bounds | {"grain": grain}
    came = engine.records(
        f"SELECT date_trunc($grain, hour) AS bucket, source, {', '.join(f'sum({c})::BIGINT AS {c}' for c in _COUNTS)} "
        "FROM deliveries WHERE hour >= $start AND hour < $end GROUP BY 1, 2",
        values,
    )
    broken: dict[tuple[Any, str], dict[str, int]] = {}
    for bucket, source, rule, rows in engine.rows(
        "SELECT date_trunc($grain, quarantined_at), source, rule, count(*) FROM quarantine WHERE kind = 'rejected' "
        "AND quarantined_at >= $start AND quarantined_at < $end GROUP BY ALL ORDER BY ALL",
        values,
    ):
        broken.setdefault((bucket, source), {})[rule] = rows
    unpriced = {(bucket, source): count for bucket, source, count in _unpriced(engine, contract, values)}
    known = {(row["bucket"], row["source"]): row for row in came}
    nothing = dict.fromkeys(_COUNTS, 0)
    keys = sorted({*known, *unpriced})
    return tuple(_rates(key, known.get(key, nothing), unpriced.get(key, 0), broken.get(key, {})) for key in keys)


def _unpriced(engine: Engine, contract: Contract, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    return engine.rows(
        "SELECT date_trunc($grain, p.window_start), CASE WHEN c.source IN (SELECT unnest($sources)) THEN c.source "
        "ELSE 'cloudevents' END, sum(p.usage_events)::BIGINT FROM rollup_priced p JOIN cells c USING (cell_id) "
        "WHERE p.kind = 'cost' AND p.rate_id IS NULL AND NOT p.superseded AND p.window_start >= $start "
        "AND p.window_start < $end GROUP BY 1, 2",
        values | {"sources": list(contract.sources)},
    )


def _rates(key: tuple[datetime, str], row: dict[str, Any], unpriced: int, rules: dict[str, int]) -> FaultRates:
    counts = {name: row[name] for name in _COUNTS}
    of = {"duplicate": "received", "rejected": "received", "orphan": "accepted", "late": "accepted"}
    rates: dict[str, Any] = {f"{name}_rate": divide(Decimal(counts[name]), counts[whole]) for name, whole in of.items()}
    bucket, source = key
    return FaultRates(bucket, source, **counts, unpriced=unpriced, **rates, rules=rules)
