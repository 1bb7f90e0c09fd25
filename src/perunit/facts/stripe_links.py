"""To whom a refund, a dispute or a fee belongs: to whom the charge does that it follows.

Stripe tells of a charge's unit once, in the charge's metadata; what follows names only the charge, and may come
before it. Enters: rows of the format ``stripe`` and what objects say of each other. Leaves: the rows with what their
charge says, or, where that is not known yet, rows that wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from perunit.contract.door_formats import DOOR_COLUMNS
from perunit.contract.shape import Stripe
from perunit.contract.stripe import STRIPE
from perunit.engine.duckdb import identifier, literal
from perunit.facts.doors.formats import schema_of
from perunit.model.window import naive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["Links", "learn", "linked_sql", "links_of", "table_of"]

_KNOWN = pa.schema(
    [
        ("object", pa.string()),
        ("charge", pa.string()),
        ("created", pa.timestamp("us")),
        *((name, pa.string()) for name in ("payment_intent", "invoice", "customer")),
        ("metadata", pa.map_(pa.string(), pa.string())),
    ]
)
_COLUMNS = ", ".join(map(identifier, DOOR_COLUMNS[STRIPE]))
_INHERITED = ("payment_intent", "invoice", "customer")


def table_of(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Rows as the door made them, in the form of an arrival."""
    schema = schema_of(STRIPE)
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


@dataclass(frozen=True, slots=True)
class Links:
    """How long rows of one source wait for the charge they follow; in the end they enter without it."""

    source: str
    wait: timedelta

    def hold_back(self, engine: Engine, now: datetime, released_from: int) -> None:
        """Makes `incoming` of the linked rows in ``arrived`` and of those that wait no longer, at `released_from` on.

        Changes nothing of the store; `keep` does, in the transaction of the rows.
        """
        engine.execute(f"CREATE OR REPLACE TEMP TABLE stripe_arrived AS {linked_sql('arrived')}")
        waiting = f"(SELECT rowid AS place, * FROM stripe_waiting WHERE source = {literal(self.source)})"
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE stripe_released AS FROM ({linked_sql(waiting)}) "
            "WHERE linked OR arrived_at <= $due",
            {"due": naive(now - self.wait)},
        )
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT position, {_COLUMNS} FROM stripe_arrived WHERE linked "
            f"UNION ALL SELECT {released_from} + row_number() OVER (ORDER BY place), {_COLUMNS} FROM stripe_released"
        )

    def keep(self, engine: Engine, now: datetime) -> dict[int, int]:
        """Stores what waits, in the transaction of the rows that `hold_back` let through.

        Gives arrival → how many of its rows wait (see `arrivals.py`); where rows that had waited were let through,
        that of no arrival → 0.
        """
        engine.execute("DELETE FROM stripe_waiting WHERE rowid IN (SELECT place FROM stripe_released)")
        engine.execute(
            f"INSERT INTO stripe_waiting (source, arrived_at, {_COLUMNS}) SELECT $source, $now, {_COLUMNS} "
            "FROM stripe_arrived WHERE NOT linked",
            {"source": self.source, "now": naive(now)},
        )
        engine.unregister("arrived")
        return dict(
            engine.rows(
                "SELECT position >> 32, count(*) FROM stripe_arrived WHERE NOT linked GROUP BY ALL "
                "UNION ALL SELECT -1, 0 FROM stripe_released HAVING count(*) > 0"
            )
        )

    def due(self, engine: Engine, now: datetime) -> tuple[int, int]:
        """How many rows wait, and how many of them wait no longer: their time is up, or a file told of their charge."""
        waiting = f"(SELECT * FROM stripe_waiting WHERE source = {literal(self.source)})"
        sql = f"SELECT count(*), count(*) FILTER (linked OR arrived_at <= $due) FROM ({linked_sql(waiting)})"
        found: tuple[int, int] = engine.rows(sql, {"due": naive(now - self.wait)})[0]
        return found


def links_of(name: str, contract: Contract) -> Links | None:
    """How rows of a source wait; None where they are not Stripe's."""
    part = contract.sources.get(name)
    if part is None or part.format != STRIPE:
        return None
    hours = contract.stripe.wait_hours if contract.stripe else Stripe().wait_hours
    return Links(name, timedelta(hours=hours))
