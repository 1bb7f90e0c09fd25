"""The fact tables rebuilt from single events, for figures finer than the rollups and for receipts.

Enters: a contract and a condition on events. Leaves: SQL whose columns are those of the rollup it stands for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.engine.duckdb import identifier, literal
from perunit.engine.files import sql_text
from perunit.measures.sums import Fact
from perunit.model.accounts import ACCOUNTS

if TYPE_CHECKING:
    from perunit.contract.shape import Contract

__all__ = ["fine_source", "measured"]

_STATIC = {Fact.ROLLUP: "fine_rollup", Fact.UNITS: "fine_units", Fact.LATENCY: "fine_latency"}
_MEASURED = {Fact.USAGE: "fine_usage", Fact.PRICED: "fine_priced"}
_WINDOW = "e.event_time >= $start AND e.event_time < $end"


def fine_source(contract: Contract, unit: str, fact: Fact) -> str:
    """A SELECT of the facts in [$start, $end), one row each, under the names of the table's columns."""
    if fact in _STATIC:
        return sql_text("measures", _STATIC[fact])
    if fact is Fact.ACTIVE:
        key = f"e.{identifier(f'unit_{unit}')}"
        return (
            f"SELECT e.event_time AS day, {literal(unit)} AS unit_type, {key} AS unit_key, k.weight "
            f"FROM events e JOIN cells k ON k.cell_id = e.cell_id WHERE {_WINDOW} AND {key} IS NOT NULL"
        )
    return f"WITH measured AS MATERIALIZED ({measured(contract, _WINDOW)}) {sql_text('measures', _MEASURED[fact])}"


def measured(contract: Contract, condition: str) -> str:
    """Everything of the events `e` under a condition that a rate may apply to, one row per event and meter.

    ``@<account>`` and ``@events`` are what percentage and fixed fees are taken of.
    """
    quantities = [(name, f"e.{identifier(f'usage_{name}')}") for name in contract.meter_names()]
    quantities += [(f"@{account}", f"e.{identifier(account)}") for account in ACCOUNTS]
    parts = [_measured_part(literal(name), column, condition) for name, column in quantities]
    return " UNION ALL ".join([*parts, _measured_part("'@events'", "1", condition)])


def _measured_part(meter: str, quantity: str, condition: str) -> str:
    resource = "CAST(NULL AS VARCHAR)" if meter.startswith("'@") else "e.resource"
    return (
        "SELECT e.event_key, e.event_time, k.shown_cell_id AS cell_id, "
        f"{meter} AS meter, {resource} AS resource, CAST({quantity} AS DECIMAL(38, 12)) AS quantity "
        f"FROM events e JOIN cells k ON k.cell_id = e.cell_id WHERE {condition} AND {quantity} IS NOT NULL"
    )
