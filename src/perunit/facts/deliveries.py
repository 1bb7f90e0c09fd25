"""Counts what came by hour, source and producer. Enters: the group that was loaded last. Leaves: partial rows of
`deliveries`, in the transaction of the group's rows; compacted once their hour is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perunit.model.window import naive

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.engine.duckdb import Engine
    from perunit.facts.load import Batch

__all__ = ["OTHER", "compact_deliveries", "count_deliveries"]

# Producers of a source and hour that are told apart; what further ones send is counted under OTHER.
PRODUCERS_MAX = 200
OTHER = "__other__"

_SUMMED = ("received", "accepted", "duplicate", "conflict", "rejected", "ignored", "orphan", "late")


def count_deliveries(
    engine: Engine, batch: Batch, producer: str, late: tuple[str, dict[str, Any]], ignored: int
) -> None:
    """Counts the staged rows by who sent them: what the row says by `producer`, else the arrival it came with.

    `producer` and `late` (with what it binds) are SQL over a staged row ``s`` and, for rows of a door, the row ``i`` as
    it came. `ignored` rows were not staged, so that they are counted under no name.
    """
    came = "LEFT JOIN incoming i ON i.position = s.position " if producer.startswith("i.") else ""
    sent = "$producers[(s.position >> 32) + 1]" if batch.producers else "NULL"
    accepted = "s.reject IS NULL AND r.kind IS NULL"
    at = naive(batch.ingested_at)
    engine.execute(
        "INSERT INTO deliveries BY NAME SELECT $hour AS hour, $source AS source, "
        f"CASE WHEN dense_rank() OVER (ORDER BY p.producer) <= {PRODUCERS_MAX} THEN p.producer ELSE '{OTHER}' END "
        "AS producer, p.* EXCLUDE (producer), 0 AS ignored, $at AS last_arrival FROM ("
        f"SELECT coalesce({producer}, {sent}, '') AS producer, count(*) AS received, "
        f"count(*) FILTER ({accepted}) AS accepted, "
        "count(*) FILTER (r.kind = 'duplicate') AS duplicate, count(*) FILTER (r.kind = 'conflict') AS conflict, "
        f"count(s.reject) AS rejected, count(*) FILTER ({accepted} AND s.orphan_mask <> 0) AS orphan, "
        f"count(*) FILTER ({accepted} AND {late[0]}) AS late, "
        f"max(s.event_time) FILTER ({accepted}) AS watermark "
        f"FROM staged s LEFT JOIN repeats r ON r.position = s.position {came}GROUP BY 1) p",
        {"hour": _hour(at), "source": batch.source, "at": at}
        | late[1]
        | ({"producers": list(batch.producers)} if batch.producers else {}),
    )
    if ignored:
        engine.execute(
            "INSERT INTO deliveries BY NAME SELECT $hour AS hour, $source AS source, '' AS producer, "
            f"{', '.join(f'0 AS {name}' for name in _SUMMED if name != 'ignored')}, $ignored AS ignored, "
            "$at AS last_arrival",
            {"hour": _hour(at), "source": batch.source, "ignored": ignored, "at": at},
        )


def compact_deliveries(engine: Engine, now: datetime) -> None:
    """Makes one row of the partial rows of each hour, source and producer, for hours that are over."""
    over = {"now": _hour(naive(now))}
    partial = "SELECT hour, source, producer FROM deliveries WHERE hour < $now GROUP BY ALL HAVING count(*) > 1"
    if not engine.value(f"SELECT count(*) FROM ({partial})", over):
        return
    sums = ", ".join(f"sum({name})::BIGINT AS {name}" for name in _SUMMED)
    with engine.transaction():
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE compacted AS SELECT hour, source, producer, {sums}, "
            "max(watermark) AS watermark, max(last_arrival) AS last_arrival FROM deliveries WHERE hour < $now "
            "GROUP BY hour, source, producer",
            over,
        )
        engine.execute("DELETE FROM deliveries WHERE hour < $now", over)
        engine.execute("INSERT INTO deliveries BY NAME FROM compacted")


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
