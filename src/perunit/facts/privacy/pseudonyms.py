"""Puts pseudonyms in the place of ids. Enters: a plan. Leaves: the plan whose staged rows hold no raw id.

It is the one place through which rows of every door and file go before anything of them is stored. The raw ids stand
beside the pseudonyms in staged rows only (``raw_<unit type>``), which live in memory and, sealed, in spilled pages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from perunit.engine.duckdb import identifier, literal
from perunit.facts.privacy.keys import keys_of
from perunit.facts.privacy.sealing import Sealer, is_sealed

if TYPE_CHECKING:
    from perunit.contract.project import Project
    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.keys import Keys
    from perunit.facts.staging import Names, Plan

__all__ = [
    "FORM",
    "HIDDEN",
    "NOBODY",
    "QUARANTINED",
    "WITHIN_LENGTH_MIN",
    "Secrecy",
    "identity_purpose",
    "insert_identities",
    "keep_identities",
    "pads_of",
    "protected",
    "pseudonym_sql",
    "seal_texts",
]

# A pseudonym, as a regular expression.
FORM = r"p[0-9]+_[0-9a-f]{32}"

# Shorter ids are found in other values by accident; there only a value that is the id is replaced.
WITHIN_LENGTH_MIN = 4
HIDDEN = "hidden by privacy.pseudonymize"
# So begins what an erased unit is called; never made from an id, so that nothing leads back.
NOBODY = "p0_"
QUARANTINED = "quarantine"
_HASHED = ("id", "intent", "sampled_by")


@dataclass(frozen=True, slots=True)
class Secrecy:
    """How a plan's rows are kept secret: the unit types, what seals, and whether ids can be revealed."""

    units: tuple[str, ...]
    sealer: Sealer
    reveal: bool


def protected(project: Project, plan: Plan) -> Plan:
    """The plan with pseudonyms where the contract asks for them; the very plan where it does not."""
    keys = keys_of(project)
    if keys is None:
        return plan
    units = project.contract.privacy.pseudonymize
    secrecy = Secrecy(units, Sealer(keys), project.contract.privacy.reveal)
    return replace(plan, staged_sql=_hidden_sql(plan, units, keys), values=_values(units, keys), secrecy=secrecy)


def _values(units: tuple[str, ...], keys: Keys) -> dict[str, Any]:
    own, last = keys.event_pads()
    marks = {f"inner_of_{column}": own + f"{column}\0".encode() for column in (*_HASHED, "payload")}
    return {**pads_of(units, keys), **marks, "outer_of_events": last}


def pads_of(units: tuple[str, ...], keys: Keys) -> dict[str, Any]:
    """What `pseudonym_sql` binds."""
    inner, outer = keys.pads()
    return {f"inner_{number}": inner + f"{unit}\0".encode() for number, unit in enumerate(units)} | {"outer": outer}


def pseudonym_sql(keys: Keys, number: int, raw: str) -> str:
    """SQL of the pseudonym of SQL of a raw id, of the unit type at a place in those of `pads_of`."""
    return f"{literal(keys.prefix)} || left({_hmac(f'inner_{number}', 'outer', f'encode({raw})')}, 32)"


def _hmac(inner: str, outer: str, message: str) -> str:
    """SQL of HMAC-SHA-256 in hexadecimal; the pads are bound, so that no key stands in the text of a query."""
    return f"sha256(${outer} || unhex(sha256(${inner} || {message})))"


def _bytes(column: str) -> str:
    return f"encode({identifier(column)})"


def _hidden_sql(plan: Plan, units: tuple[str, ...], keys: Keys) -> str:
    made = ", ".join(
        f"{identifier(f'unit_{unit}')} AS {identifier(f'raw_{unit}')}, "
        f"{pseudonym_sql(keys, n, identifier(f'unit_{unit}'))} AS {identifier(f'hidden_{unit}')}"
        for n, unit in enumerate(units)
    )
    put = {f"unit_{unit}": identifier(f"hidden_{unit}") for unit in units}
    put |= {column: _mark(column) for column in _HASHED}
    put["payload_hash"] = f"CAST('0x' || left({_payload()}, 16) AS UBIGINT)"
    others = (f"unit_{unit}" for unit in plan.names.unit_bits if unit not in units)
    segments = (f"segment_{dimension}" for dimension in plan.names.dimensions)
    put |= {column: _without_ids(column, units) for column in ("resource", "event_type", *others, *segments)}
    replaced = ", ".join(f"{sql} AS {identifier(column)}" for column, sql in put.items())
    hidden = ", ".join(identifier(f"hidden_{unit}") for unit in units)
    cell = ", ".join(identifier(column) for column in plan.names.cell_columns())
    return (
        f"SELECT * REPLACE (hash({cell}) AS cell_key, hash(source, id) AS event_key) FROM ("
        f"SELECT * EXCLUDE ({hidden}) REPLACE ({replaced}) FROM (SELECT *, {made} FROM ({plan.staged_sql})))"
    )


def _mark(column: str) -> str:
    """Ids that only have to be the same again, such as the event's: often they are made of the unit's."""
    return f"left({_hmac(f'inner_of_{column}', 'outer_of_events', _bytes(column))}, 32)"


def _payload() -> str:
    return _hmac("inner_of_payload", "outer_of_events", "encode(CAST(payload_hash AS VARCHAR))")


def _without_ids(column: str, units: tuple[str, ...]) -> str:
    """A column's value with every raw id of its row in it replaced."""
    sql = identifier(column)
    for unit in units:
        raw, hidden = identifier(f"unit_{unit}"), identifier(f"hidden_{unit}")
        found = f"CASE WHEN length({raw}) >= {WITHIN_LENGTH_MIN} OR {identifier(column)} = {raw} THEN {raw} END"
        # Nothing is replaced where nothing is looked for.
        sql = f"replace({sql}, coalesce({found}, ''), coalesce({hidden}, ''))"
    return sql


def keep_identities(engine: Engine, names: Names, secrecy: Secrecy) -> None:
    """Keeps the ids of units met for the first time, sealed; the caller holds the transaction.

    Only of what is accepted: a repeated delivery must not bring an erased id back.
    """
    if not secrecy.reveal:
        return
    for unit in secrecy.units:
        if unit not in names.unit_bits:
            continue
        column, raw = identifier(f"unit_{unit}"), identifier(f"raw_{unit}")
        new = engine.rows(
            f"SELECT DISTINCT {column}, {raw} FROM staged ANTI JOIN repeats USING (position) "
            f"WHERE reject IS NULL AND {column} IS NOT NULL "
            f"AND {column} NOT IN (SELECT pseudonym FROM identities WHERE unit_type = $unit)",
            {"unit": unit},
        )
        insert_identities(engine, secrecy.sealer, unit, new)


def insert_identities(engine: Engine, sealer: Sealer, unit_type: str, new: list[tuple[str, str]]) -> None:
    """Keeps ids (pseudonym, raw) that are not kept yet, sealed; the caller holds the transaction."""
    if not new:
        return
    sealed = [sealer.seal(own, identity_purpose(unit_type, pseudonym)) for pseudonym, own in new]
    table = {"pseudonym": pa.array([row[0] for row in new], pa.string()), "sealed": pa.array(sealed, pa.string())}
    engine.register("new_identities", pa.table(table))
    engine.execute("INSERT INTO identities SELECT $unit, pseudonym, sealed FROM new_identities", {"unit": unit_type})
    engine.unregister("new_identities")


def identity_purpose(unit_type: str, pseudonym: str) -> str:
    """What a sealed id is bound to."""
    return f"identity {unit_type} {pseudonym}"


def seal_texts(engine: Engine, sealer: Sealer) -> None:
    """Seals the text of `refusals` before it is kept; what of a value would be shown is left out."""
    rows = engine.rows("SELECT rowid, raw FROM refusals")
    places = pa.array([place for place, _ in rows], pa.int64())
    raws = pa.array([raw if is_sealed(raw) else sealer.seal(raw, QUARANTINED) for _, raw in rows], pa.string())
    engine.register("sealed_refusals", pa.table({"number": places, "sealed": raws}))
    engine.execute(
        "UPDATE refusals SET raw = sealed, got = $hidden FROM sealed_refusals WHERE refusals.rowid = number",
        {"hidden": HIDDEN},
    )
    engine.unregister("sealed_refusals")
