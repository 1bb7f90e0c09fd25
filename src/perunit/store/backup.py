"""Copies a project's data while it is used. Enters: an engine on it. Leaves: the same tables in another folder."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from perunit.engine.duckdb import identifier, literal
from perunit.store.control.database import CONTROL_NAME
from perunit.store.project_store import FILE_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.engine.duckdb import Engine

__all__ = ["copy_control", "copy_tables"]


def copy_tables(engine: Engine, folder: Path) -> Path:
    """Everything committed, with its keys, defaults and sequences, as the database file of a project.

    By the engine itself: a file that is in use must not be opened by anyone else, not even to be read.
    """
    target = folder / FILE_NAME
    here = engine.value("SELECT current_database()")
    engine.execute(f"ATTACH {literal(str(target))} AS perunit_backup")
    try:
        engine.execute(f"COPY FROM DATABASE {identifier(here)} TO perunit_backup")
    finally:
        engine.execute("DETACH perunit_backup")
    return target


def copy_control(data: Path, folder: Path) -> Path | None:
    """The control database in `data`, page by page as of one instant; None where it is elsewhere or was never used."""
    source, target = data / CONTROL_NAME, folder / CONTROL_NAME
    if not source.is_file():
        return None
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        target.chmod(0o600)
        read.backup(written)
    return target
