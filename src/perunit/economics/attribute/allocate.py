"""Allocates the bills in force. Enters: charges, rules, usage and sums. Leaves: allocations, pool_lines,
billed_usage, and which list-priced usage they supersede.

Everything is computed anew from what the store holds, so that it does not matter which came first: a bill, a later
version of it, or the usage. Direct and usage rules go first, because a proportional rule may follow their costs;
rules that follow other lines go last, in their own order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from perunit.economics.attribute.exchange import compare_currencies
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
    "meters",
    "capacities",
    "pools",
    "pieces",
    "weights",
    "measured",
    "sets",
    "targets",
    "covered",
    "stated",
    "flows",
)
_EXPRESSIONS = ("match", "key", "resource", "capacities", "of")


def allocate(engine: Engine, contract: Contract) -> AllocationReport:
    """Allocates every bill in force anew, in one transaction, and says where its cost went.

    Per pool the parts sum to its lines, to the last digit; the same facts give the same digits in any order of
    arrival. Raises ConfigurationError where a rule's expression fails on a line; then nothing has changed.
    """
    rules = compile_rules(contract)
    engine.execute(sql_text(_ROOM, "macros"))
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
            engine.insert("allocations", _ROOM, "unborne_parts")
            _allocate_followers(engine, rules)
            _assert_balanced(engine)
        return read_report(engine)
    finally:
        for name in _TEMPORARY:
            engine.execute(f"DROP TABLE IF EXISTS allocation_{name}")


def _make(engine: Engine, name: str, file: str, values: dict[str, object] | None = None) -> None:
    """A temporary table of this computation from one SQL file."""
    sql = sql_text(_ROOM, file)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE allocation_{name} AS {sql}", values)


def _keep(engine: Engine, name: str, rows: pa.Table) -> None:
    """A temporary table of this computation from rows made here."""
    engine.register("allocation_rows", rows)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE allocation_{name} AS SELECT * FROM allocation_rows")
    engine.unregister("allocation_rows")


def _match(engine: Engine, rules: tuple[CompiledRule, ...]) -> None:
    """Gives every line its rule."""
    _keep(engine, "rules", pa.Table.from_pylist([_described(rule) for rule in rules], schema=_RULES))
    meters = [row for rule in rules for row in _metered(rule)]
    _keep(engine, "meters", pa.Table.from_pylist(meters, schema=_METERS))
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
        ("unit_type", pa.string()),
        ("has_resource", pa.bool_()),
        ("separate_idle", pa.bool_()),
        ("months", pa.int32()),
    ]
)
_METERS = pa.schema(
    [
        ("number", pa.int32()),
        ("ordinal", pa.int32()),
        ("meters", pa.int32()),
        ("driver", pa.string()),
        ("meter", pa.string()),
        ("at_least", pa.string()),
        ("weight", pa.int64()),
    ]
)


def _described(rule: CompiledRule) -> dict[str, object]:
    return {
        "number": rule.number,
        "rule": rule.rule.name,
        "method": rule.rule.method,
        "driver": rule.driver,
        "unit_type": rule.unit_type,
        "has_resource": rule.resource is not None,
        "separate_idle": rule.rule.idle == "separate",
        "months": rule.rule.horizon.months if rule.rule.horizon else None,
    }


def _metered(rule: CompiledRule) -> list[dict[str, object]]:
    return [
        {
            "number": rule.number,
            "ordinal": ordinal,
            "meters": len(rule.drivers),
            "driver": driver.name,
            "meter": driver.meter,
            "at_least": driver.at_least,
            "weight": driver.weight,
        }
        for ordinal, driver in enumerate(rule.drivers, start=1)
    ]


def _failed(engine: Engine, rules: tuple[CompiledRule, ...]) -> ConfigurationError | None:
    """Which expression it was, found by trying each on its own."""
    faults = []
    for rule in rules:
        for name in _EXPRESSIONS:
            expression = getattr(rule, name)
            if expression is None:
                continue
            try:
                # A list is not null whatever is in it, so only its text makes the engine look at every element.
                tested = name in {"match", "of"}
                wrapped = f"CASE WHEN ({expression}) THEN 1 END" if tested else f"CAST(({expression}) AS VARCHAR)"
                engine.value(f"SELECT count({wrapped}) FROM charges")
            except duckdb.Error as error:
                place, got = _placed(rule, name)
                detail = str(error).splitlines()[0]
                mend = "guard it, as in try_cast(tags['cpus'] as integer)"
                faults.append(
                    Fault("perunit.yaml", None, place, repr(got), f"must work on every line ({detail})", mend)
                )
    return ConfigurationError(faults) if faults else None


def _placed(rule: CompiledRule, name: str) -> tuple[str, object]:
    """Where an expression stands in the contract, and what it says there."""
    at = f"allocation.{rule.number}"
    if name != "capacities":
        return f"{at}.{name}", getattr(rule.rule, name)
    if rule.rule.meters:
        return f"{at}.meters", ", ".join(each.capacity for each in rule.rule.meters.values())
    return f"{at}.capacity", rule.rule.capacity


def _pool(engine: Engine) -> None:
    for name in ("lines", "pools", "capacities", "pieces"):
        _make(engine, name, name)
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
    compare_currencies(engine, contract)
    _spread(engine, _SECOND)


def _allocate_stated(engine: Engine, contract: Contract) -> None:
    """Passes pools on from rule to rule by stated weights, until every part is with a unit."""
    _keep(engine, "stated", stated_weights(contract))
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE allocation_flows AS SELECT bill_id, pool_id, piece, rule AS target, "
        "CAST(NULL AS VARCHAR) AS unit_type, CAST(NULL AS VARCHAR) AS unit_key, billed_quanta AS billed, "
        "effective_quanta AS effective FROM allocation_pieces WHERE method IN ('fixed', 'step_down', 'shapley')"
    )
    for rule in stated_order(contract):
        engine.insert("allocation_flows", _ROOM, "stated_flows", {"rule": rule})
    engine.insert("allocations", _ROOM, "stated_parts")


def _allocate_followers(engine: Engine, rules: tuple[CompiledRule, ...]) -> None:
    """Tax, support and credits go where the lines went that they are about; a later rule may follow an earlier one."""
    for rule in rules:
        if rule.rule.method == "follow":
            _make(engine, "targets", "follow_targets", {"number": rule.number, "followed": rule.followed})
            engine.insert("allocations", _ROOM, "follow_parts", {"number": rule.number})


def _spread(engine: Engine, methods: dict[str, str]) -> None:
    """Splits the pools of these methods by `allocation_weights`; the rest of them get a reason."""
    _make(engine, "sets", "sets")
    _make(engine, "targets", "targets")
    known_until = engine.value("SELECT max(window_start) FROM rollup")
    engine.execute(
        f"UPDATE allocation_pieces AS p SET reason = found.reason FROM ({sql_text(_ROOM, 'reasons')}) AS found "
        "WHERE found.bill_id = p.bill_id AND found.pool_id = p.pool_id AND found.piece = p.piece",
        methods | {"known_until": known_until},
    )
    engine.insert("allocations", _ROOM, "spread_parts", methods)


def _assert_balanced(engine: Engine) -> None:
    wrong = engine.records(sql_text(_ROOM, "unbalanced"))
    if wrong:
        raise AssertionError(f"parts do not sum to their pool: {wrong}")
