"""Labels that another metric carries. Enters: samples. Leaves: the same samples, with the labels of the info series
that has the same values of some labels: ``kube_pod_labels`` says what team a pod is of, cAdvisor how much it used.

The last labels of each info series are kept in the transaction of the rows they came with, so they hold for whatever
comes later, through any door of the source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.engine.duckdb import literal
from perunit.facts.doors.counters import ARRIVED
from perunit.facts.files import Group

if TYPE_CHECKING:
    from perunit.contract.shape import LabelsFrom
    from perunit.engine.duckdb import Engine

__all__ = ["keep", "labelled"]


def labelled(group: Group, source: str, labels_from: LabelsFrom) -> Group:
    """The group whose rows attach themselves as ``arrived``, with the labels of the info series added to their own.

    A label that a sample has itself stands. Info series are passed on as they are.
    """
    key = _key_sql(labels_from.on)

    def attach(engine: Engine) -> None:
        group.attach(engine)
        values = {"source": source, "metric": labels_from.metric}
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE label_news AS SELECT {key} AS key, labels, time FROM {ARRIVED} "
            f"WHERE metric = $metric AND value IS NOT NULL AND {key} IS NOT NULL "
            "QUALIFY row_number() OVER (PARTITION BY key ORDER BY time DESC, position DESC) = 1",
            values,
        )
        engine.register(ARRIVED, engine.arrow(_merged_sql(key), values))

    return Group(group.number, group.digest, group.blank, group.done, attach)


def _key_sql(on: tuple[str, ...]) -> str:
    """What tells whose labels they are: the values of some labels, as text; null where one is missing."""
    values = [f"labels[{literal(name)}]" for name in on]
    missing = " OR ".join(f"{value} IS NULL" for value in values)
    return f"CASE WHEN NOT ({missing}) THEN CAST(to_json([{', '.join(values)}]) AS VARCHAR) END"


def _merged_sql(key: str) -> str:
    return (
        "WITH known AS (SELECT key, labels AS more FROM (SELECT key, labels, time FROM label_news UNION ALL "
        "SELECT key, labels, time FROM label_sets WHERE source = $source) "
        "QUALIFY row_number() OVER (PARTITION BY key ORDER BY time DESC) = 1) "
        "SELECT a.* REPLACE (CASE WHEN more IS NULL OR metric = $metric THEN labels "
        f"ELSE map_concat(more, labels) END AS labels) FROM {ARRIVED} a LEFT JOIN known ON known.key = {key} "
        "ORDER BY position"
    )


def keep(engine: Engine, source: str) -> None:
    """Keeps the labels that came with the group attached last; in the transaction that stores its rows."""
    engine.execute(
        "MERGE INTO label_sets USING (SELECT $source AS source, * FROM label_news) AS news "
        "ON label_sets.source = news.source AND label_sets.key = news.key "
        "WHEN MATCHED AND news.time > label_sets.time THEN UPDATE SET labels = news.labels, time = news.time "
        "WHEN NOT MATCHED THEN INSERT BY NAME",
        {"source": source},
    )
