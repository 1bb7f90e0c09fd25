"""Whether a store and its keys belong together. Enters: a project and its store. Leaves: nothing, or what to mend.

Data made with another key, or with none, would be another unit under every pseudonym: sums would be right and every
count of units wrong, so that nothing is taken in before the two agree.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from perunit.facts.privacy.keys import Keys, key_path, keys_of, write_keys
from perunit.facts.privacy.sealing import Sealer
from perunit.model.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from perunit.contract.project import Project
    from perunit.engine.duckdb import Engine

__all__ = ["agree", "note_key", "sealer_of"]

_STATE = "SELECT value FROM store_state WHERE key = 'privacy'"
_HOLDS_FACTS = "SELECT EXISTS (FROM batches) OR EXISTS (FROM waiting_spans) OR EXISTS (FROM stripe_waiting)"


def sealer_of(project: Project) -> Sealer | None:
    """What seals and opens a project's text; None where nothing is sealed."""
    keys = keys_of(project)
    return Sealer(keys) if keys else None


def agree(project: Project, engine: Engine) -> None:
    """Raises ConfigurationError where the store was not made with these units and keys; notes them in an empty one.

    A rotation that ended between the store and the key file is finished here.
    """
    units = sorted(project.contract.privacy.pseudonymize)
    said = engine.value(_STATE)
    if not units and said is None:
        return
    keys = keys_of(project)
    # What is read from a file is written out again where memory is short.
    if keys:
        engine.execute("SET temp_file_encryption = true")
    if (said is None or json.loads(said)["units"] != units) and engine.value(_HOLDS_FACTS):
        had = ", ".join(json.loads(said)["units"]) if said else "no unit type"
        rule = f"must be what the data was made with ({had})"
        mend = "move data/ away and ingest anew, or write it as it was"
        raise _fault("pseudonymize", ", ".join(units) or "no unit type", rule, mend)
    if keys is None:
        engine.execute("DELETE FROM store_state WHERE key = 'privacy'")
    elif said is None or json.loads(said)["units"] != units:
        note_key(engine, project, keys)
    else:
        _check_key(project, keys, json.loads(said))


def _check_key(project: Project, keys: Keys, said: dict[str, str]) -> None:
    version = said["key"]
    if version not in keys.versions or keys.fingerprint(version) != said["fingerprint"]:
        rule, mend = f"must hold key {version} that the data was made with", "restore it from its backup"
        raise _fault("key_file", "another key", rule, mend)
    if version == keys.active:
        return
    if project.contract.privacy.keys_env:
        raise _fault("keys_env", keys.active, f"must have {version} active, as the data has", f"set active: {version}")
    write_keys(key_path(project), replace(keys, active=version))


def note_key(engine: Engine, project: Project, keys: Keys) -> None:
    """Notes with which units and key the store's pseudonyms are made; the key itself is not told."""
    units = sorted(project.contract.privacy.pseudonymize)
    said = json.dumps({"units": units, "key": keys.active, "fingerprint": keys.fingerprint()})
    engine.execute("INSERT OR REPLACE INTO store_state VALUES ('privacy', $said)", {"said": said})


def _fault(place: str, got: str, rule: str, mend: str) -> ConfigurationError:
    return ConfigurationError([Fault("perunit.yaml", None, f"privacy.{place}", got, rule, mend)])
