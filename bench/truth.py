"""Compares figures with the simulation's truth. Enters: a project's store, or a peer's P&L. Leaves: what differs.

Every comparison is of exact decimals; a cell is one figure of one row, such as the refunds of one day in one
segment. Rows that only one side has are compared with nothing, which is 0.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from decimal import Decimal, localcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.peers.common import FIGURES as PNL_FIGURES
from bench.peers.common import KEYS as PNL_KEYS

if TYPE_CHECKING:
    from perunit.wiring import Opened

__all__ = ["Differences", "compared", "pnl_differences", "store_differences"]

Key = tuple[str, ...]
Table = Mapping[Key, Mapping[str, Decimal]]

_NOTHING: Mapping[str, Decimal] = {}
_ZERO = Decimal(0)
# The truth states idle cost rounded to this place.
_IDLE_TOLERANCE = Decimal(1).scaleb(-12)
_SEGMENTS = ("plan", "region", "channel", "release")


@contextmanager
def exact() -> Iterator[None]:
    """Decimal arithmetic that never rounds the sums compared here, whoever computed them."""
    with localcontext(prec=76):
        yield


@dataclass(slots=True)
class Differences:
    """How many cells were compared and how many differ; `first` names the first of them.

    `tables` counts the cells of each table, `figures` the differing cells of each figure that has any.
    """

    cells: int = 0
    differing: int = 0
    largest: Decimal = _ZERO
    first: str | None = None
    tables: dict[str, int] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)

    def add(self, table: str, key: Key, figure: str, found: Decimal, true: Decimal, tolerance: Decimal = _ZERO) -> None:
        """Compares one cell."""
        self.cells += 1
        self.tables[table] = self.tables.get(table, 0) + 1
        difference = abs(found - true)
        if difference <= tolerance:
            return
        self.differing += 1
        name = f"{table}.{figure}"
        self.figures[name] = self.figures.get(name, 0) + 1
        self.largest = max(self.largest, difference)
        if self.first is None:
            self.first = f"{table}: {figure} of {' / '.join(key)} is {found}, in truth {true}"

    def as_json(self) -> dict[str, Any]:
        """Plain values; the largest difference as text."""
        return asdict(self) | {"largest": f"{self.largest:f}"}


def compared(differences: Differences, name: str, found: Table, true: Table, figures: Iterable[str]) -> None:
    """Adds every cell of two tables."""
    names = tuple(figures)
    with exact():
        for key in sorted(found.keys() | true.keys()):
            ours, theirs = found.get(key, _NOTHING), true.get(key, _NOTHING)
            for figure in names:
                differences.add(name, key, figure, ours.get(figure, _ZERO), theirs.get(figure, _ZERO))


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _table(rows: Iterable[Mapping[str, str]], keys: Iterable[str], figures: Iterable[str]) -> Table:
    return _summed((tuple(row[key] for key in keys), {name: Decimal(row[name]) for name in figures}) for row in rows)


def _summed(rows: Iterable[tuple[Key, Mapping[str, Decimal]]]) -> Table:
    table: dict[Key, dict[str, Decimal]] = {}
    with exact():
        for key, values in rows:
            sums = table.setdefault(key, {})
            for name, value in values.items():
                sums[name] = sums.get(name, _ZERO) + value
    return table


def _daily(company: Path) -> list[dict[str, str]]:
    return list(_rows(company / "truth" / "daily.csv"))


# A peer's P&L.


def pnl_differences(company: Path, pnl: Path) -> Differences:
    """Every figure of a peer's daily P&L against the truth."""
    differences = Differences()
    found = _table(_rows(pnl), PNL_KEYS, PNL_FIGURES)
    compared(differences, "pnl", found, _summed(map(_pnl_row, _daily(company))), PNL_FIGURES)
    return differences


def _pnl_row(row: Mapping[str, str]) -> tuple[Key, dict[str, Decimal]]:
    value = {name: Decimal(text) for name, text in row.items() if name not in {*PNL_KEYS, "event_type"}}
    with exact():
        figures = {
            "orders": value["orders_opened"],
            "gross_revenue": value["recorded_revenue"] + value["priced_revenue"],
            "discounts": value["discounts"],
            "refunds": value["refunds"],
            "fees": value["recorded_fees"] + value["priced_fees"],
            "recorded_cost": value["recorded_cost"],
            "usage_cost": sum((value[name] for name in value if name.startswith("cost_")), _ZERO),
        }
    return tuple(row[key] for key in PNL_KEYS), figures


# perunit's store: its rollups, what its measures say, its units and its bills.

_DAILY_KEYS = ("day", "event_type", *_SEGMENTS)
_COUNTED = ("events", "duplicates", "late", "orphan_order", "orphan_user", "attempts", "successes")
_ACCOUNTS = {
    "recorded_revenue": "revenue",
    "discounts": "discount",
    "refunds": "refund",
    "tax": "tax",
    "recorded_fees": "fee",
    "recorded_cost": "cost",
}
_CELL = "c.event_type, " + ", ".join(f"coalesce(c.shown_{name}, '') AS {name}" for name in _SEGMENTS)


def store_differences(company: Path, project: Opened) -> Differences:
    """Every figure of the truth against the open store."""
    differences = Differences()
    daily = _daily(company)
    figures = [name for name in daily[0] if name not in _DAILY_KEYS]
    compared(differences, "rollups", _rollups(project), _table(daily, _DAILY_KEYS, figures), figures)
    _compare_measures(differences, project, daily)
    _compare_users(differences, project, company)
    _compare_machines(differences, project, company)
    _compare_orders(differences, project, company)
    _compare_bills(differences, project, company)
    return differences


def _records(project: Opened, sql: str) -> Iterator[dict[str, Any]]:
    return iter(project.engine.records(sql))


def _keyed(rows: Iterable[dict[str, Any]], keys: Iterable[str]) -> Iterator[tuple[Key, dict[str, Decimal]]]:
    names = tuple(keys)
    for row in rows:
        key = tuple(str(row.pop(name)) for name in names)
        yield key, {name: Decimal(value) for name, value in row.items() if value is not None}


def _rollups(project: Opened) -> Table:
    bits = dict(project.engine.rows("SELECT unit_type, bit FROM unit_types"))
    order, user = bits["order"], bits["user"]
    day = "CAST(date_trunc('day', r.window_start) AS DATE) AS day"
    sums = ", ".join(f"sum(r.{column}) AS {name}" for name, column in _ACCOUNTS.items())
    queries = (
        f"SELECT {day}, {_CELL}, sum(r.events) AS events, sum(r.duplicates) AS duplicates, sum(r.late) AS late, "
        f"sum(r.events * ((c.orphan_mask >> {order}) & 1)) AS orphan_order, "
        f"sum(r.events * ((c.orphan_mask >> {user}) & 1)) AS orphan_user, "
        f"sum(r.events * ((c.attempt_mask >> {order}) & 1)) AS attempts, "
        f"sum(r.events * ((c.success_mask >> {order}) & 1)) AS successes, {sums} "
        "FROM rollup r JOIN cells c USING (cell_id) GROUP BY ALL",
        f"SELECT {day}, {_CELL}, sum(r.opened) AS orders_opened FROM rollup_units r JOIN cells c USING (cell_id) "
        "WHERE r.unit_type = 'order' GROUP BY ALL",
        f"SELECT {day}, {_CELL}, sum(r.amount) FILTER (r.kind = 'fee') AS priced_fees, "
        "sum(r.amount) FILTER (r.kind = 'revenue') AS priced_revenue FROM rollup_priced r JOIN cells c USING (cell_id) "
        "GROUP BY ALL",
        "SELECT CAST(json_extract_string(raw, '$.time')[:10] AS VARCHAR) AS day, "
        "json_extract_string(raw, '$.type') AS event_type, "
        + ", ".join(f"coalesce(json_extract_string(raw, '$.data.{name}'), '') AS {name}" for name in _SEGMENTS)
        + ", count(*) AS conflicts FROM quarantine WHERE kind = 'conflict' GROUP BY ALL",
    )
    rows = [row for sql in queries for row in _keyed(_records(project, sql), _DAILY_KEYS)]
    for table, column, prefix in (("rollup_usage", "quantity", "usage_"), ("rollup_priced", "amount", "cost_")):
        only = "" if table == "rollup_usage" else "WHERE r.kind = 'cost'"
        by_meter = _records(
            project,
            f"SELECT {day}, {_CELL}, r.meter, sum(r.{column}) AS total FROM {table} r JOIN cells c USING (cell_id) "
            f"{only} GROUP BY ALL",
        )
        for key, values in _keyed(by_meter, (*_DAILY_KEYS, "meter")):
            rows.append((key[:-1], {f"{prefix}{key[-1]}": values.get("total", _ZERO)}))
    return _summed(rows)


# Measure → the figures of the truth that make it up; usage cost is left out, for bills have taken part of it over.
_MEASURES = {
    "events": ("events",),
    "duplicates": ("duplicates",),
    "late_events": ("late",),
    "units": ("orders_opened",),
    "attempts": ("attempts",),
    "successes": ("successes",),
    "gross_revenue": ("recorded_revenue", "priced_revenue"),
    "discounts": ("discounts",),
    "refunds": ("refunds",),
    "tax": ("tax",),
    "fees": ("recorded_fees", "priced_fees"),
    "cpu_seconds": ("usage_cpu_seconds",),
    "egress_bytes": ("usage_egress_bytes",),
    "llm_input_tokens": ("usage_llm_input_tokens",),
    "llm_output_tokens": ("usage_llm_output_tokens",),
    "exports": ("usage_exports",),
}


def _compare_measures(differences: Differences, project: Opened, daily: list[dict[str, str]]) -> None:
    """What `perunit query` answers by day and segment; only events with an order id are in the orders' lens."""
    from perunit.measures.query import Query, run_query
    from perunit.model.window import Grain

    result = run_query(
        project.engine, project.contract, Query(tuple(_MEASURES), unit="order", by=_SEGMENTS, grain=Grain.DAY)
    )
    found = {
        (f"{row.values['day']:%Y-%m-%d}", *(row.values[name] for name in _SEGMENTS)): {
            name: Decimal(row.values[name] or 0) for name in _MEASURES
        }
        for row in result.rows
        if row.values["channel"] is not None
    }
    in_lens = (row for row in daily if row["channel"])
    names = sorted({figure for figures in _MEASURES.values() for figure in figures})
    true = {}
    with exact():
        for key, values in _table(in_lens, ("day", *_SEGMENTS), names).items():
            true[key] = {name: sum((values[part] for part in parts), _ZERO) for name, parts in _MEASURES.items()}
    compared(differences, "measures", found, true, _MEASURES)


def _compare_users(differences: Differences, project: Opened, company: Path) -> None:
    from perunit.measures.query import Query, run_query
    from perunit.model.window import Grain

    query = Query(("active_units",), unit="user", by=("plan", "region"), grain=Grain.DAY)
    found: Table = {
        (f"{row.values['day']:%Y-%m-%d}", row.values["plan"], row.values["region"]): {
            "active_users": Decimal(row.values["active_units"])
        }
        for row in run_query(project.engine, project.contract, query).rows
    }
    true = _table(_rows(company / "truth" / "users.csv"), ("day", "plan", "region"), ("active_users",))
    compared(differences, "active users", found, true, ("active_users",))


def _compare_machines(differences: Differences, project: Opened, company: Path) -> None:
    meters = ("cpu_seconds", "egress_bytes")
    sums = ", ".join(f"sum(quantity) FILTER (meter = '{name}') AS {name}" for name in meters)
    found = _records(
        project,
        f"SELECT CAST(date_trunc('day', window_start) AS DATE) AS day, resource, {sums} FROM rollup_usage "
        "WHERE resource IS NOT NULL GROUP BY ALL",
    )
    true = _table(_rows(company / "truth" / "machines.csv"), ("day", "resource"), meters)
    compared(differences, "machines", _summed(_keyed(found, ("day", "resource"))), true, meters)


_RECEIPT = ("events", "gross_revenue", "discounts", "refunds", "fees", "variable_cost", "contribution_margin")


def _compare_orders(differences: Differences, project: Opened, company: Path) -> None:
    """The sums of single orders, at list prices."""
    true = _table(_rows(company / "truth" / "orders.csv"), ("order_id",), _RECEIPT)
    keys = ", ".join(f"'{key}'" for (key,) in true)
    found = _records(
        project,
        "SELECT unit_key, sum(events) AS events, sum(revenue) AS revenue, sum(priced_revenue) AS priced_revenue, "
        "sum(discount) AS discounts, sum(refund) AS refunds, sum(fee) AS fee, sum(priced_fee) AS priced_fee, "
        "sum(cost) AS cost, sum(priced_cost) AS priced_cost FROM unit_days "
        f"WHERE unit_type = 'order' AND unit_key IN ({keys}) GROUP BY unit_key",
    )
    receipts = {key: _receipt(defaultdict(Decimal, values)) for key, values in _keyed(found, ("unit_key",))}
    compared(differences, "orders", receipts, true, _RECEIPT)


def _receipt(values: Mapping[str, Decimal]) -> dict[str, Decimal]:
    with exact():
        gross = values["revenue"] + values["priced_revenue"]
        fees = values["fee"] + values["priced_fee"]
        variable = fees + values["cost"] + values["priced_cost"]
        net = gross - values["discounts"] - values["refunds"]
        return {
            **{name: values[name] for name in ("events", "discounts", "refunds")},
            "gross_revenue": gross,
            "fees": fees,
            "variable_cost": variable,
            "contribution_margin": net - variable,
        }


_COSTS = ("billed_cost", "effective_cost")


def _compare_bills(differences: Differences, project: Opened, company: Path) -> None:
    """Every version as imported, and where the versions in force went, rule by rule."""
    truth = list(_rows(company / "truth" / "bills.csv"))
    imported = _keyed(_records(project, f"SELECT file_name, {', '.join(_COSTS)} FROM bills"), ("file_name",))
    compared(differences, "bills", _summed(imported), _table(truth, ("file",), _COSTS), _COSTS)
    in_force = {name for (name,) in project.engine.rows("SELECT file_name FROM bills WHERE superseded_at IS NULL")}
    latest = [row for row in truth if row["file"] in in_force]
    sums = ", ".join(f"sum(a.{name}) AS {name}" for name in _COSTS)
    parts = "FROM allocations a JOIN bills b USING (bill_id) WHERE b.superseded_at IS NULL"
    # Lines that no rule matched stand under a name of their own, in the truth under none.
    rule = "CASE WHEN a.rule = 'unallocated' THEN '' ELSE a.rule END AS rule"
    by_rule = _keyed(_records(project, f"SELECT {rule}, {sums} {parts} GROUP BY ALL"), ("rule",))
    compared(differences, "allocated by rule", _summed(by_rule), _table(latest, ("rule",), _COSTS), _COSTS)
    # A machine without any measured usage is idle in the truth, and unallocated under its rule where it is unknown
    # whether nothing was used or nothing was measured.
    kinds = "a.rule <> 'unallocated' AND a.kind IN ('idle', 'unallocated')"
    unused = dict(_keyed(_records(project, f"SELECT a.rule, {sums} {parts} AND {kinds} GROUP BY ALL"), ("rule",)))
    true = _table(latest, ("rule",), [f"idle_{name}" for name in _COSTS])
    with exact():
        for key, values in true.items():
            for name in _COSTS:
                found = unused.get(key, _NOTHING).get(name, _ZERO)
                differences.add("unused by rule", key, name, found, values[f"idle_{name}"], _IDLE_TOLERANCE)


def main() -> None:
    """`store COMPANY PROJECT` or `pnl COMPANY FILE`."""
    what, company, other = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if what == "pnl":
        print(json.dumps(pnl_differences(company, other).as_json()))
        return
    from perunit.wiring import opened

    with opened(other, purpose="bench") as project:
        print(json.dumps(store_differences(company, project).as_json()))


if __name__ == "__main__":
    main()
