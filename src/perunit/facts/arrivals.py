"""Rows that came through a door at once, and what became of them. Enters: arrivals of one source.
Leaves: one group to be loaded, and after that an outcome for each arrival.

A group holds the rows of several arrivals. Which one a row is of stands in the upper half of its position, its place
within that arrival in the lower half, so that rows stay in the order in which they came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from perunit.facts.files import Group
from perunit.facts.load import late_sql, late_values
from perunit.model.errors import PerunitError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from perunit.engine.duckdb import Engine
    from perunit.facts.load import Batch, Counts

__all__ = ["Arrival", "DoorError", "Outcome", "Problem", "after_all", "grouped", "outcomes"]

PROBLEMS_MAX = 100
_PLACE_BITS = 32


@dataclass(frozen=True, slots=True)
class Arrival:
    """Rows that came together (one request, one poll, one scrape) and are acknowledged together.

    `source` is ``cloudevents`` or a source of the contract. `rows` has `position` (from 0, rising) and `line`, or
    the columns of the source's door format (`doors.formats.schema_of`). `door` names the way they came, `producer` who
    sent them. `within` runs in the transaction of the rows, after them; `before` runs before the rows are staged, and
    keeps what stays right whether or not they are committed.
    """

    source: str
    rows: pa.Table
    door: str
    producer: str | None = None
    within: Callable[[Engine], None] | None = None
    before: Callable[[Engine], None] | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row of an arrival was not accepted: `kind` is rejected or conflict; the rest as in quarantine."""

    position: int
    kind: str
    rule: str
    place: str
    got: str | None
    expected: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an arrival: received = accepted + duplicate + conflict + rejected.

    `ignored` rows are none of the source's, and `waiting` ones are kept until more is known of them; neither are among
    those received. `orphan` and `late` ones are among those accepted. `problems` are the first hundred.
    """

    received: int
    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    ignored: int
    orphan: int
    late: int
    batch_id: int
    problems: tuple[Problem, ...] = ()
    waiting: int = 0


class DoorError(PerunitError):
    """A message that is none of its protocol, refused whole: an HTTP status, a title and what to mend.

    `detail` names the place, the value, the rule and the mend.
    """

    def __init__(self, status: int, title: str, detail: str) -> None:
        self.status, self.title, self.detail = status, title, detail
        super().__init__(f"{title}: {detail}")


def grouped(arrivals: Sequence[Arrival], schema: pa.Schema, digest: str, relation: str = "incoming") -> Group:
    """The rows of arrivals of one source as one group, read as `relation`; their columns are brought to `schema`."""
    tables = [_placed(arrival.rows, number, schema) for number, arrival in enumerate(arrivals)]
    rows = pa.concat_tables(tables)

    def attach(engine: Engine) -> None:
        engine.register(relation, rows)

    return Group(-1, digest, 0, rows.num_rows, attach)


def after_all(arrivals: Sequence[Arrival]) -> int:
    """The first position of rows that are of none of the arrivals, but came before them and are loaded with them."""
    return len(arrivals) << _PLACE_BITS


def _placed(rows: pa.Table, number: int, schema: pa.Schema) -> pa.Table:
    columns = [_brought(rows[field.name], field.type) for field in schema]
    rows = pa.table(columns, schema=schema)
    if number == 0:
        return rows
    return rows.set_column(0, "position", pc.add(rows["position"], number << _PLACE_BITS))


def _brought(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    if column.type == type_ or not (pa.types.is_dictionary(type_) and pa.types.is_nested(type_.value_type)):
        return column if column.type == type_ else column.cast(type_)
    # Arrow has no cast to a dictionary of maps.
    values = column.cast(type_.value_type).combine_chunks()
    return pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array(range(len(values)), type_.index_type), values)])


def outcomes(
    engine: Engine, arrivals: Sequence[Arrival], batch: Batch, counts: Counts, waiting: Mapping[int, int]
) -> list[Outcome]:
    """The outcome of each arrival of the group that was loaded last, in their order.

    `waiting`: arrival → how many of its rows wait. Where any wait or waited, the group is more than its arrivals.
    """
    problems = _problems(engine) if counts.rejected or counts.conflict else {}
    if len(arrivals) == 1 and not waiting:
        every = [(counts.received, counts.accepted, counts.duplicate, counts.conflict, counts.rejected)]
        beside = [(counts.orphan, counts.late)]
    else:
        by_number = {number: found for number, *found in engine.rows(_by_arrival_sql(batch), late_values(batch))}
        rows = [by_number.get(number, [0] * 7) for number in range(len(arrivals))]
        every, beside = [tuple(row[:5]) for row in rows], [tuple(row[5:]) for row in rows]
    return [
        Outcome(
            *numbers,
            arrival.rows.num_rows - numbers[0] - waiting.get(number, 0),
            *others,
            batch_id=counts.batch_id,
            problems=tuple(problems.get(number, ())),
            waiting=waiting.get(number, 0),
        )
        for number, (arrival, numbers, others) in enumerate(zip(arrivals, every, beside, strict=True))
    ]


def _by_arrival_sql(batch: Batch) -> str:
    accepted = "s.reject IS NULL AND r.kind IS NULL"
    return (
        f"SELECT s.position >> {_PLACE_BITS}, count(*), count(*) FILTER ({accepted}), "
        "count(*) FILTER (r.kind = 'duplicate'), count(*) FILTER (r.kind = 'conflict'), count(s.reject), "
        f"count(*) FILTER ({accepted} AND s.orphan_mask <> 0), count(*) FILTER ({accepted} AND {late_sql(batch)}) "
        "FROM staged s LEFT JOIN repeats r ON r.position = s.position GROUP BY ALL"
    )


def _problems(engine: Engine) -> dict[int, list[Problem]]:
    """Arrival → its first problems, from the quarantined rows of the group."""
    found: dict[int, list[Problem]] = {}
    rows: list[tuple[Any, ...]] = engine.rows(
        f"SELECT position >> {_PLACE_BITS}, position & {(1 << _PLACE_BITS) - 1}, kind, rule, place, got, expected "
        f"FROM refusals QUALIFY row_number() OVER (PARTITION BY position >> {_PLACE_BITS} ORDER BY position) "
        f"<= {PROBLEMS_MAX} ORDER BY position"
    )
    for number, *fields in rows:
        found.setdefault(number, []).append(Problem(*fields))
    return found
