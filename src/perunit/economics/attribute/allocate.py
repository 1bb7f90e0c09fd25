"""Allocates the bills in force. Enters: charges, rules, usage and sums. Leaves: allocations, pool_lines,
billed_usage, and which list-priced usage they supersede.

Everything is computed anew from what the store holds, so that it does not matter which came first: a bill, a later
version of it, or the usage. Direct and usage rules go first, because a proportional rule may follow their costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from perunit.economics.attribute.report import AllocationReport, read_report
from perunit.economics.attribute.rules import CompiledRule, compile_rules, lines_sql
from perunit.economics.attribute.stated import stated_order, stated_weights
from perunit.engine.files import sql_text
from perunit.model.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["allocate"]

_ROOM = "economics.attribute"
_FIRST = {"first": "usage", "second": "usage"}
_SECOND = {"first": "proportional", "second": "even"}
_TABLES = ("allocations", "pool_lines", "billed_usage")
_TEMPORARY = (
    "rules",
    "matched",
    "lines",
    "pools",
    "weights",
    "measured",
    "sets",
    "targets",
    "covered",
    "stated",
    "flows",
)
_EXPRESSIONS = ("match", "key", "resource", "capacity")


def allocate(engine: Engine, contract: Contract) -> AllocationReport:
    """Allocates every bill in force anew, in one transaction, and says where its cost went.

    Per pool the parts sum to its lines, to the last digit; the same facts give the same digits in any order of
    arrival. Raises ConfigurationError where a rule's expression fails on a line; then nothing has changed.
    """
    rules = compile_rules(contract)
    try:
        _match(engine, rules)
        with engine.transaction():
            for table in _TABLES:
                engine.execute(f"DELETE FROM {table}")
            _pool(engine)
            _supersede(engine)
            _allocate_costs(engine)
            _allocate_shares(engine, contract)
            _allocate_stated(engine, contract)
            engine.insert("allocations", _ROOM, "unallocated_parts")
            _assert_balanced(engine)
        return read_report(engine)
    finally:
        for name in _TEMPORARY:
            engine.execute(f"DROP TABLE IF EXISTS allocation_{name}")


def _make(engine: Engine, name: str, file: str, values: dict[str, object] | None = None) -> None:
    """A temporary table of this computation from one SQL file."""
    sql = sql_text(_ROOM, file)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE allocation_{name} AS {sql}", values)


def _match(engine: Engine, rules: tuple[CompiledRule, ...]) -> None:
    """Gives every line its rule."""
    described = pa.Table.from_pylist([_described(rule) for rule in rules], schema=_RULES)
    engine.register("allocation_described", described)
    engine.execute("CREATE OR REPLACE TEMP TABLE allocation_rules AS SELECT * FROM allocation_described")
    engine.unregister("allocation_described")
    try:
        engine.execute(f"CREATE OR REPLACE TEMP TABLE allocation_matched AS {lines_sql(rules)}")
    except duckdb.Error as error:
        raise _failed(engine, rules) or error from error


_RULES = pa.schema(
    [
        ("number", pa.int32()),
        ("rule", pa.string()),
        ("method", pa.string()),
        ("driver", pa.string()),
        ("meter", pa.string()),
        ("unit_type", pa.string()),
        ("has_resource", pa.bool_()),
        ("separate_idle", pa.bool_()),
    ]
)


def _described(rule: CompiledRule) -> dict[str, object]:
    return {
        "number": rule.number,
        "rule": rule.rule.name,
        "method": rule.rule.method,
        "driver": rule.driver,
        "meter": rule.rule.meter if rule.rule.method == "usage" else None,
        "unit_type": rule.unit_type,
        "has_resource": rule.resource is not None,
        "separate_idle": rule.rule.idle == "separate",
    }


def _failed(engine: Engine, rules: tuple[CompiledRule, ...]) -> ConfigurationError | None:
    """Which expression it was, found by trying each on its own."""
    faults = []
    for rule in rules:
        for name in _EXPRESSIONS:
            expression = getattr(rule, name)
            if expression is None:
                continue
            try:
                wrapped = f"CASE WHEN ({expression}) THEN 1 END" if name == "match" else f"({expression})"
                engine.value(f"SELECT count({wrapped}) FROM charges")
            except duckdb.Error as error:
                place = f"allocation.{rule.number}.{name}"
                got, detail = getattr(rule.rule, name), str(error).splitlines()[0]
                mend = "guard it, as in try_cast(tags['cpus'] as integer)"
                faults.append(
                    Fault("perunit.yaml", None, place, repr(got), f"must work on every line ({detail})", mend)
                )
    return ConfigurationError(faults) if faults else None


def _pool(engine: Engine) -> None:
    _make(engine, "lines", "lines")
    _make(engine, "pools", "pools")
    engine.insert("pool_lines", _ROOM, "pool_lines")


def _supersede(engine: Engine) -> None:
    """Marks the list-priced usage that a bill covers; only rows that change are written."""
    engine.insert("billed_usage", _ROOM, "billed_usage")
    _make(engine, "covered", "superseded")
    engine.execute(
        "UPDATE rollup_priced SET superseded = NOT superseded WHERE rowid IN ("
        "SELECT p.rowid FROM rollup_priced AS p LEFT JOIN allocation_covered AS c ON c.meter = p.meter "
        "AND c.resource IS NOT DISTINCT FROM p.resource AND c.window_start = p.window_start "
        "WHERE p.kind = 'cost' AND p.superseded <> (c.meter IS NOT NULL))"
    )


def _allocate_costs(engine: Engine) -> None:
    engine.insert("allocations", _ROOM, "direct_parts")
    _make(engine, "weights", "usage_weights")
    _spread(engine, _FIRST)


def _allocate_shares(engine: Engine, contract: Contract) -> None:
    first = next(iter(contract.units))
    bit = engine.value("SELECT bit FROM unit_types WHERE unit_type = $unit", {"unit": first})
    _make(engine, "measured", "measured", {"bit": bit})
    _make(engine, "weights", "measure_weights")
    _spread(engine, _SECOND)


def _allocate_stated(engine: Engine, contract: Contract) -> None:
    """Passes pools on from rule to rule by stated weights, until every part is with a unit."""
    engine.register("allocation_stated_rows", stated_weights(contract))
    engine.execute("CREATE OR REPLACE TEMP TABLE allocation_stated AS SELECT * FROM allocation_stated_rows")
    engine.unregister("allocation_stated_rows")
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE allocation_flows AS SELECT bill_id, pool_id, rule AS target, "
        "CAST(NULL AS VARCHAR) AS unit_type, CAST(NULL AS VARCHAR) AS unit_key, billed_quanta AS billed, "
        "effective_quanta AS effective FROM allocation_pools WHERE method IN ('fixed', 'step_down')"
    )
    for rule in stated_order(contract):
        engine.insert("allocation_flows", _ROOM, "stated_flows", {"rule": rule})
    engine.insert("allocations", _ROOM, "stated_parts")


def _spread(engine: Engine, methods: dict[str, str]) -> None:
    """Splits the pools of these methods by `allocation_weights`; the rest of them get a reason."""
    _make(engine, "sets", "sets")
    _make(engine, "targets", "targets")
    engine.execute(
        f"UPDATE allocation_pools SET reason = found.reason FROM ({sql_text(_ROOM, 'reasons')}) AS found "
        "WHERE found.bill_id = allocation_pools.bill_id AND found.pool_id = allocation_pools.pool_id",
        methods,
    )
    engine.insert("allocations", _ROOM, "spread_parts", methods)


def _assert_balanced(engine: Engine) -> None:
    wrong = engine.records(sql_text(_ROOM, "unbalanced"))
    if wrong:
        raise AssertionError(f"parts do not sum to their pool: {wrong}")
