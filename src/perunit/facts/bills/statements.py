"""What issuers state of invoices and billing periods. Enters: FOCUS Invoice Detail and Billing Period files, or a
total that a person tells. Leaves: rows of `invoices` and `billing_periods`, versioned like bills.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from perunit.engine.duckdb import identifier
from perunit.engine.files import sql_text
from perunit.facts.bills.faults import refusal
from perunit.facts.bills.fields import INVOICE_FIELDS, INVOICES, PERIOD_FIELDS, Field
from perunit.facts.bills.importing import line_faults
from perunit.facts.bills.reading import Part, open_part, rejects
from perunit.facts.bills.typed import statement_rules, typed_statements
from perunit.model.errors import UsageError
from perunit.model.money import is_currency
from perunit.model.window import Clock, Window, naive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from perunit.engine.duckdb import Engine

__all__ = ["StatementResult", "import_statements", "state_invoice"]

_ROOM = "facts.bills"
_TABLES = {"invoice": "invoices", "billing period": "billing_periods"}


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What became of one statement: an invoice's total, or the status of a billing period."""

    statement: Literal["invoice", "billing period"]
    invoice_issuer_name: str
    invoice_id: str | None
    billing_currency: str | None
    billing_period_start: datetime
    billing_period_end: datetime
    version: int
    status: Literal["imported", "restated", "unchanged"]
    billed_cost: Decimal | None
    previous_billed_cost: Decimal | None
    billing_period_status: str | None


def import_statements(engine: Engine, path: Path, dataset: str, *, clock: Clock) -> list[StatementResult]:
    """Imports a file of statements, one result a statement; `dataset` is one of `fields.STATEMENTS`.

    The lines of an invoice are summed. Raises InputError and then changes nothing.
    """
    now = naive(clock())
    fields = INVOICE_FIELDS if dataset == INVOICES else PERIOD_FIELDS
    try:
        with tempfile.TemporaryDirectory(prefix="perunit-") as spool:
            part = open_part(engine, path, Path(spool), _columns(fields))
            _read(engine, part, fields, {"now": now})
        return _store(engine, "invoice" if dataset == INVOICES else "billing period", path.name, now)
    finally:
        _forget(engine)


def state_invoice(
    engine: Engine, issuer: str, invoice_id: str, total: Decimal, currency: str, period: Window, *, clock: Clock
) -> StatementResult:
    """Keeps an invoice's total that a person tells; it supersedes what was stated of the invoice before.

    Raises UsageError for a currency that is none, or a total of more digits than an amount has.
    """
    now = naive(clock())
    if not is_currency(currency):
        raise UsageError(f"currency {currency!r} must be an ISO 4217 code; write it as in USD")
    if abs(total) >= 10**13 or total != round(total, 18):
        raise UsageError(f"total {total} must have at most 13 digits before and 18 after the point; correct it")
    values = {
        "issuer": issuer,
        "id": invoice_id,
        "total": total,
        "currency": currency,
        "starts": naive(period.start) if period.start else None,
        "ends": naive(period.end) if period.end else None,
    }
    try:
        engine.execute(f"CREATE OR REPLACE TEMP TABLE statement_lines AS {sql_text(_ROOM, 'told')}", values)
        return _store(engine, "invoice", "told", now)[0]
    finally:
        _forget(engine)


def _columns(fields: Sequence[Field]) -> Callable[[Path, Sequence[str], Callable[[int], str]], Mapping[str, str]]:
    def columns(path: Path, names: Sequence[str], column: Callable[[int], str]) -> Mapping[str, str]:
        places = {_plain(name): place for place, name in reversed(list(enumerate(names)))}
        missing = [field.focus for field in fields if field.mandatory and field.focus.lower() not in places]
        if missing:
            got = ", ".join(names[:8])
            raise refusal(path, "columns", got, f"must have {', '.join(missing)}", "add the columns", line=1)
        return {
            field.name: column(places[field.focus.lower()])
            if field.focus.lower() in places
            else "CAST(NULL AS VARCHAR)"
            for field in fields
        }

    return columns


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "").replace(" ", "").replace("-", "")


def _read(engine: Engine, part: Part, fields: Sequence[Field], values: dict[str, Any]) -> None:
    typed = typed_statements(part.text_sql, fields)
    kept = ", ".join(identifier(field.name) for field in fields)
    with rejects(engine, part):
        engine.execute(f"CREATE OR REPLACE TEMP TABLE statement_lines AS SELECT {kept}, faulty FROM ({typed})", values)
    if not engine.value("SELECT count(*) FROM statement_lines"):
        raise refusal(part.path, "lines", "no lines", "must hold at least one statement", "export it again")
    if engine.value("SELECT bool_or(faulty) FROM statement_lines"):
        raise line_faults(engine, part, typed, statement_rules(fields), values)


def _store(
    engine: Engine, statement: Literal["invoice", "billing period"], origin: str, now: datetime
) -> list[StatementResult]:
    """Compares what was found with the statements in force and writes what is new."""
    table = _TABLES[statement]
    engine.execute(f"CREATE OR REPLACE TEMP TABLE statement_found AS {sql_text(_ROOM, f'found_{table}')}")
    with engine.transaction():
        engine.execute(sql_text(_ROOM, f"supersede_{table}"), {"now": now})
        engine.insert(table, _ROOM, f"new_{table}", {"origin": origin, "now": now})
    rows = engine.records("SELECT * FROM statement_found ORDER BY ALL")
    return [_result(statement, row) for row in rows]


def _result(statement: Literal["invoice", "billing period"], row: dict[str, Any]) -> StatementResult:
    status: Literal["imported", "restated", "unchanged"] = "imported"
    if not row["is_new"]:
        status = "unchanged"
    elif row["version"] > 1:
        status = "restated"
    names = [name for name in StatementResult.__dataclass_fields__ if name not in {"statement", "status"}]
    values: dict[str, Any] = {name: row.get(name) for name in names}
    return StatementResult(statement=statement, status=status, **values)


def _forget(engine: Engine) -> None:
    for table in ("statement_lines", "statement_found"):
        engine.execute(f"DROP TABLE IF EXISTS {identifier(table)}")
