"""How what producers send departs from what they sent before, and from what the contract reads.

Enters: `fields_seen`, which is from samples, and the contract. Leaves: changes of fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perunit.contract.expression import parse
from perunit.facts.json_fields import schema_kinds
from perunit.model.window import naive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from perunit.contract.project import Project
    from perunit.contract.shape import EventType
    from perunit.engine.duckdb import Engine

__all__ = ["Drift", "drift"]

_ENVELOPE = frozenset(
    ("specversion", "id", "source", "type", "time", "subject", "dataschema", "datacontenttype", "recordedtime")
)


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that departs: `change` is new, vanished, changed, unknown (the contract has no such field) or missing
    (the contract reads it, and no sample has it).

    `seen` of `rows` sampled rows of its type had it; `before` and `after` are its kinds.
    """

    source: str
    producer: str
    event_type: str
    field: str
    change: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    seen: int
    rows: int
    first_seen: datetime | None
    last_seen: datetime | None


def drift(engine: Engine, project: Project, since: datetime) -> list[Drift]:
    """Every field that departs, compared with what was seen before `since`; types first seen since then are not new
    in every field.
    """
    rows = engine.records(_SEEN, {"since": naive(since)})
    found = [_drift(row, row["change"]) for row in rows if row["change"]]
    fields: dict[tuple[str, str, str, int], list[str]] = {}
    for row in rows:
        if row["source"] == "cloudevents" and row["event_type"] in project.contract.events:
            key = (row["event_type"], row["producer"], row["source"], row["rows"])
            fields.setdefault(key, []).append(row["field"])
            if not _is_known(row["field"], _known(project, row["event_type"])):
                found.append(_drift(row, "unknown"))
    found += _missing(project, fields)
    return sorted(found, key=lambda each: (each.source, each.producer, each.event_type, each.field, each.change))


# One row a field: its kinds before and since, and whether it is new, vanished or changed. Of a type that was not seen
# before every field would be new, and of one that comes no longer every field vanished; neither is said.
_SEEN = """
    WITH fields AS (
        SELECT source, producer, event_type, field, sum(seen)::BIGINT AS seen,
            min(first_seen) AS first_seen, max(last_seen) AS last_seen,
            coalesce(list(DISTINCT kind ORDER BY kind) FILTER (first_seen < $since AND kind <> 'null'), []) AS before,
            coalesce(list(DISTINCT kind ORDER BY kind) FILTER (last_seen >= $since AND kind <> 'null'), []) AS after
        FROM fields_seen GROUP BY ALL)
    SELECT f.*, r.seen AS rows, CASE
        WHEN r.first_seen >= $since OR r.last_seen < $since THEN NULL
        WHEN f.first_seen >= $since THEN 'new'
        WHEN f.last_seen < $since THEN 'vanished'
        WHEN len(f.before) > 0 AND NOT list_has_all(f.before, f.after) THEN 'changed'
        END AS change
    FROM fields f JOIN fields r
        ON r.source = f.source AND r.producer = f.producer AND r.event_type = f.event_type AND r.field = '$'
    WHERE f.field <> '$' ORDER BY ALL
"""


def _drift(row: dict[str, Any], change: str) -> Drift:
    kinds = {name: tuple(row[name]) for name in ("before", "after")}
    return Drift(**row | kinds | {"change": change})


def _known(project: Project, name: str) -> frozenset[str]:
    """The fields of an event type that the contract names: in its schema, its expressions, its units and segments."""
    schema = project.schemas.get(name, {})
    declared = {f"data.{'.'.join(path)}" for path in schema_kinds(schema)}
    return frozenset(_ENVELOPE | declared | set(_read(project, project.contract.events[name])))


def _read(project: Project, event: EventType) -> Iterator[str]:
    contract = project.contract
    yield from (f"data.{unit.key}" for unit in contract.units.values())
    yield from (f"data.{dimension}" for dimension in contract.dimensions())
    yield from _referred(event)


def _referred(event: EventType) -> Iterator[str]:
    plain = (event.currency, event.resource, event.latency_ms, event.intent)
    every = [text for text in plain if text]
    every += [text for part in (event.amounts, event.usage, event.segments) for text in part.values()]
    if event.outcome and event.outcome not in {"success", "failure"}:
        every.append(event.outcome)
    for text in every:
        yield from (".".join(each.parts) for each in parse(text).references)


def _is_known(field: str, known: frozenset[str]) -> bool:
    """Whether the contract names it, something in it, or something it is in."""
    if field in known:
        return True
    inside = any(each.startswith(f"{field}.") for each in known)
    return inside or any(field.startswith((f"{each}.", f"{each}[")) and each != "data" for each in known)


def _missing(project: Project, fields: dict[tuple[str, str, str, int], list[str]]) -> Iterator[Drift]:
    for (event_type, producer, source, rows), seen in fields.items():
        for field in dict.fromkeys(_referred(project.contract.events[event_type])):
            if field not in seen and field not in _ENVELOPE:
                yield Drift(source, producer, event_type, field, "missing", (), (), 0, rows, None, None)
