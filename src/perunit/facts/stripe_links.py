"""To whom a refund, a dispute or a fee belongs: to whom the charge does that it follows.

Stripe tells of a charge's unit once, in the charge's metadata; what follows names only the charge, and may come
before it. Enters: rows of the format ``stripe`` and what objects say of each other. Leaves: the rows with what their
charge says, or, where that is not known yet, rows that wait for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from perunit.engine.duckdb import identifier
from perunit.facts.doors.formats import schema_of
from perunit.model.window import naive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from perunit.engine.duckdb import Engine

__all__ = ["learn", "linked_sql", "park", "ready", "release", "table_of"]

_KNOWN = pa.schema(
    [
        ("object", pa.string()),
        ("charge", pa.string()),
        ("created", pa.timestamp("us")),
        *((name, pa.string()) for name in ("payment_intent", "invoice", "customer")),
        ("metadata", pa.map_(pa.string(), pa.string())),
    ]
)
_INHERITED = ("payment_intent", "invoice", "customer")


def table_of(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows as the door made them, in the form of an arrival."""
    schema = schema_of("stripe")
    placed = ({**row, "position": number, "metadata": list(row["metadata"].items())} for number, row in enumerate(rows))
    return pa.Table.from_pylist(list(placed), schema)


def learn(engine: Engine, known: Sequence[dict[str, Any]]) -> None:
    """Keeps what objects say of charges; of a charge that is known already, what was said first stands."""
    if not known:
        return
    rows = [{**each, "metadata": list(each.get("metadata", {}).items())} for each in known]
    engine.register("stripe_said", pa.Table.from_pylist(rows, _KNOWN))
    engine.execute(
        "INSERT INTO stripe_objects SELECT * FROM stripe_said "
        "QUALIFY row_number() OVER (PARTITION BY object) = 1 ON CONFLICT DO NOTHING"
    )
    engine.unregister("stripe_said")


def linked_sql(relation: str) -> str:
    """SQL of the rows of `relation`, each with what its charge says, and `linked`: whether that is known.

    A row's own metadata stand above its charge's. A fee may follow a refund or a dispute, which follow a charge.
    """
    inherited = ", ".join(f"coalesce(f.{name}, c.{name}) AS {name}" for name in _INHERITED)
    return (
        f"SELECT f.* REPLACE ({inherited}, coalesce(f.charge, o.charge) AS charge, "
        "coalesce(f.charged_at, c.created) AS charged_at, "
        "CASE WHEN c.metadata IS NULL THEN f.metadata ELSE map_concat(c.metadata, f.metadata) END AS metadata), "
        f"f.follows IS NULL OR c.object IS NOT NULL AS linked FROM {relation} f "
        "LEFT JOIN stripe_objects o ON o.object = f.follows "
        "LEFT JOIN stripe_objects c ON c.object = o.charge AND c.created IS NOT NULL"
    )


def park(engine: Engine, rows: pa.Table, now: datetime) -> None:
    """Keeps rows until they are `ready`; the caller holds the transaction."""
    engine.register("stripe_came", rows)
    names = ", ".join(identifier(name) for name in rows.schema.names if name != "position")
    engine.execute(
        f"INSERT INTO stripe_waiting (arrived_at, {names}) SELECT $now, {names} FROM stripe_came ORDER BY position",
        {"now": naive(now)},
    )
    engine.unregister("stripe_came")


def ready(engine: Engine, since: datetime) -> tuple[list[int], pa.Table]:
    """The waiting rows whose charge is known, or that came before `since` and wait no longer: their numbers, and they.

    What waits longer than Stripe repeats a delivery follows a charge that was never sent here.
    """
    found = engine.arrow(
        f"SELECT * FROM ({linked_sql('stripe_waiting')}) WHERE linked OR arrived_at < $since ORDER BY waiting_id",
        {"since": naive(since)},
    )
    numbers = found["waiting_id"].to_pylist()
    schema = schema_of("stripe")
    rows = found.append_column("position", pa.array(range(found.num_rows), pa.int64())).select(schema.names)
    return numbers, rows.cast(schema)


def release(engine: Engine, numbers: Sequence[int]) -> None:
    """Waiting rows wait no longer; the caller holds the transaction in which they become facts."""
    engine.execute(
        "DELETE FROM stripe_waiting WHERE waiting_id IN (SELECT unnest($numbers))", {"numbers": list(numbers)}
    )
