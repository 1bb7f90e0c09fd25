"""Ends what has been kept long enough. Enters: a store, the ages of its contract, the time. Leaves: how much has ended.

Only text ends that no sum is made of. Facts and bills stay: what they say of a person goes with the person (`changes`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from perunit.contract.retention import days_of
from perunit.engine.duckdb import identifier
from perunit.facts.quarantine import ERASED, HIDDEN_TEXT
from perunit.model.window import naive

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.contract.shape import Contract
    from perunit.engine.duckdb import Engine

__all__ = ["EXPIRED", "ended", "expire"]

# Stands where the text of a row was that has waited too long.
EXPIRED = f"{HIDDEN_TEXT}expired)"


def ended(engine: Engine, contract: Contract, now: datetime) -> dict[str, int]:
    """How many rows' texts and sealed ids are older than the contract has them kept; by table, if it says anything."""
    return {
        table: int(engine.value(f"SELECT count(*) FROM {table} WHERE {condition}", values) or 0)
        for table, (condition, values) in _chosen(contract, now).items()
    }


def expire(engine: Engine, contract: Contract, now: datetime) -> dict[str, int]:
    """Ends them, in one transaction; what `ended` said. Again, there is nothing more to end."""
    counts = ended(engine, contract, now)
    with engine.transaction():
        for table, (condition, values) in _chosen(contract, now).items():
            if table == "quarantine":
                values |= {"expired": EXPIRED}
                engine.execute(f"UPDATE quarantine SET raw = $expired, got = $expired WHERE {condition}", values)
            else:
                engine.execute(f"DELETE FROM {table} WHERE {condition}", values)
    return counts


def _chosen(contract: Contract, now: datetime) -> dict[str, tuple[str, dict[str, object]]]:
    """Table → which of its rows, as SQL with its values."""
    ages, secret = contract.retention, contract.privacy.pseudonymize
    found: dict[str, tuple[str, dict[str, object]]] = {}
    if ages.quarantine:
        kept = f"raw <> '{ERASED}' AND NOT starts_with(raw, '{HIDDEN_TEXT}')"
        found["quarantine"] = (f"quarantined_at < $until AND {kept}", {"until": _before(now, ages.quarantine)})
    if ages.identities and secret:
        seen = " UNION ALL ".join(
            f"SELECT {identifier(f'unit_{unit}')} FROM events "
            f"WHERE event_time >= $until AND {identifier(f'unit_{unit}')} IS NOT NULL"
            for unit in secret
        )
        found["identities"] = (f"pseudonym NOT IN ({seen})", {"until": _before(now, ages.identities)})
    return found


def _before(now: datetime, age: str) -> datetime:
    return naive(now - timedelta(days=days_of(age)))
