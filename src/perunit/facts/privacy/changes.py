"""What becomes of pseudonyms later: revealed, erased, renamed under a new key. No sum changes by any of it.

Enters: a store and its keys. Leaves: the same store under other names, in one transaction.
"""

from __future__ import annotations

import json
import re
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from perunit.engine.duckdb import identifier
from perunit.facts.cells import rehash
from perunit.facts.privacy.agreement import note_key
from perunit.facts.privacy.kept import OPENED, erase_kept, reseal_kept
from perunit.facts.privacy.keys import key_path, keys_of, write_keys
from perunit.facts.privacy.pseudonyms import FORM, NOBODY, QUARANTINED, identity_purpose, insert_identities
from perunit.facts.privacy.sealing import Sealer, is_sealed
from perunit.facts.quarantine import ERASED
from perunit.facts.staging import Names
from perunit.model.errors import UsageError
from perunit.store.progress import note_change

if TYPE_CHECKING:
    from perunit.contract.project import Project
    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.keys import Keys

__all__ = ["erase", "pseudonym_of", "reveal", "rotate"]

_PSEUDONYM = re.compile(FORM)
_MAP = pa.map_(pa.string(), pa.string())
# What a connection keeps of the rows that it took in last; it makes them anew for the next.
_OF_ROWS = frozenset({"incoming", "staged", "refused_rows", "refusals", "seen_cells", "suspects", "fresh_values"})
# Columns that hold no pseudonym, or sealed text that is dealt with by itself.
_ELSEWHERE = frozenset({"identities", "quarantine", "store_state", "price_books", "price_approvals", "rates"})


def pseudonym_of(project: Project, unit_type: str, unit_id: str) -> str:
    """What a unit is stored under, by its raw id or its pseudonym; the id itself where the type has none."""
    if unit_type not in project.contract.privacy.pseudonymize or _PSEUDONYM.fullmatch(unit_id):
        return unit_id
    return _keys(project, unit_type).pseudonym(unit_type, unit_id)


def reveal(project: Project, engine: Engine, unit_type: str, pseudonym: str) -> str:
    """The raw id behind a pseudonym. Raises UsageError where none is kept."""
    sealer = Sealer(_keys(project, unit_type))
    sealed = _identity(engine, unit_type, pseudonym)
    if sealed is None:
        rule = "must be a pseudonym whose id is kept; it was erased, or privacy.reveal is false"
        raise UsageError(f"{unit_type}: got {pseudonym!r}, {rule}")
    return sealer.open(sealed, identity_purpose(unit_type, pseudonym))


def erase(project: Project, engine: Engine, unit_type: str, unit_id: str) -> int:
    """Cuts what is stored from the person: its pseudonym becomes a random one everywhere, its id and the refused rows
    and waiting spans that name it go. Takes the raw id or the pseudonym; gives how many facts stay. Again, it does
    nothing.

    Facts may come in before and after, not meanwhile: the caller is the writer.
    """
    keys = _keys(project, unit_type)
    pseudonym = pseudonym_of(project, unit_type, unit_id)
    sealer, sealed = Sealer(keys), _identity(engine, unit_type, pseudonym)
    raw = None if unit_id == pseudonym else unit_id
    if raw is None and sealed is not None:
        raw = sealer.open(sealed, identity_purpose(unit_type, pseudonym))
    column = identifier(f"unit_{unit_type}")
    facts = engine.value(f"SELECT count(*) FROM events WHERE {column} = $own", {"own": pseudonym})
    with engine.transaction():
        if not pseudonym.startswith(NOBODY):
            _rename(project, engine, {pseudonym: NOBODY + secrets.token_hex(16)})
        values = {"unit": unit_type, "own": pseudonym}
        engine.execute("DELETE FROM identities WHERE unit_type = $unit AND pseudonym = $own", values)
        if raw is not None:
            _erase_refused(engine, sealer, raw)
            erase_kept(engine, sealer, raw)
    _forget(engine)
    return int(facts or 0)


def rotate(project: Project, engine: Engine) -> tuple[str, int]:
    """Makes a new key, and every pseudonym whose id is kept anew with it; gives its version and how many they are.

    The key file has both keys before the store changes, and the new one active only after; ended in between, the next
    start finishes it (see `agreement`). Afterwards no text in the store needs the old key.
    """
    units = project.contract.privacy.pseudonymize
    keys = _keys(project, units[0] if units else "")
    if project.contract.privacy.keys_env:
        raise UsageError("privacy.keys_env: keys in a variable cannot be rotated here; use a key file while rotating")
    if not project.contract.privacy.reveal:
        raise UsageError(
            "privacy.reveal: is false, so no id is kept from which new pseudonyms could be made; keep the key"
        )
    both = keys.rotated()
    write_keys(key_path(project), both)
    new = both.newest()
    old_sealer, sealer = Sealer(both), Sealer(new)
    renamed, kept = dict[str, str](), dict[str, list[tuple[str, str]]]()
    for unit, pseudonym, sealed in engine.rows("SELECT unit_type, pseudonym, sealed FROM identities"):
        raw = old_sealer.open(sealed, identity_purpose(unit, pseudonym))
        renamed[pseudonym] = own = new.pseudonym(unit, raw)
        kept.setdefault(unit, []).append((own, raw))
    with engine.transaction():
        _rename(project, engine, renamed)
        engine.execute("DELETE FROM identities")
        for unit, ids in kept.items():
            insert_identities(engine, sealer, unit, ids)
        _reseal(engine, old_sealer, sealer)
        reseal_kept(engine, old_sealer, sealer)
        note_key(engine, project, new)
    _forget(engine)
    write_keys(key_path(project), new)
    return new.active, len(renamed)


def _forget(engine: Engine) -> None:
    """Takes the old names out of what this connection remembers of rows, and out of the log beside the database."""
    for (table,) in engine.rows("SELECT table_name FROM duckdb_tables() WHERE temporary"):
        if table.startswith("met_cells_") or table in _OF_ROWS or table in OPENED:
            engine.execute(f"DROP TABLE temp.{identifier(table)}")
    # Not while somebody else changes something; the log goes with the next one then.
    with suppress(duckdb.TransactionException):
        engine.execute("CHECKPOINT")


def _keys(project: Project, unit_type: str) -> Keys:
    keys = keys_of(project)
    if keys is None or unit_type not in project.contract.privacy.pseudonymize:
        known = ", ".join(project.contract.privacy.pseudonymize) or "empty"
        raise UsageError(f"unit_type: got {unit_type!r}, must be one of privacy.pseudonymize ({known}); correct it")
    return keys


def _identity(engine: Engine, unit_type: str, pseudonym: str) -> str | None:
    values = {"unit": unit_type, "own": pseudonym}
    sealed = engine.value("SELECT sealed FROM identities WHERE unit_type = $unit AND pseudonym = $own", values)
    return None if sealed is None else str(sealed)


def _rename(project: Project, engine: Engine, renamed: dict[str, str]) -> None:
    """Puts new pseudonyms in the place of old ones, wherever text holds them; the caller holds the transaction.

    Where a cell says something else then, its sums are to be computed anew: ties are broken by its hash.
    """
    _replace(engine, renamed)
    _replace_within_maps(engine, renamed)
    contract = project.contract
    if rehash(engine, Names({}, _dimensions(project, engine), ()), contract.segments.limit, FORM):
        note_change(engine)


def _dimensions(project: Project, engine: Engine) -> tuple[str, ...]:
    """Those of the contract, and after them those it had before: cells of then hold them still."""
    columns = engine.rows("SELECT name FROM pragma_table_info('cells') WHERE name LIKE 'segment!_%' ESCAPE '!'")
    known = project.contract.dimensions()
    return *known, *(d for (column,) in columns if (d := column.removeprefix("segment_")) not in known)


def _columns(engine: Engine, type_: str) -> list[tuple[str, str]]:
    """(table, column) of everything of a type that the store keeps."""
    rows: list[tuple[str, str]] = engine.rows(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main' "
        "AND database_name = current_database() AND data_type = $type ORDER BY ALL",
        {"type": type_},
    )
    return rows


def _replace(engine: Engine, renamed: dict[str, str]) -> None:
    for table, column in _columns(engine, "VARCHAR"):
        if table in _ELSEWHERE:
            continue
        where, own = identifier(table), identifier(column)
        found = engine.rows(f"SELECT DISTINCT {own} FROM {where} WHERE regexp_matches({own}, '{FORM}')")
        changed = [(old, new) for (old,) in found if (new := _renamed(old, renamed)) != old]
        if not changed:
            continue
        names = {"old": pa.array([old for old, _ in changed]), "new": pa.array([new for _, new in changed])}
        engine.register("renamed_text", pa.table(names))
        engine.execute(f"UPDATE {where} SET {own} = r.new FROM renamed_text r WHERE {where}.{own} = r.old")
        engine.unregister("renamed_text")


def _replace_within_maps(engine: Engine, renamed: dict[str, str]) -> None:
    """The same in tags of bills and the like."""
    for table, column in _columns(engine, "MAP(VARCHAR, VARCHAR)"):
        where, own = identifier(table), identifier(column)
        found = engine.rows(
            f"SELECT rowid, map_entries({own}) FROM {where} WHERE regexp_matches(CAST({own} AS VARCHAR), '{FORM}')"
        )
        changed = [
            (place, new)
            for place, entries in found
            if (new := _renamed_entries(entries, renamed)) != [(each["key"], each["value"]) for each in entries]
        ]
        if not changed:
            continue
        places = pa.array([place for place, _ in changed], pa.int64())
        maps = pa.array([new for _, new in changed], _MAP)
        engine.register("renamed_maps", pa.table({"place": places, "new": maps}))
        engine.execute(f"UPDATE {where} SET {own} = r.new FROM renamed_maps r WHERE {where}.rowid = r.place")
        engine.unregister("renamed_maps")


def _renamed_entries(entries: list[dict[str, str]], renamed: dict[str, str]) -> list[tuple[str, str]]:
    return [(_renamed(each["key"], renamed), each["value"] and _renamed(each["value"], renamed)) for each in entries]


def _renamed(text: str, renamed: dict[str, str]) -> str:
    return _PSEUDONYM.sub(lambda found: renamed.get(found[0], found[0]), text)


def _sealed_rows(engine: Engine) -> list[tuple[int, str]]:
    found = engine.rows("SELECT quarantine_id, raw FROM quarantine ORDER BY quarantine_id")
    return [(number, raw) for number, raw in found if is_sealed(raw)]


def _erase_refused(engine: Engine, sealer: Sealer, raw: str) -> None:
    forms = {raw, json.dumps(raw)[1:-1], json.dumps(raw, ensure_ascii=False)[1:-1]}
    named = [
        number
        for number, sealed in _sealed_rows(engine)
        if any(form in sealer.open(sealed, QUARANTINED) for form in forms)
    ]
    values = {"named": named, "erased": ERASED}
    engine.execute("UPDATE quarantine SET raw = $erased WHERE quarantine_id IN (SELECT unnest($named))", values)


def _reseal(engine: Engine, old: Sealer, new: Sealer) -> None:
    rows = [(number, new.seal(old.open(raw, QUARANTINED), QUARANTINED)) for number, raw in _sealed_rows(engine)]
    names = {"number": pa.array([row[0] for row in rows], pa.int64()), "text": pa.array([row[1] for row in rows])}
    if not rows:
        return
    engine.register("sealed_anew", pa.table(names))
    engine.execute("UPDATE quarantine SET raw = r.text FROM sealed_anew r WHERE quarantine_id = r.number")
    engine.unregister("sealed_anew")
