"""How far what producers send is from what the contract says of it, field by field. Enters: CloudEvents as text.
Leaves: fields that nobody declared, and fields that the contract reads and nobody sends.

Neither breaks a rule by itself, and both are how a renamed field turns revenue into nothing without a word.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from perunit.contract.expression import parse
from perunit.facts.json_fields import schema_kinds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.contract.project import Project
    from perunit.contract.shape import EventType
    from perunit.engine.duckdb import Engine

__all__ = ["Drift", "drift_of"]

Path = tuple[str, ...]

# A map with keys of its own for every event has no end of fields.
_PATHS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Drift:
    """A field of an event type: `undeclared` in so many of `events`, or `absent` from all of them.

    `names` says for an absent field what the contract makes of it, such as ``amounts.revenue``.
    """

    event_type: str
    kind: Literal["undeclared", "absent"]
    field: str
    events: int
    found: int
    example: str | None = None
    names: str = ""


def drift_of(engine: Engine, project: Project, relation: str) -> list[Drift]:
    """The drift of each event type over `relation` (event_type, id, line), most events first.

    A type without a schema declares nothing, so no field of it is undeclared.
    """
    totals = dict(engine.rows(f"SELECT event_type, count(*) FROM {relation} GROUP BY event_type"))
    sent = _sent(engine, relation)
    found: list[Drift] = []
    for name, event in project.contract.events.items():
        if name in totals:
            if schema_kinds(project.schemas.get(name, {})):
                found += _undeclared(name, totals[name], sent[name], _declared(project, name, event))
            found += _absent(name, totals[name], sent[name], _read(event))
    return sorted(found, key=lambda each: (-each.found, each.event_type, each.field))


_Sent = dict[Path, tuple[int, str]]


def _sent(engine: Engine, relation: str) -> dict[str, _Sent]:
    """Event type → path of a field below data → (in how many events, the id of one). Items of an array are one path."""
    document = "CASE WHEN json_valid(line) THEN line END"
    rows = engine.rows(
        "SELECT event_type, path, count(DISTINCT id) AS found, min(id) FROM (SELECT r.event_type, r.id, "
        r"string_split(regexp_replace(substr(j.fullkey, 8), '\[\d+\]', '[]', 'g'), '.') AS path "
        f"FROM {relation} r, json_tree({document}, '$.data') j WHERE j.fullkey <> '$.data') "
        f"GROUP BY event_type, path ORDER BY found DESC LIMIT {_PATHS_MAX}"
    )
    found: dict[str, _Sent] = defaultdict(dict)
    for event_type, path, count, example in rows:
        found[event_type][_steps(path)] = (count, example)
    return found


def _steps(parts: list[str]) -> Path:
    """A key with a dot of its own is in quotes, and has been split at it; joined again, and in small letters."""
    steps: list[str] = []
    for part in parts:
        if steps and steps[-1].startswith('"') and not (len(steps[-1]) > 1 and steps[-1].endswith('"')):
            steps[-1] += "." + part
        else:
            steps.append(part)
    return tuple(step.removesuffix("[]").strip('"').lower() for step in steps if step)


def _declared(project: Project, name: str, event: EventType) -> set[Path]:
    """What the schema names, what the mapping reads, unit keys and segments."""
    contract = project.contract
    paths = {tuple(step.lower() for step in path) for path in schema_kinds(project.schemas.get(name, {}))}
    paths |= {tuple(unit.key.lower().split(".")) for unit in contract.units.values()}
    paths |= {(dimension,) for dimension in contract.dimensions()}
    return paths | set(_read(event))


def _read(event: EventType) -> dict[Path, str]:
    """Path below data → the part of the contract that reads it."""
    texts: dict[str, str | None] = {
        **{f"segments.{name}": text for name, text in event.segments.items()},
        **{f"amounts.{name}": text for name, text in event.amounts.items()},
        **{f"usage.{name}": text for name, text in event.usage.items()},
        **{name: getattr(event, name) for name in ("outcome", "currency", "resource", "latency_ms", "intent")},
    }
    # The word `success` alone is an outcome and no field.
    paths = ((tuple(part.lower() for part in ref.parts), place) for place, text in texts.items() if text
             for ref in parse(text).references if ref.root == "data")  # fmt: skip
    return {path[1:]: place for path, place in paths if len(path) > 1}


def _undeclared(name: str, events: int, sent: _Sent, declared: set[Path]) -> Iterator[Drift]:
    """Fields that are neither declared, nor above or below one that is; of those within each other the outermost."""
    above = {path[:length] for path in declared for length in range(1, len(path))}
    unknown = {path for path in sent if path not in above and not _covered(path, declared)}
    for path in unknown:
        if not _covered(path[:-1], unknown):
            count, example = sent[path]
            yield Drift(name, "undeclared", ".".join(("data", *path)), events, count, example)


def _covered(path: Path, by: set[Path]) -> bool:
    return any(path[:length] in by for length in range(1, len(path) + 1))


def _absent(name: str, events: int, sent: _Sent, read: dict[Path, str]) -> Iterator[Drift]:
    for path, place in read.items():
        if path not in sent:
            yield Drift(name, "absent", ".".join(("data", *path)), events, 0, names=place)
