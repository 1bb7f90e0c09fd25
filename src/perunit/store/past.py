"""A second set of tables beside a project's own, holding what was known at an instant. Enters: the instant.
Leaves: an attached database in memory, which unqualified names then mean; the project's own tables stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.engine.duckdb import identifier
from perunit.model.window import naive
from perunit.store.project_store import create_tables

if TYPE_CHECKING:
    from datetime import datetime

    from perunit.engine.duckdb import Engine

__all__ = ["attach_past", "detach_past"]

# What was known at $at, by table: facts by the batch they came with, the rest by its own times.
_KNOWN = {
    "unit_types": "SELECT * FROM {own}.unit_types",
    "batches": "SELECT * FROM {own}.batches WHERE ingested_at <= $at",
    "price_books": "SELECT * REPLACE (CASE WHEN withdrawn_at <= $at THEN withdrawn_at END AS withdrawn_at) "
    "FROM {own}.price_books WHERE loaded_at <= $at",
    "price_approvals": "SELECT * FROM {own}.price_approvals WHERE recorded_at <= $at",
    "rates": "SELECT r.* FROM {own}.rates r SEMI JOIN price_books b USING (book, version)",
    "fx_rates": "SELECT * REPLACE (CASE WHEN superseded_at <= $at THEN superseded_at END AS superseded_at) "
    "FROM {own}.fx_rates WHERE loaded_at <= $at",
    "bills": "SELECT * REPLACE (CASE WHEN superseded_at <= $at THEN superseded_at END AS superseded_at) "
    "FROM {own}.bills WHERE imported_at <= $at",
    "invoices": "SELECT * REPLACE (CASE WHEN superseded_at <= $at THEN superseded_at END AS superseded_at) "
    "FROM {own}.invoices WHERE imported_at <= $at",
    "billing_periods": "SELECT * REPLACE (CASE WHEN superseded_at <= $at THEN superseded_at END AS superseded_at) "
    "FROM {own}.billing_periods WHERE imported_at <= $at",
    "reconciliation_entries": "SELECT * FROM {own}.reconciliation_entries WHERE entered_at <= $at",
    "locks": "SELECT * FROM {own}.locks WHERE locked_at <= $at",
    "lock_figures": "SELECT f.* FROM {own}.lock_figures f SEMI JOIN locks l USING (lock_id)",
    "cells": "SELECT * REPLACE (cell_id AS shown_cell_id) FROM {own}.cells",
}
_VIEWS = {
    "events": "SELECT * FROM {own}.events WHERE batch_id IN (SELECT batch_id FROM {past}.batches)",
    "duplicates": "SELECT * FROM {own}.duplicates WHERE batch_id IN (SELECT batch_id FROM {past}.batches)",
    "quarantine": "SELECT * FROM {own}.quarantine WHERE batch_id IN (SELECT batch_id FROM {past}.batches)",
    "charges": "SELECT * FROM {own}.charges WHERE bill_id IN (SELECT bill_id FROM {past}.bills)",
}


def attach_past(engine: Engine, at: datetime, dimensions: tuple[str, ...]) -> str:
    """Makes the tables of `at` and lets unqualified names mean them; what is derived is left empty.

    Gives the name of the database that holds them.
    """
    own = f"{identifier(engine.value('SELECT current_database()'))}.main"
    past = engine.attach("past")
    # Views of this connection over the own tables must not outlive the change of names.
    for view in ("scope_events", "scope_duplicates", "lens_events"):
        engine.execute(f"DROP VIEW IF EXISTS temp.{view}")
    engine.execute(f"USE {identifier(past)}")
    create_tables(engine)
    for table, query in _KNOWN.items():
        engine.execute(f"DROP TABLE {table}")
        engine.execute(f"CREATE TABLE {table} AS {query.format(own=own)}", {"at": naive(at)})
    for table, query in _VIEWS.items():
        engine.execute(f"DROP TABLE {table}")
        engine.execute(f"CREATE VIEW {table} AS {query.format(own=own, past=identifier(past))}")
    _see_values_again(engine, dimensions)
    return past


def _see_values_again(engine: Engine, dimensions: tuple[str, ...]) -> None:
    """Which segment values the events known then had, and since when."""
    for dimension in dimensions:
        column = identifier(f"segment_{dimension}")
        engine.execute(
            f"INSERT INTO segment_values SELECT $dimension, {column}, min(event_time), true FROM events "
            f"JOIN cells USING (cell_id) WHERE {column} IS NOT NULL GROUP BY {column}",
            {"dimension": dimension},
        )


def detach_past(engine: Engine, own: str, past: str) -> None:
    """Lets unqualified names mean the project's own tables again."""
    engine.execute(f"USE {identifier(own)}")
    engine.detach(past)
