"""The verdict on a trial. Enters: a trial whose intake is closed, and what was expected. Leaves: the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from perunit.conformance.report import Finding, Kind, Report, Subject
from perunit.contract.door_formats import DOOR_COLUMNS
from perunit.facts.drift import drift_of
from perunit.model.errors import UsageError
from perunit.pipeline import CLOUDEVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perunit.conformance.trial import Trial
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["expected_of", "judge"]

# What a row of quarantine is about: an event's type, or the source that has it.
_QUARANTINED = (
    f"CASE WHEN q.source = '{CLOUDEVENTS}' THEN CASE WHEN json_valid(q.raw) "
    "THEN json_extract_string(q.raw, '$.type') END ELSE q.source END"
)
_STORED = f"CASE WHEN b.source = '{CLOUDEVENTS}' THEN c.event_type ELSE b.source END"
# A file of events has lines, which are its positions. Of what came through a door, or is a span, the id says more.
# Rows that came in one group have which arrival they are of in the upper half of their position.
_PLACE = "q.file_name || ':' || (q.position & 4294967295)"
_RAW_ID = (
    "CASE WHEN json_valid(q.raw) "
    "THEN coalesce(json_extract_string(q.raw, '$.id'), json_extract_string(q.raw, '$.span_id')) END"
)
_EXAMPLE = (
    f"CASE WHEN q.source = '{CLOUDEVENTS}' AND contains(q.file_name, '.') THEN {_PLACE} "
    f"ELSE coalesce({_RAW_ID}, {_PLACE}) END"
)
_NAMELESS = "(no event type)"
_KINDS: dict[str, Kind] = {"event type": "unknown type", "json": "unreadable"}


def expected_of(contract: Contract, named: Sequence[str]) -> tuple[str, ...]:
    """What must be seen: what was named, or else every event type and every source of a door's format.

    Raises UsageError for a name that the contract does not have.
    """
    known = [*contract.events, *(name for name, each in contract.sources.items() if each.format in DOOR_COLUMNS)]
    for name in named:
        if name not in known and name not in contract.sources:
            have = ", ".join(known) or "none"
            raise UsageError(f"--expect {name}: is no event type or source of perunit.yaml (it has {have}); correct it")
    return tuple(dict.fromkeys(named)) or tuple(known)


def judge(trial: Trial, expected: Sequence[str], *, strict: bool = False, beside: Sequence[Finding] = ()) -> Report:
    """What was seen of each subject, and all that is not as the contract says, failures first.

    `beside` are findings from outside of the store, such as a command that has failed.
    """
    engine, contract = trial.engine, trial.project.contract
    _keep_captured(trial)
    subjects = _subjects(engine, expected)
    findings = [
        *beside,
        *_unseen(contract, subjects),
        *_refused(engine),
        *_orphans(engine, contract),
        *_drift(trial),
        *_unpriced(engine),
    ]
    findings.sort(key=lambda each: each.warns)
    return Report(tuple(subjects), tuple(findings), strict)


def _keep_captured(trial: Trial) -> None:
    """The text of all CloudEvents as the table `captured` (event_type, id, line)."""
    lines = [arrival.rows["line"].cast(pa.large_string()) for arrival in trial.intake.arrivals]
    chunks = [chunk for line in lines for chunk in line.chunks]
    trial.engine.register("captured_lines", pa.table({"line": pa.chunked_array(chunks, pa.large_string())}))
    fields = ", ".join(f"CASE WHEN json_valid(line) THEN json_extract_string(line, '$.{name}') END AS {column}"
                       for name, column in (("type", "event_type"), ("id", "id")))  # fmt: skip
    trial.engine.execute(f"CREATE OR REPLACE TEMP TABLE captured AS SELECT {fields}, line FROM captured_lines")
    trial.engine.unregister("captured_lines")


def _subjects(engine: Engine, expected: Sequence[str]) -> list[Subject]:
    """What was expected, then what came beside it."""
    counted: dict[str, dict[str, int]] = {}
    for subject, kind, count in engine.rows(
        f"SELECT {_STORED}, 'accepted', count(*) FROM events e JOIN cells c USING (cell_id) "
        f"JOIN batches b USING (batch_id) GROUP BY ALL UNION ALL "
        f"SELECT {_STORED}, 'duplicate', count(*) FROM duplicates d JOIN cells c USING (cell_id) "
        f"JOIN batches b USING (batch_id) GROUP BY ALL UNION ALL "
        f"SELECT {_QUARANTINED}, q.kind, count(*) FROM quarantine q GROUP BY ALL"
    ):
        counts = counted.setdefault(subject or _NAMELESS, {})
        counts[kind] = counts.get(kind, 0) + count
    names = dict.fromkeys([*expected, *sorted(counted)])
    return [
        Subject(name, name in expected, received=sum(counts.values()), **counts)
        for name in names
        for counts in [counted.get(name, {})]
    ]


def _unseen(contract: Contract, subjects: Sequence[Subject]) -> Iterator[Finding]:
    for subject in subjects:
        if subject.expected and not subject.received:
            what = "source" if subject.name in contract.sources else "event type"
            mend = "emit it in what was captured, or name with --expect what the service emits"
            yield Finding("unseen", subject.name, what, "none", f"must be seen; {mend}", 0)


def _refused(engine: Engine) -> Iterator[Finding]:
    """Rules broken, by place; ids that came again with other content; types that nobody knows."""
    for subject, kind, rule, place, expected, got, example, count in engine.rows(
        f"SELECT {_QUARANTINED} AS subject, q.kind, q.rule, q.place, q.expected, "
        f"arg_min(q.got, q.quarantine_id), arg_min({_EXAMPLE}, q.quarantine_id), count(*) AS count "
        "FROM quarantine q GROUP BY subject, q.kind, q.rule, q.place, q.expected ORDER BY count DESC, subject, place"
    ):
        named: Kind = "conflict" if kind == "conflict" else _KINDS.get(rule, "rejected")
        yield Finding(named, subject or _NAMELESS, place, got, expected, count, example, rule)


def _orphans(engine: Engine, contract: Contract) -> Iterator[Finding]:
    """Accepted events without a key that they should carry: of what they are about, or of a parent of it."""
    bits = engine.rows("SELECT unit_type, bit FROM unit_types ORDER BY bit")
    for subject, source, mask, count, example in engine.rows(
        f"SELECT {_STORED} AS subject, b.source, c.orphan_mask, count(*) AS count, min(e.id) FROM events e "
        "JOIN cells c USING (cell_id) JOIN batches b USING (batch_id) WHERE c.orphan_mask <> 0 "
        "GROUP BY ALL ORDER BY count DESC, subject"
    ):
        about = (
            contract.events[subject].unit if source == CLOUDEVENTS else next(iter(contract.sources[source].event.units))
        )
        for unit in (unit for unit, bit in bits if mask >> bit & 1):
            key = contract.units[unit].key
            place = f"data.{key}" if source == CLOUDEVENTS else f"units.{unit}"
            rule = f"must carry the {unit} it is about" if unit == about else f"must carry the {unit} it belongs to"
            kind: Kind = "missing key" if unit == about else "missing parent"
            yield Finding(kind, subject, place, "nothing", f"{rule}; send its id", count, example)


def _drift(trial: Trial) -> Iterator[Finding]:
    for each in drift_of(trial.engine, trial.project, "captured"):
        if each.kind == "undeclared":
            mend = "is not declared; add it to the event type's schema, or leave it out"
            yield Finding("undeclared field", each.event_type, each.field, None, mend, each.found, each.example)
        else:
            mend = f"no event has it and {each.names} is made of it; send it, or correct the contract"
            yield Finding("absent field", each.event_type, each.field, None, mend, each.events)


def _unpriced(engine: Engine) -> Iterator[Finding]:
    for subject, meter, count in engine.rows(
        "SELECT c.event_type, p.meter, sum(p.usage_events) AS count FROM rollup_priced p JOIN cells c USING (cell_id) "
        "WHERE p.kind = 'cost' AND p.rate_id IS NULL GROUP BY ALL ORDER BY count DESC, meter"
    ):
        mend = "no price book has a price for it then; add one, or say priced: false"
        yield Finding("unpriced", subject, f"usage.{meter}", None, mend, int(count))
