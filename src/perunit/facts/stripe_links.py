"""To whom a refund, a dispute or a fee belongs: to whom the charge does that it follows.

Stripe tells of a charge's unit once, in the charge's metadata; what follows names only the charge, and may come
before it. Enters: rows of the format ``stripe`` and what objects say of each other. Leaves: the rows with what their
charge says, or, where that is not known yet, rows that wait for it.

With pseudonyms, what waits and what is known is sealed, and objects are found by keyed marks of their ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from perunit.contract.door_formats import DOOR_COLUMNS
from perunit.contract.shape import Stripe
from perunit.contract.stripe import STRIPE
from perunit.engine.duckdb import identifier
from perunit.facts import sealed_charges
from perunit.facts.doors.formats import schema_of
from perunit.model.window import naive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.seals import Seals

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


def learn(engine: Engine, known: Sequence[dict[str, Any]], seals: Seals | None) -> None:
    """Keeps what objects say of charges; of a charge that is known already, what was said first stands."""
    if not known:
        return
    rows = [{**each, "metadata": list(each.get("metadata", {}).items())} for each in known]
    engine.register("stripe_said", pa.Table.from_pylist(rows, _KNOWN))
    said = sealed_charges.said_sql(engine, seals, "stripe_said") if seals else "FROM stripe_said"
    engine.execute(
        f"INSERT INTO stripe_objects BY NAME SELECT * FROM ({said}) "
        "QUALIFY row_number() OVER (PARTITION BY object) = 1 ON CONFLICT DO NOTHING"
    )
    engine.unregister("stripe_said")


def linked_sql(engine: Engine, relation: str, seals: Seals | None) -> str:
    """SQL of the rows of `relation`, each with what its charge says, and `linked`: whether that is known.

    A row's own metadata stand above its charge's. A fee may follow a refund or a dispute, which follow a charge.
    It binds the values of `seals`.
    """
    inherited = ", ".join(f"coalesce(f.{name}, c.{name}) AS {name}" for name in _INHERITED)
    known, follows = "SELECT *, charge AS of_charge FROM stripe_objects", "f.follows"
    if seals:
        known = sealed_charges.known_sql(engine, seals, f"SELECT follows FROM {relation}")
        follows = seals.mark_sql(follows)
    return (
        f"WITH known AS ({known}) SELECT f.* REPLACE ({inherited}, coalesce(f.charge, o.charge) AS charge, "
        "coalesce(f.charged_at, c.created) AS charged_at, "
        "CASE WHEN c.metadata IS NULL THEN f.metadata ELSE map_concat(c.metadata, f.metadata) END AS metadata), "
        f"f.follows IS NULL OR c.object IS NOT NULL AS linked FROM {relation} f "
        f"LEFT JOIN known o ON o.object = {follows} "
        "LEFT JOIN known c ON c.object = o.of_charge AND c.created IS NOT NULL"
    )


# Rows of a source that wait `w`, and whether they wait no longer. Kept as they came or as marks, both sides are alike.
_WAITING = (
    "FROM stripe_waiting w LEFT JOIN stripe_objects o ON o.object = w.follows "
    "LEFT JOIN stripe_objects c ON c.object = o.charge AND c.created IS NOT NULL WHERE w.source = $source"
)
_DUE = "(c.object IS NOT NULL OR w.arrived_at <= $due)"


@dataclass(frozen=True, slots=True)
class Links:
    """How long rows of one source wait for the charge they follow, sealed or as they came; in the end they enter
    without it.
    """

    source: str
    wait: timedelta
    seals: Seals | None = None

    def hold_back(self, engine: Engine, now: datetime, released_from: int) -> None:
        """Makes `incoming` of the linked rows in ``arrived`` and of those that wait no longer, at `released_from` on.

        Changes nothing of the store; `keep` does, in the transaction of the rows.
        """
        marks = self.seals.values if self.seals else {}
        arrived = linked_sql(engine, "arrived", self.seals)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE stripe_arrived AS {arrived}", marks)
        released = linked_sql(engine, f"({self._released_sql(engine, now)})", self.seals)
        engine.execute(f"CREATE OR REPLACE TEMP TABLE stripe_released AS {released}", self._values(now) | marks)
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
            f"INSERT INTO stripe_waiting BY NAME SELECT $source AS source, $now AS arrived_at, * "
            f"FROM ({self._held_sql(engine)})",
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
        sql = f"SELECT count(*), count(*) FILTER {_DUE} {_WAITING}"
        found: tuple[int, int] = engine.rows(sql, self._values(now))[0]
        return found

    def _values(self, now: datetime) -> dict[str, Any]:
        return {"source": self.source, "due": naive(now - self.wait)}

    def _released_sql(self, engine: Engine, now: datetime) -> str:
        """The rows that wait no longer: their place and their columns."""
        released = f"{_WAITING} AND {_DUE}"
        if self.seals:
            kept = f"SELECT w.rowid AS place, w.arrived_at, w.sealed {released}"
            return sealed_charges.opened_sql(engine, self.seals, kept, self._values(now))
        return f"SELECT w.rowid AS place, w.* {released}"

    def _held_sql(self, engine: Engine) -> str:
        """The rows that are to wait, as they are stored."""
        held = "FROM stripe_arrived WHERE NOT linked"
        return sealed_charges.kept_sql(engine, self.seals, held) if self.seals else f"SELECT {_COLUMNS} {held}"


def links_of(name: str, contract: Contract, seals: Seals | None = None) -> Links | None:
    """How rows of a source wait; None where they are not Stripe's. `seals` are the project's."""
    part = contract.sources.get(name)
    if part is None or part.format != STRIPE:
        return None
    hours = contract.stripe.wait_hours if contract.stripe else Stripe().wait_hours
    return Links(name, timedelta(hours=hours), seals)
