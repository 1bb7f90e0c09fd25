"""What counters have grown by, and what gauges have held, from samples that only say where they stand. Enters: rows
with `series`, `time`, `value` and `start_time`. Leaves: the same rows with `increase` and `held`.

What was last known of a series is kept in the transaction that stores its rows, so that growth is counted once
whatever is sent again. A sample that is no later than the last one of its series is a duplicate: its growth is part of
what came after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.engine.files import sql_text
from perunit.facts.files import Group
from perunit.model.window import naive

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.seals import Seals

__all__ = ["ARRIVED", "counted", "forget", "keep"]

ARRIVED = "arrived"


def counted(
    group: Group, source: str, match: str, latest: datetime, hold_seconds: int, seals: Seals | None = None
) -> Group:
    """The group whose rows attach themselves as ``arrived``, with what each has grown by and held, as ``incoming``.

    Of the source are the rows for which `match`, SQL over the rows with their values as decimals, is true. Only those
    are tracked, and none later than `latest`, which would make all that follows look old. A row that says its increase
    itself keeps it. A gauge holds what it showed for `hold_seconds` at most. With `seals` a series is known by a mark:
    from a digest alone one could tell whether a person was among its labels.
    """

    def attach(engine: Engine) -> None:
        group.attach(engine)
        _track(engine, match, latest, seals)
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE measured AS {sql_text('facts.doors', 'measured')}",
            {"source": source, "hold_seconds": hold_seconds},
        )
        engine.execute(
            "CREATE OR REPLACE TEMP TABLE incoming AS SELECT a.* EXCLUDE (series, increase), "
            "CAST(coalesce(m.increase, TRY_CAST(a.increase AS DECIMAL(30, 9))) AS DECIMAL(38, 9)) AS increase, "
            "CAST(m.held AS DECIMAL(38, 9)) AS held "
            f"FROM {ARRIVED} a LEFT JOIN measured m USING (position) ORDER BY position"
        )
        engine.execute("INSERT INTO counted_already SELECT position FROM measured WHERE repeated")
        engine.unregister(ARRIVED)

    return Group(group.number, group.digest, group.blank, group.done, attach)


def _track(engine: Engine, match: str, latest: datetime, seals: Seals | None) -> None:
    """Fills ``tracked``. A value that is there and no decimal is refused with its row; none at all ends the series."""
    series = seals.mark_sql("series") if seals else "series"
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE tracked AS SELECT position, CAST({series} AS UUID) AS series, time, start_time, "
        "value FROM (SELECT * REPLACE (TRY_CAST(value AS DECIMAL(30, 9)) AS value), value IS NULL AS ended "
        f"FROM {ARRIVED}) WHERE series IS NOT NULL AND increase IS NULL AND (ended OR value IS NOT NULL) "
        f"AND time >= TIMESTAMP '1970-01-01' AND time <= $latest AND coalesce(TRY({match}), false)",
        {"latest": naive(latest), **(seals.values if seals else {})},
    )


def keep(engine: Engine, source: str) -> None:
    """Keeps what is now known of the series counted last; in the transaction that stores their rows."""
    engine.execute(
        "MERGE INTO series USING (SELECT $source AS source, series, max(time) AS last_time, "
        "arg_max(counted, time) AS last_value, max_by(struct_pack(value := value), time).value AS holding "
        "FROM measured WHERE NOT repeated GROUP BY series) AS now "
        "ON series.source = now.source AND series.series = now.series "
        "WHEN MATCHED THEN UPDATE SET last_time = now.last_time, last_value = now.last_value, holding = now.holding "
        "WHEN NOT MATCHED THEN INSERT BY NAME",
        {"source": source},
    )


def forget(engine: Engine, before: datetime) -> None:
    """Forgets series, and labels, of which nothing came since: pods come and go, and their number has no end."""
    with engine.transaction():
        engine.execute("DELETE FROM series WHERE last_time < $before", {"before": naive(before)})
        engine.execute("DELETE FROM label_sets WHERE time < $before", {"before": naive(before)})
