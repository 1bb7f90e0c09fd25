"""What is still to be done to the derived tables, as the store keeps it: whatever ends the process, it is known.

Each note is written in the transaction that makes it true. Facts and sums may be written by two connections at once,
so what one notes the other only reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine

__all__ = ["is_stale", "mark", "marked", "note_all_summed", "note_change", "note_summed", "unmark", "unsummed"]


def mark(engine: Engine, what: str) -> None:
    """Notes what is to be done."""
    engine.execute("INSERT OR REPLACE INTO store_state VALUES ($what, 'true')", {"what": what})


def unmark(engine: Engine, what: str) -> None:
    """Notes that it is done."""
    engine.execute("DELETE FROM store_state WHERE key = $what", {"what": what})


def marked(engine: Engine) -> set[str]:
    """What is to be done."""
    return {key for (key,) in engine.rows("SELECT key FROM store_state WHERE value = 'true'")}


def note_change(engine: Engine) -> None:
    """Notes that every sum must be computed anew: a price changed, or what a cell is shown as.

    Such changes are counted, and sums say up to which one they hold, so that no change is lost that comes while sums
    are computed.
    """
    engine.execute("UPDATE store_state SET value = CAST(CAST(value AS INTEGER) + 1 AS VARCHAR) WHERE key = 'changes'")


def is_stale(engine: Engine) -> bool:
    """Whether there was a change that the sums do not hold."""
    state = "(SELECT value FROM store_state WHERE key = '{}')"
    return bool(engine.value(f"SELECT {state.format('changes')} <> {state.format('changes_summed')}"))


def unsummed(engine: Engine) -> tuple[int, int]:
    """The last batch that the sums hold, and the last one there is."""
    summed, last = engine.rows(
        "SELECT (SELECT CAST(value AS INTEGER) FROM store_state WHERE key = 'summed'), coalesce(max(batch_id), 0) "
        "FROM batches"
    )[0]
    return summed, last


def note_summed(engine: Engine, last: int) -> None:
    """Notes the last batch that the sums hold."""
    engine.execute("UPDATE store_state SET value = $last WHERE key = 'summed'", {"last": str(last)})


def note_all_summed(engine: Engine) -> None:
    """Notes that the sums hold every fact and change that this transaction sees."""
    note_summed(engine, unsummed(engine)[1])
    engine.execute(
        "UPDATE store_state SET value = (SELECT value FROM store_state WHERE key = 'changes') "
        "WHERE key = 'changes_summed'"
    )
