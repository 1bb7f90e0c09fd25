"""Labels that another metric carries. Enters: samples. Leaves: the same samples, with the labels of the info series
that has the same values of some labels: ``kube_pod_labels`` says what team a pod is of, cAdvisor how much it used.

The last labels of each info series are kept in the transaction of the rows they came with, so they hold for whatever
comes later, through any door of the source. With pseudonyms they are kept sealed, and found by a keyed mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perunit.engine.duckdb import literal
from perunit.facts.doors.counters import ARRIVED
from perunit.facts.files import Group
from perunit.facts.privacy.seals import LABELS, placed

if TYPE_CHECKING:
    from perunit.contract.shape import LabelsFrom
    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.seals import Seals

__all__ = ["keep", "labelled"]


def labelled(group: Group, source: str, labels_from: LabelsFrom, seals: Seals | None = None) -> Group:
    """The group whose rows attach themselves as ``arrived``, with the labels of the info series added to their own.

    A label that a sample has itself stands. Info series are passed on as they are.
    """
    key = _key_sql(labels_from.on)
    if seals:
        key = seals.mark_sql(key)

    def attach(engine: Engine) -> None:
        group.attach(engine)
        values = {"source": source, "metric": labels_from.metric, **(seals.values if seals else {})}
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE label_news AS SELECT {key} AS key, labels, time FROM {ARRIVED} "
            f"WHERE metric = $metric AND value IS NOT NULL AND {key} IS NOT NULL "
            "QUALIFY row_number() OVER (PARTITION BY key ORDER BY time DESC, position DESC) = 1",
            values,
        )
        stored = _opened_sql(engine, seals, key, values) if seals else _STORED
        engine.register(ARRIVED, engine.arrow(_merged_sql(key, stored), values))

    return Group(group.number, group.digest, group.blank, group.done, attach)


def _key_sql(on: tuple[str, ...]) -> str:
    """What tells whose labels they are: the values of some labels, as text; null where one is missing."""
    values = [f"labels[{literal(name)}]" for name in on]
    missing = " OR ".join(f"{value} IS NULL" for value in values)
    return f"CASE WHEN NOT ({missing}) THEN CAST(to_json([{', '.join(values)}]) AS VARCHAR) END"


_STORED = "SELECT key, labels, time FROM label_sets WHERE source = $source"


def _opened_sql(engine: Engine, seals: Seals, key: str, values: dict[str, Any]) -> str:
    """The same of what is sealed, only of those that are asked for: to open one takes its time."""
    kept = f"SELECT key, sealed, time FROM label_sets WHERE source = $source AND key IN (SELECT {key} FROM {ARRIVED})"
    opened = placed(engine, "opened_labels", seals.opened(engine.arrow(kept, values), "sealed", LABELS))
    return f"SELECT key, from_json(sealed, '\"MAP(VARCHAR, VARCHAR)\"') AS labels, time FROM ({opened})"


def _merged_sql(key: str, stored: str) -> str:
    return (
        f"WITH known AS (SELECT key, labels AS more FROM (SELECT key, labels, time FROM label_news UNION ALL {stored}) "
        "QUALIFY row_number() OVER (PARTITION BY key ORDER BY time DESC) = 1) "
        "SELECT a.* REPLACE (CASE WHEN more IS NULL OR metric = $metric THEN labels "
        f"ELSE map_concat(more, labels) END AS labels) FROM {ARRIVED} a LEFT JOIN known ON known.key = {key} "
        "ORDER BY position"
    )


def keep(engine: Engine, source: str, seals: Seals | None = None) -> None:
    """Keeps the labels that came with the group attached last; in the transaction that stores its rows."""
    news, own = "SELECT key, labels, time FROM label_news", "labels = news.labels"
    if seals:
        rows = engine.arrow("SELECT key, CAST(to_json(labels) AS VARCHAR) AS sealed, time FROM label_news")
        sealed = placed(engine, "kept_labels", seals.sealed(rows, "sealed", LABELS))
        news, own = (
            f"SELECT *, CAST(MAP {{}} AS MAP(VARCHAR, VARCHAR)) AS labels FROM ({sealed})",
            "sealed = news.sealed",
        )
    engine.execute(
        f"MERGE INTO label_sets USING (SELECT $source AS source, * FROM ({news})) AS news "
        "ON label_sets.source = news.source AND label_sets.key = news.key "
        f"WHEN MATCHED AND news.time > label_sets.time THEN UPDATE SET {own}, time = news.time "
        "WHEN NOT MATCHED THEN INSERT BY NAME",
        {"source": source},
    )
