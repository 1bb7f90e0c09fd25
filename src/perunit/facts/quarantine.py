"""What was refused or contradicts an accepted fact, and its way back. Enters: quarantined rows.
Leaves: groups of their raw text, ready to be loaded again under the contract of today.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from perunit.engine.duckdb import identifier
from perunit.facts.files import Group, Opened
from perunit.facts.json_fields import Fields
from perunit.facts.privacy.pseudonyms import QUARANTINED
from perunit.facts.privacy.sealing import is_sealed

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.sealing import Sealer

__all__ = ["ERASED", "HIDDEN_TEXT", "Selection", "groups_to_replay", "mark_replayed", "quarantined", "summary"]

# Stands where the text of a row was, once the unit it names was erased.
ERASED = "erased"
# So begins what stands where personal data was.
HIDDEN_TEXT = "(hidden: "


@dataclass(frozen=True, slots=True)
class Selection:
    """Which quarantined rows: each part narrows the choice, None leaves it open."""

    ids: tuple[int, ...] | None = None
    source: str | None = None
    rule: str | None = None
    kind: str | None = None

    def condition(self) -> tuple[str, dict[str, Any]]:
        """SQL over `quarantine` and its values; rows that were replayed already are left out."""
        parts, values = ["replayed_in IS NULL"], dict[str, Any]()
        if self.ids is not None:
            parts.append("quarantine_id IN (SELECT unnest($ids))")
            values["ids"] = list(self.ids)
        for name in ("source", "rule", "kind"):
            if (value := getattr(self, name)) is not None:
                parts.append(f"{name} = ${name}")
                values[name] = value
        return " AND ".join(parts), values


def summary(engine: Engine) -> list[dict[str, Any]]:
    """Waiting rows counted by source, kind, rule and place, most first."""
    return engine.records(
        "SELECT source, kind, rule, place, count(*) AS rows, min(quarantine_id) AS example, "
        "any_value(expected ORDER BY quarantine_id) AS expected, min(quarantined_at) AS since FROM quarantine "
        "WHERE replayed_in IS NULL GROUP BY source, kind, rule, place ORDER BY rows DESC, source, rule, place"
    )


def quarantined(engine: Engine, selection: Selection, limit: int) -> list[dict[str, Any]]:
    """The first `limit` rows of a selection, oldest first."""
    condition, values = selection.condition()
    return engine.records(
        f"SELECT * EXCLUDE (replayed_in) FROM quarantine WHERE {condition} ORDER BY quarantine_id LIMIT $limit",
        {**values, "limit": limit},
    )


def groups_to_replay(
    engine: Engine, selection: Selection, sealer: Sealer | None = None
) -> list[tuple[str, list[int], Opened]]:
    """(source, ids of the rows, the rows opened like a file) for each set of rows that were read alike.

    `sealer` opens those that were sealed.
    """
    condition, values = selection.condition()
    sets = engine.rows(
        "SELECT q.source, b.columns, list(q.quarantine_id ORDER BY q.quarantine_id), "
        "list(q.raw ORDER BY q.quarantine_id) "
        f"FROM quarantine q JOIN batches b USING (batch_id) WHERE {condition.replace('source =', 'q.source =')} "
        # A message that gave no row has none to load; it waits until it is sent anew.
        f"AND q.rule <> 'message' AND q.raw <> '{ERASED}' AND NOT starts_with(q.raw, '{HIDDEN_TEXT}') "
        "GROUP BY q.source, b.columns ORDER BY q.source, b.columns",
        values,
    )
    return [
        (source, ids, _opened(ids, _readable(raws, sealer), json.loads(columns or "{}")))
        for source, columns, ids, raws in sets
    ]


def _readable(raws: list[str], sealer: Sealer | None) -> list[str]:
    return [sealer.open(raw, QUARANTINED) if sealer and is_sealed(raw) else raw for raw in raws]


def _opened(ids: list[int], raws: list[str], columns: dict[str, str]) -> Opened:
    lines = pa.table({"position": pa.array(ids, pa.int64()), "line": pa.array(raws, pa.string())})
    digest = hashlib.sha256(repr(ids).encode()).hexdigest()

    def attach(engine: Engine) -> None:
        if not columns:
            engine.register("incoming", lines)
            return
        fields = Fields()
        raw = ", ".join(f"{fields.raw((name,))} AS {identifier(name)}" for name in columns)
        engine.register("quarantined_lines", lines)
        parsed = fields.parsed_sql("quarantined_lines", "position")
        engine.execute(f"CREATE OR REPLACE TEMP TABLE incoming AS SELECT position, {raw} FROM ({parsed})")
        engine.unregister("quarantined_lines")

    return Opened(columns, True, len(ids), iter([Group(-1, digest, 0, len(ids), attach)]))


def mark_replayed(engine: Engine, ids: list[int], batch_id: int) -> None:
    """Notes in which batch rows were loaded again; what was refused once more stands there anew."""
    engine.execute(
        "UPDATE quarantine SET replayed_in = $batch_id WHERE quarantine_id IN (SELECT unnest($ids))",
        {"batch_id": batch_id, "ids": ids},
    )
