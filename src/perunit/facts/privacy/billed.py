"""Puts pseudonyms in the place of ids in bill lines. Enters: lines, and where the contract says that they carry ids.
Leaves: the lines without a raw id, so that the same rules take them and find the same units.

A line's id is what the key gives of the rule that takes it, and, where a key is only a tag, that tag of any line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from perunit.engine.duckdb import identifier
from perunit.facts.privacy.keys import keys_of
from perunit.facts.privacy.pseudonyms import (
    FORM,
    HIDDEN,
    WITHIN_LENGTH_MIN,
    insert_identities,
    pads_of,
    pseudonym_sql,
)
from perunit.facts.privacy.seals import seals_of
from perunit.model.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from perunit.contract.project import Project
    from perunit.contract.shape import AllocationRule, Contract
    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.keys import Keys
    from perunit.facts.privacy.seals import Seals

__all__ = ["BilledIds", "Carried", "CarriedId", "billed_ids", "with_stated_pseudonyms"]

# By these a bill is the same again, and joins what is stated of it.
_STAYING = frozenset(
    ["bill_source", "billing_account_id", "billing_currency", "invoice_issuer_name", "invoice_id", "charge_category"]
)


@dataclass(frozen=True, slots=True)
class CarriedId:
    """One key: its place in the contract, its unit type and rule, and its SQL; a tag is one on every line."""

    place: str
    unit_type: str
    rule: int
    key: str
    everywhere: bool

    @property
    def sql(self) -> str:
        """The id of a line that has its `rule`, null where it carries none."""
        key = f"CAST(({self.key}) AS VARCHAR)"
        return f"CASE WHEN {'true' if self.everywhere else f'rule = {self.rule}'} THEN {key} END"


@dataclass(frozen=True, slots=True)
class Carried:
    """Where lines carry ids: SQL of the number of the rule that takes a line, every key, and what may fail on a line:
    (place in the contract, SQL).
    """

    rule: str
    ids: tuple[CarriedId, ...]
    expressions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BilledIds:
    """Hides the ids of a project's bill lines. Where no key says where they are (`carried` is None), lines stay."""

    seals: Seals
    keys: Keys
    units: tuple[str, ...]
    reveal: bool
    carried: Carried | None

    def hide_imported(self, engine: Engine) -> None:
        """Makes `bill_lines` anew, in its order.

        Raises ConfigurationError where a rule would not take a line any more, or not find its unit.
        """
        if self.carried is None or not _find(engine, self, self.carried, "bill_lines"):
            return
        names = ", ".join(identifier(name) for name, _ in _columns(engine, "bill_lines"))
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE lines_anew AS SELECT {names} FROM ("
            f"SELECT {names}, rowid AS place FROM bill_lines WHERE rowid NOT IN (SELECT place FROM hidden_lines) "
            f"UNION ALL SELECT {names}, place FROM hidden_lines) ORDER BY place"
        )
        engine.execute("DROP TABLE bill_lines")
        engine.execute("ALTER TABLE lines_anew RENAME TO bill_lines")

    def hide_stored(self, engine: Engine) -> None:
        """The same of stored lines, for keys that are new in the contract; the caller holds the transaction."""
        if self.carried is None or not _find(engine, self, self.carried, "charges"):
            return
        put = ", ".join(
            f"{identifier(name)} = h.{identifier(name)}"
            for name, type_ in _columns(engine, "charges")
            if type_ in _TEXTS and name not in _STAYING
        )
        engine.execute(f"UPDATE charges SET {put} FROM hidden_lines h WHERE charges.rowid = h.place")
        self.keep(engine)

    def keep(self, engine: Engine) -> None:
        """Keeps the ids that were hidden last, sealed; the caller holds the transaction in which their lines come."""
        if self.carried is None or not self.reveal:
            return
        for unit in dict.fromkeys(each.unit_type for each in self.carried.ids):
            found = " UNION ".join(
                f"SELECT hidden_{n} AS own, raw_{n} AS raw FROM billed_ids"
                for n, each in enumerate(self.carried.ids)
                if each.unit_type == unit
            )
            new = engine.rows(
                f"SELECT own, raw FROM ({found}) WHERE own IS NOT NULL "
                "AND own NOT IN (SELECT pseudonym FROM identities WHERE unit_type = $unit)",
                {"unit": unit},
            )
            insert_identities(engine, self.seals.sealer, unit, new)


def billed_ids(project: Project, carried: Carried | None) -> BilledIds | None:
    """How a project hides ids of bill lines; None where it hides none."""
    keys, seals = keys_of(project), seals_of(project)
    if keys is None or seals is None:
        return None
    privacy = project.contract.privacy
    return BilledIds(seals, keys, privacy.pseudonymize, privacy.reveal, carried)


def _find(engine: Engine, hiding: BilledIds, carried: Carried, table: str) -> bool:
    """Makes `billed_ids` and `hidden_lines` of a table's lines; whether any carries an id."""
    try:
        _find_ids(engine, hiding, carried, table)
        _hide(engine, carried, table)
        _check(engine, carried)
    except duckdb.Error as error:
        raise _failed(engine, carried, table) or error from error
    return bool(engine.value("SELECT count(*) FROM billed_ids"))


def _find_ids(engine: Engine, hiding: BilledIds, carried: Carried, table: str) -> None:
    """Makes `billed_ids` (place, rule, raw_n, hidden_n): the ids of each line, by the number of their key."""
    raw = ", ".join(
        f"CASE WHEN NOT regexp_full_match({each.sql}, '{FORM}') THEN nullif({each.sql}, '') END AS raw_{n}"
        for n, each in enumerate(carried.ids)
    )
    hidden = ", ".join(
        f"{pseudonym_sql(hiding.keys, hiding.units.index(each.unit_type), f'raw_{n}')} AS hidden_{n}"
        for n, each in enumerate(carried.ids)
    )
    any_raw = " OR ".join(f"raw_{n} IS NOT NULL" for n in range(len(carried.ids)))
    ruled = f"SELECT rowid AS place, *, {carried.rule} AS rule FROM {table}"
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE billed_ids AS SELECT *, {hidden} "
        f"FROM (SELECT place, rule, {raw} FROM ({ruled})) WHERE {any_raw}",
        pads_of(hiding.units, hiding.keys),
    )


def _hide(engine: Engine, carried: Carried, table: str) -> None:
    """Makes `hidden_lines` of the lines with ids: their columns as they are to be, and their place."""
    put = ", ".join(
        f"{_without_ids(name, type_, len(carried.ids))} AS {identifier(name)}"
        for name, type_ in _columns(engine, table)
        if type_ in _TEXTS and name not in _STAYING
    )
    engine.execute(
        f"CREATE OR REPLACE TEMP TABLE hidden_lines AS SELECT l.* REPLACE ({put}), b.place "
        f"FROM {table} l JOIN billed_ids b ON b.place = l.rowid"
    )


def _failed(engine: Engine, carried: Carried, table: str) -> ConfigurationError | None:
    """Which expressions fail on a line; the engine's words are left out, as they may have an id in them."""
    faults = []
    for place, sql in carried.expressions:
        try:
            engine.value(f"SELECT count(CAST(({sql}) AS VARCHAR)) FROM {table}")
        except duckdb.Error:
            mend = "guard it, as in try_cast(tags['cpus'] as integer)"
            faults.append(Fault("perunit.yaml", None, place, HIDDEN, "must work on every line", mend))
    return ConfigurationError(faults) if faults else None


def _check(engine: Engine, carried: Carried) -> None:
    """Every line is taken by the rule that took it, and every key gives the pseudonym of what it gave."""
    keys = ", ".join(f"{each.sql} AS key_{n}" for n, each in enumerate(carried.ids))
    ruled = f"SELECT place, {keys}, rule FROM (SELECT *, {carried.rule} AS rule FROM hidden_lines)"
    other = "h.rule IS DISTINCT FROM b.rule"
    firsts = ", ".join(
        f"min(place) FILTER (raw_{n} IS NOT NULL AND ({other} OR key_{n} IS DISTINCT FROM hidden_{n}))"
        for n in range(len(carried.ids))
    )
    (found,) = engine.rows(f"SELECT {firsts} FROM ({ruled}) h JOIN billed_ids b USING (place)")
    faults = [
        Fault(
            *("perunit.yaml", None, each.place, f"{HIDDEN}, on line {place + 1}"),
            "must find the unit also where its id is replaced by its pseudonym, and so must every match",
            "tag lines with the id alone and name the tag, as in tags['user']; let no match look at the id",
        )
        for each, place in zip(carried.ids, found, strict=True)
        if place is not None
    ]
    if faults:
        raise ConfigurationError(faults)


_MAP = "MAP(VARCHAR, VARCHAR)"
_TEXTS = ("VARCHAR", _MAP)


def _columns(engine: Engine, table: str) -> list[tuple[str, str]]:
    """(name, type) of a table's columns, in their order."""
    rows: list[tuple[str, str]] = engine.rows(f"SELECT name, type FROM pragma_table_info('{table}') ORDER BY cid")
    return rows


def _without_ids(column: str, type_: str, count: int) -> str:
    """SQL of a column of a line `l` with every id of the line (in `b`) in it replaced."""
    own = f"l.{identifier(column)}"
    if type_ != _MAP:
        return _replaced(own, count)
    put = ", ".join(f"{part} := {_replaced(f'pair.{part}', count)}" for part in ("key", "value"))
    return f"map_from_entries(list_transform(map_entries({own}), lambda pair: struct_pack({put})))"


def _replaced(text: str, count: int) -> str:
    """A value that is an id becomes its pseudonym; within another, an id is found if it is long enough."""
    whole = " ".join(f"WHEN {text} = b.raw_{n} THEN b.hidden_{n}" for n in range(count))
    within = text
    for n in range(count):
        found = f"CASE WHEN length(b.raw_{n}) >= {WITHIN_LENGTH_MIN} THEN b.raw_{n} END"
        # Nothing is replaced where nothing is looked for.
        within = f"replace({within}, coalesce({found}, ''), coalesce(b.hidden_{n}, ''))"
    return f"CASE {whole} ELSE {within} END"


def with_stated_pseudonyms(project: Project) -> Contract:
    """The contract, its stated weights and costs by the pseudonyms of the units that they name."""
    contract, keys = project.contract, keys_of(project)
    if keys is None:
        return contract
    rules = tuple(_stated(rule, keys, contract) for rule in contract.allocation)
    return contract.model_copy(update={"allocation": rules})


def _stated(rule: AllocationRule, keys: Keys, contract: Contract) -> AllocationRule:
    unit = rule.unit
    if unit is None or unit not in contract.privacy.pseudonymize:
        return rule
    weights, costs = rule.weights, rule.costs
    if weights:
        weights = {raw if raw.startswith("rule:") else keys.pseudonym(unit, raw): each for raw, each in weights.items()}
    if costs:
        costs = tuple(
            each.model_copy(update={"units": tuple(keys.pseudonym(unit, raw) for raw in each.units)}) for each in costs
        )
    return rule.model_copy(update={"weights": weights, "costs": costs})
