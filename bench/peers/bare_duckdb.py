"""Bare DuckDB: the yardstick. Enters: the same NDJSON. Leaves: a typed table in a file, and plain GROUP BYs over it.

`load` reads the files into one typed, flattened table. `group` then makes the sums that perunit's rollups hold, each
stored as a table: hour × segments (counts and amounts), hour × segments × resource (usage), unit-days and first
events of both unit types, and latency buckets. Default settings, all threads.

It does not: check a line against a schema (a wrong type ends the load), find duplicates or conflicts, keep rejects,
price, match events to prices or bills, or hold anything for a re-run. The sums therefore include every copy.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

# Types as narrow as the data allows, which is faster than perunit's DECIMAL(38, …): the harder yardstick.
_MONEY, _MEASURED = "DECIMAL(18, 4)", "DECIMAL(18, 3)"
_DATA = {
    **dict.fromkeys(("order_id", "user_id", "plan", "region", "channel", "release"), "VARCHAR"),
    **dict.fromkeys(("outcome", "intent", "resource"), "VARCHAR"),
    **dict.fromkeys(("amount", "discount", "refund", "commission", "tax", "cost"), _MONEY),
    **dict.fromkeys(("cpu_seconds", "latency_ms"), _MEASURED),
    **dict.fromkeys(("egress_bytes", "input_tokens", "output_tokens", "exports"), "BIGINT"),
}
_COLUMNS = {
    **dict.fromkeys(("id", "source", "type"), "VARCHAR"),
    **dict.fromkeys(("time", "recordedtime"), "TIMESTAMP"),
    "data": f"STRUCT({', '.join(f'{name} {type_}' for name, type_ in _DATA.items())})",
}
_AMOUNTS = ("amount", "discount", "refund", "commission", "tax", "cost")
_METERS = ("cpu_seconds", "egress_bytes", "input_tokens", "output_tokens", "exports")
_SEGMENTS = "source, type, outcome, plan, region, channel, release"
_HOUR = "date_trunc('hour', time)"


def load(database: Path, files: list[Path]) -> None:
    """One typed table from the files."""
    database.unlink(missing_ok=True)
    columns = ", ".join(f"{name}: '{type_}'" for name, type_ in _COLUMNS.items())
    with duckdb.connect(str(database)) as engine:
        engine.execute(
            "CREATE TABLE events AS SELECT id, source, type, time, recordedtime, unnest(data) "
            f"FROM read_json($files, format = 'newline_delimited', columns = {{{columns}}})",
            {"files": [str(path) for path in files]},
        ).fetchall()


def _sums(columns: tuple[str, ...]) -> str:
    return ", ".join(f"sum({name}) AS {name}" for name in columns)


def _tables() -> dict[str, str]:
    counts = ", ".join(f"count({name}) AS n_{name}" for name in _METERS)
    any_usage = " OR ".join(f"{name} IS NOT NULL" for name in _METERS)
    tables = {
        "by_hour": f"SELECT {_HOUR} AS hour, {_SEGMENTS}, count(*) AS events, "
        f"count(*) FILTER (recordedtime > time + INTERVAL 24 HOUR) AS late, {_sums(_AMOUNTS)} FROM events GROUP BY ALL",
        "usage": f"SELECT {_HOUR} AS hour, {_SEGMENTS}, resource, {counts}, {_sums(_METERS)} "
        f"FROM events WHERE {any_usage} GROUP BY ALL",
        "latency": f"SELECT date_trunc('day', time) AS day, {_SEGMENTS}, "
        "CAST(ceil(log2(CAST(latency_ms AS DOUBLE)) * 32) - 1 AS INTEGER) AS bucket, count(*) AS observations, "
        "sum(latency_ms) AS latency_sum, min(latency_ms) AS latency_min, max(latency_ms) AS latency_max "
        "FROM events WHERE latency_ms > 0 GROUP BY ALL",
    }
    for unit in ("order_id", "user_id"):
        tables[f"days_{unit}"] = (
            f"SELECT date_trunc('day', time) AS day, {unit}, count(*) AS events, "
            "count(*) FILTER (outcome IS NOT NULL) AS attempts, "
            f"count(*) FILTER (type = 'order.completed') AS successes, {_sums(_AMOUNTS)}, {_sums(_METERS)}, "
            f"min(time) AS first_time, max(time) AS last_time FROM events WHERE {unit} IS NOT NULL GROUP BY ALL"
        )
        tables[f"first_{unit}"] = (
            f"SELECT {unit}, min(time) AS opened_at, arg_min(plan, time) AS plan, arg_min(region, time) AS region, "
            f"arg_min(channel, time) AS channel, arg_min(release, time) AS release "
            f"FROM events WHERE {unit} IS NOT NULL GROUP BY ALL"
        )
    return tables


def group(database: Path) -> dict[str, float]:
    """The sums, each as a table; returns the seconds each took."""
    took = {}
    with duckdb.connect(str(database)) as engine:
        for name, sql in _tables().items():
            start = time.perf_counter()
            engine.execute(f"CREATE OR REPLACE TABLE sums_{name} AS {sql}").fetchall()
            took[name] = round(time.perf_counter() - start, 3)
    return took


def main() -> None:
    """`load DATABASE FILE…` or `group DATABASE`."""
    step, database, *files = sys.argv[1:]
    if step == "load":
        load(Path(database), [Path(file) for file in files])
        print(json.dumps({}))
    else:
        print(json.dumps(group(Path(database))))


if __name__ == "__main__":
    main()
