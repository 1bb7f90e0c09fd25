"""Repricing a month of a long history from its rollups. Enters: a number of events. Leaves: a line of JSON.

    python -m bench.reprice --events 100000000

The store is made as that many events of one month would leave its sums: hours × cells × meters. A draft doubles one
price; the preview of the month's margin is timed in the open store, beside plain GROUP BYs over the same tables.
See README.md for what each figure means.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bench.company import WORK
from perunit.contract.drafts import open_draft
from perunit.measures.preview import preview
from perunit.model.window import Window
from perunit.wiring import opened

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.engine.duckdb import Engine
    from perunit.wiring import Opened

__all__ = ["main"]

MONTH = Window.of_month("2026-09")
HOURS = 720
METERS = ("cpu_seconds", "egress_bytes", "requests")
PLANS = ("free", "starter", "pro", "team")
EVENTS_PER_ROW = 70

CONTRACT = """\
version: 1
units: {order: {owner: shop, key: order_id, segments: [plan, region]}}
events:
  order.completed:
    unit: order
    segments: {plan: data.plan, region: data.region}
    amounts: {revenue: data.total}
    usage: {cpu_seconds: data.cpu, egress_bytes: data.egress, requests: data.requests}
meters: {cpu_seconds: {unit: s}, egress_bytes: {unit: By}, requests: {unit: "{request}"}}
"""
BOOK = """\
book: cloud
version: 1
currency: USD
rates:
  - {meter: cpu_seconds, price: "0.0464", per: 3600, unit: s, effective_from: 2026-01-01, effective_to: 2026-09-15}
  - {meter: cpu_seconds, price: "0.0512", per: 3600, unit: s, effective_from: 2026-09-15}
  - {meter: egress_bytes, price: "0.09", per: 1000000000, unit: By, effective_from: 2026-01-01}
  - {meter: egress_bytes, plan: pro, price: "0.08", per: 1000000000, unit: By, effective_from: 2026-01-01}
  - {meter: requests, price: "0.20", per: 1000000, unit: "{request}", effective_from: 2026-01-01}
"""
DRAFT = BOOK.replace('"0.20"', '"0.40"')

# The margin of the month as stored, without perunit: what anyone would have to read.
_BARE = (
    "SELECT cell_id, sum(revenue), sum(discount), sum(refund), sum(fee), sum(cost) FROM rollup GROUP BY cell_id",
    "SELECT cell_id, meter, sum(quantity) FROM rollup_usage GROUP BY cell_id, meter",
    "SELECT kind, sum(amount) FROM rollup_priced WHERE NOT superseded GROUP BY kind",
)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.reprice", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--events", type=int, default=100_000_000, metavar="N", help="events of the month (100,000,000)"
    )
    parser.add_argument("--repeats", type=int, default=5, metavar="K", help="previews and GROUP BYs; medians count (5)")
    return parser.parse_args(arguments)


def measured(folder: Path, events: int, repeats: int) -> dict[str, Any]:
    """Makes the store, then times the preview and the GROUP BYs in turn."""
    cells = max(1, round(events / EVENTS_PER_ROW / HOURS))
    _write(folder)
    with opened(folder, purpose="bench") as project:
        _fill(project.engine, cells)
        return _timed(project, events, cells, repeats)


def _write(folder: Path) -> None:
    files = {"perunit.yaml": CONTRACT, "prices/cloud.yaml": BOOK, "prices/drafts/dearer.yaml": DRAFT}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _fill(engine: Engine, cells: int) -> None:
    plans = "[" + ", ".join(f"'{plan}'" for plan in PLANS) + "]"
    bit = engine.value("SELECT bit FROM unit_types WHERE unit_type = 'order'")
    columns = "segment_plan, shown_plan, segment_region, shown_region"
    with engine.transaction():
        engine.execute(
            "INSERT INTO cells (cell_id, cell_hash, shown_cell_id, source, event_type, currency, unit_mask, "
            f"orphan_mask, attempt_mask, success_mask, {columns}) "
            f"SELECT i, i, i, 's', 'order.completed', 'USD', 1 << {bit}, 0, 0, 0, "
            f"{plans}[1 + i % 4], {plans}[1 + i % 4], 'r' || (i // 4), 'r' || (i // 4) FROM range({cells}) t(i)"
        )
        hours = f"(SELECT TIMESTAMP '2026-09-01' + to_hours(CAST(h AS INTEGER)) AS hour, h FROM range({HOURS}) t(h)) w"
        engine.execute(
            "INSERT INTO rollup (window_start, cell_id, events, duplicates, late, revenue) SELECT hour, i, "
            f"{EVENTS_PER_ROW}, 0, 0, CAST(h * 7 + i % 991 AS DECIMAL(38, 12)) FROM {hours}, range({cells}) c(i)"
        )
        for number, meter in enumerate(METERS):
            engine.execute(
                f"INSERT INTO rollup_usage SELECT hour, i, '{meter}', NULL, {EVENTS_PER_ROW}, "
                f"CAST((h * 131 + i * 17 + {number}) % 100003 AS DECIMAL(38, 9)) * 1.037 "
                f"FROM {hours}, range({cells}) c(i)"
            )
        _price_stored(engine)


def _price_stored(engine: Engine) -> None:
    """rollup_priced as ingest would have left it."""
    engine.execute(
        "INSERT INTO rollup_priced SELECT u.window_start, u.cell_id, 'cost', u.meter, u.resource, r.rate_id, 'USD', "
        "u.usage_events, CAST(u.quantity AS DECIMAL(38, 12)), u.quantity * r.unit_price, false "
        "FROM rollup_usage u JOIN cells c USING (cell_id) JOIN rates r ON r.meter = u.meter "
        "AND u.window_start >= r.effective_from AND (r.effective_to IS NULL OR u.window_start < r.effective_to) "
        "AND (cardinality(r.conditions) = 1) = (c.shown_plan = 'pro' AND u.meter = 'egress_bytes')"
    )


def _timed(project: Opened, events: int, cells: int, repeats: int) -> dict[str, Any]:
    engine = project.engine
    previews, bare, answer = [], [], None
    for _ in range(repeats):
        begun = time.perf_counter()
        draft = open_draft(project.project, "dearer.yaml", {"cloud": 1})
        answer = preview(engine, project.contract, (draft.book,), project.clock(), window=MONTH)
        previews.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        for sql in _BARE:
            engine.rows(sql)
        bare.append(time.perf_counter() - begun)
    assert answer is not None
    doubled = engine.value("SELECT sum(amount) FROM rollup_priced WHERE meter = 'requests'")
    rows = {
        table: engine.value(f"SELECT count(*) FROM {table}") for table in ("rollup", "rollup_usage", "rollup_priced")
    }
    return {
        "events": events,
        "cells": cells,
        "rows": rows,
        "reprice_s": round(statistics.median(previews), 3),
        "reprice_worst_s": round(max(previews), 3),
        "bare_group_by_s": round(statistics.median(bare), 3),
        "ratio_to_bare": round(statistics.median(previews) / statistics.median(bare), 2),
        "error": str(abs(Decimal(answer.total.change("variable_cost") or 0) - doubled)),
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()},
    }


def main(arguments: list[str] | None = None) -> int:
    """Prints the line of JSON; 1 where the previewed change is not the doubled price, to the last digit."""
    options = _options(arguments)
    folder = WORK / f"reprice-{os.getpid()}"
    try:
        figures = measured(folder, options.events, options.repeats)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(figures))
    return 1 if Decimal(figures["error"]) else 0


if __name__ == "__main__":
    sys.exit(main())
