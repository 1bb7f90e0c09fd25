"""How far topics were read, and the messages that gave no row. Enters: offsets and dead letters. Leaves: rows of
``kafka_offsets``, ``batches`` and ``quarantine``, in the transaction of the rows they belong to.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from perunit.facts.privacy.agreement import sealer_of
from perunit.facts.privacy.refusals import keep_secret
from perunit.model.window import naive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perunit.contract.project import Project
    from perunit.engine.duckdb import Engine
    from perunit.facts.doors.kafka import DeadLetter

__all__ = [
    "Offsets",
    "OffsetsMovedError",
    "Partition",
    "keep_dead_letters",
    "name_places",
    "newest_batch",
    "told_through",
    "touched_windows",
]

# A topic and the number of one of its partitions.
Partition = tuple[str, int]


class OffsetsMovedError(Exception):
    """The store stands elsewhere than its reader thinks: the rows would be counted beside what was read otherwise."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """How far one link of the contract has read the topics of one cluster."""

    link: str
    cluster_id: str

    def stored(self, engine: Engine) -> dict[Partition, int]:
        """The next offset of every partition that was ever begun."""
        found = engine.rows(
            "SELECT topic, partition, next_offset FROM kafka_offsets WHERE link = $link AND cluster_id = $cluster_id",
            self._key(),
        )
        return {(topic, partition): offset for topic, partition, offset in found}

    def put(self, engine: Engine, offsets: Mapping[Partition, int]) -> None:
        """States where partitions are read next, whatever stood there."""
        for (topic, partition), offset in offsets.items():
            engine.execute(
                "INSERT OR REPLACE INTO kafka_offsets VALUES ($link, $cluster_id, $topic, $partition, $offset)",
                {**self._key(), "topic": topic, "partition": partition, "offset": offset},
            )

    def advance(self, engine: Engine, moves: Mapping[Partition, tuple[int, int]]) -> None:
        """Moves partitions on, each (from, to). Raises OffsetsMovedError where one does not stand at its `from`."""
        for (topic, partition), (start, end) in moves.items():
            moved = engine.rows(
                "UPDATE kafka_offsets SET next_offset = $end WHERE link = $link AND cluster_id = $cluster_id "
                "AND topic = $topic AND partition = $partition AND next_offset = $start RETURNING next_offset",
                {**self._key(), "topic": topic, "partition": partition, "start": start, "end": end},
            )
            if not moved:
                raise OffsetsMovedError(f"{self.link}: {topic}[{partition}] does not stand at {start} any more")

    def _key(self) -> dict[str, str]:
        return {"link": self.link, "cluster_id": self.cluster_id}


def name_places(engine: Engine, places: pa.Table) -> None:
    """Gives refused rows of the batch that was loaded last the message they came in: topic[partition] and offset.

    `places` has position, place and offset. The batch is one arrival; rows that had waited before it keep the place
    they have.
    """
    batch_id, refused = engine.rows("SELECT batch_id, rejected + conflict FROM batches ORDER BY batch_id DESC LIMIT 1")[
        0
    ]
    if not refused:
        return
    engine.register("message_places", places)
    engine.execute("DELETE FROM quarantine WHERE batch_id = $batch_id", {"batch_id": batch_id})
    engine.execute(
        "INSERT INTO quarantine BY NAME SELECT r.* EXCLUDE (quarantine_id, replayed_in) REPLACE ("
        "coalesce(p.place, r.file_name) AS file_name, "
        'coalesce(p."offset", r.position & 4294967295) AS position) '
        "FROM refusals r LEFT JOIN message_places p ON p.position = r.position ORDER BY r.position"
    )
    engine.unregister("message_places")


def keep_dead_letters(
    engine: Engine, project: Project, source: str, door: str, at: datetime, letters: Sequence[DeadLetter]
) -> None:
    """Quarantines messages that gave no row, as a batch of their own in which every one is rejected.

    Their text is kept as secret as that of any refused row.
    """
    if not letters:
        return
    batch_id = engine.value("SELECT coalesce(max(batch_id), 0) + 1 FROM batches")
    values = {"batch_id": batch_id, "source": source, "door": door, "at": naive(at)}
    digest = uuid.uuid4().hex
    engine.execute(
        "INSERT INTO batches BY NAME SELECT $batch_id AS batch_id, $digest AS run_id, $source AS source, "
        "$door AS file_name, -1 AS chunk, $digest AS digest, $at AS ingested_at, $count AS received, 0 AS accepted, "
        "0 AS duplicate, 0 AS conflict, $count AS rejected, 0 AS orphan, 0 AS late, 0 AS blank, 0 AS ignored",
        {**values, "digest": digest, "count": len(letters)},
    )
    columns = "batch_id, source, file_name, position, kind, rule, place, got, expected, raw, quarantined_at"
    engine.register("dead_letters", _table(letters))
    engine.execute("CREATE OR REPLACE TEMP TABLE refusals AS SELECT * FROM quarantine LIMIT 0")
    engine.execute(
        f"INSERT INTO refusals ({columns}) SELECT $batch_id, $source, place, \"offset\", 'rejected', 'message', "
        "'value', got, expected, raw, $at FROM dead_letters",
        values,
    )
    engine.unregister("dead_letters")
    keep_secret(engine, sealer_of(project), scans=project.contract.privacy.scan != "off")
    engine.execute(f"INSERT INTO quarantine ({columns}) SELECT {columns} FROM refusals")


def _table(letters: Sequence[DeadLetter]) -> pa.Table:
    names = ("place", "offset", "got", "expected", "raw")
    types = (pa.string(), pa.int64(), pa.string(), pa.string(), pa.string())
    columns = [
        pa.array([getattr(letter, name) for letter in letters], type_) for name, type_ in zip(names, types, strict=True)
    ]
    return pa.table(dict(zip(names, columns, strict=True)))


def newest_batch(engine: Engine) -> int:
    """The batch that was committed last; 0 where there is none."""
    return int(engine.value("SELECT coalesce(max(batch_id), 0) FROM batches"))


def told_through(engine: Engine, link: str) -> int:
    """The last batch whose figures a link has told others of; 0 where it has not begun."""
    return int(engine.value("SELECT batch_id FROM kafka_told WHERE link = $link", {"link": link}) or 0)


def touched_windows(engine: Engine, after: int, grain: str) -> list[datetime]:
    """The starts of the windows that have facts of batches after one, oldest first."""
    rows = engine.rows(
        "SELECT DISTINCT CAST(date_trunc($grain, event_time) AS TIMESTAMP) AS start FROM ("
        "SELECT event_time FROM events WHERE batch_id > $after UNION ALL "
        "SELECT event_time FROM duplicates WHERE batch_id > $after) ORDER BY start",
        {"grain": grain, "after": after},
    )
    return [start.replace(tzinfo=UTC) for (start,) in rows]
