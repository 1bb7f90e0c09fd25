"""Imports bill files. Enters: FOCUS Cost and Usage files. Leaves: rows of `bills` and `charges`, at once.

A file is all or nothing. A bill is one billing period of one account in one currency from one source. The
same content changes nothing; other content is the next version and supersedes the one before, which is kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from perunit.engine.duckdb import Engine, identifier
from perunit.engine.files import sql_text
from perunit.facts.bills.columns import charge_columns
from perunit.facts.bills.delivery import parts_of
from perunit.facts.bills.faults import FAULTS_SHOWN, BillFaultsError, refusal
from perunit.facts.bills.fields import SPLIT_FIELDS
from perunit.facts.bills.reading import ColumnsOf, Part, open_part, rejects
from perunit.facts.bills.typed import CHARGE_COLUMNS, LineRule, line_rules, typed_lines
from perunit.model.errors import Fault
from perunit.model.money import exact
from perunit.model.window import Clock, naive

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from perunit.facts.privacy.billed import BilledIds

__all__ = ["BillResult", "Progress", "import_bill", "line_faults"]

Progress = Callable[[str], None]
_Values = dict[str, Any]
_ROOM = "facts.bills"
_BILL = "bill_source, billing_period_start, billing_period_end"
_TEMPORARY = ("bill_lines", "bill_digested", "bill_found", "split_shares", "split_lines", "billed_ids", "hidden_lines")
_PROVIDER = "coalesce(provider_name, service_provider_name)"


@dataclass(frozen=True, slots=True)
class BillResult:
    """What became of one bill of a file. `previous_*`: the sums of the version it superseded, if any."""

    bill_id: int
    bill_source: str
    billing_account_id: str
    billing_currency: str
    billing_period_start: datetime
    billing_period_end: datetime
    version: int
    status: Literal["imported", "restated", "unchanged"]
    lines: int
    billed_cost: Decimal
    effective_cost: Decimal
    previous_billed_cost: Decimal | None
    previous_effective_cost: Decimal | None

    @property
    def billed_difference(self) -> Decimal | None:
        """How much the billed cost changed against the superseded version; None for a first version."""
        return _difference(self.billed_cost, self.previous_billed_cost)

    @property
    def effective_difference(self) -> Decimal | None:
        """How much the effective cost changed against the superseded version; None for a first version."""
        return _difference(self.effective_cost, self.previous_effective_cost)


def import_bill(
    engine: Engine,
    path: Path,
    *,
    bill_source: str | None = None,
    columns: ColumnsOf | None = None,
    replacing: int | None = None,
    hiding: BilledIds | None = None,
    clock: Clock,
    progress: Progress | None = None,
) -> list[BillResult]:
    """Imports a file, or a directory whose files are the parts of one export; one result a bill in it.

    `bill_source` overrides the name of who sent the bill (otherwise InvoiceIssuerName, then ProviderName);
    `columns` says which column holds what (`charge_columns`, `vendor_columns`); it is found out by default.
    `replacing` is the bill whose place the file takes: it must hold that bill and no other; `hiding` puts pseudonyms in
    the place of ids. Raises InputError (`BillFaultsError` with every kind of fault and their number) and what `hiding`
    does, and then changes nothing.
    """
    say = progress or (lambda _step: None)
    now = naive(clock())
    values = {"bill_source": bill_source, "now": now}
    try:
        with tempfile.TemporaryDirectory(prefix="perunit-") as spool:
            _read(engine, parts_of(path), Path(spool), values, columns or charge_columns("auto"), say)
        _digest(engine, hiding)
        if hiding:
            hiding.hide_imported(engine)
        say("storing")
        with engine.transaction():
            if hiding:
                hiding.keep(engine)
            return _store(engine, path, now, replacing)
    finally:
        for table in _TEMPORARY:
            engine.execute(f"DROP TABLE IF EXISTS {identifier(table)}")


def _difference(new: Decimal, old: Decimal | None) -> Decimal | None:
    if old is None:
        return None
    with exact():
        return new - old


def _read(
    engine: Engine, paths: Sequence[Path], spool: Path, values: _Values, columns_of: ColumnsOf, say: Progress
) -> None:
    """Makes `bill_lines`, typed and without a fault; a line's number is its place over all parts."""
    columns = ", ".join(identifier(name) for name in CHARGE_COLUMNS if name != "provider_name")
    columns += "".join(f", {identifier(field.name)}" for field in SPLIT_FIELDS)
    kept = f"{_BILL}, {_PROVIDER} AS provider_name, {columns}, faulty"
    for number, path in enumerate(paths):
        say(f"reading {path.name}")
        part = open_part(engine, path, spool, columns_of)
        typed = f"SELECT {kept} FROM ({typed_lines(part.text_sql)})"
        if number == 0:
            engine.execute(f"CREATE OR REPLACE TEMP TABLE bill_lines AS {typed} LIMIT 0", values)
        before = _lines(engine)
        with rejects(engine, part):
            engine.execute(f"INSERT INTO bill_lines {typed}", values)
        _check(engine, part, before, values)
    _split(engine)


def _lines(engine: Engine) -> int:
    return int(engine.value("SELECT count(*) FROM bill_lines"))


def _check(engine: Engine, part: Part, before: int, values: _Values) -> None:
    if _lines(engine) == before:
        raise refusal(part.path, "lines", "no lines", "must hold at least one charge", "export it again")
    if engine.value("SELECT bool_or(faulty) FROM bill_lines"):
        raise _faults(engine, part, values)


def _faults(engine: Engine, part: Part, values: _Values) -> BillFaultsError:
    return line_faults(engine, part, typed_lines(part.text_sql), line_rules(), values)


def line_faults(
    engine: Engine, part: Part, typed_sql: str, rules: Sequence[LineRule], values: _Values
) -> BillFaultsError:
    """Reads the part once more, for the text of the lines that are wrong."""
    broken = " UNION ALL ".join(
        f"SELECT place, {number} AS rule, CAST({rule.got} AS VARCHAR) AS got FROM wrong WHERE {rule.broken}"
        for number, rule in enumerate(rules)
    )
    numbered = f"SELECT *, row_number() OVER () AS place FROM ({typed_sql})"
    found = engine.rows(
        f"WITH wrong AS MATERIALIZED (SELECT * FROM ({numbered}) WHERE faulty) "
        f"SELECT place, rule, got, count(*) OVER () FROM ({broken}) "
        f"ORDER BY place, rule LIMIT {FAULTS_SHOWN}",
        values,
    )
    faults = []
    for place, number, got, _total in found:
        rule = rules[number]
        shown = "nothing" if got == "nothing" else repr(got[:80])
        faults.append(Fault(str(part.path), place + part.above, rule.field, shown, rule.rule, rule.mend))
    return BillFaultsError(faults, int(found[0][3]))


def _split(engine: Engine) -> None:
    """Gives the cost of lines that AWS has split to their split rows; other bills stay as they are."""
    if not engine.value("SELECT bool_or(split_parent_id IS NOT NULL) FROM bill_lines"):
        return
    for step in ("split_shares", "split_lines"):
        engine.execute(f"CREATE OR REPLACE TEMP TABLE {step} AS {sql_text(_ROOM, step)}")
    engine.execute("DROP TABLE bill_lines")
    engine.execute("ALTER TABLE split_lines RENAME TO bill_lines")


def _digest(engine: Engine, hiding: BilledIds | None) -> None:
    """Makes `bill_digested` of the lines as they came: the same file is known whatever ids are replaced by.

    A digest would tell who guesses an id whether it is the one; a mark of it does not.
    """
    seals = hiding.seals if hiding else None
    digest, values = (seals.mark_sql("digest"), seals.values) if seals else ("digest", None)
    found = f"SELECT * REPLACE ({digest} AS digest) FROM ({sql_text(_ROOM, 'digested')})"
    engine.execute(f"CREATE OR REPLACE TEMP TABLE bill_digested AS {found}", values)


def _store(engine: Engine, path: Path, now: datetime, replacing: int | None) -> list[BillResult]:
    """Compares what was found with the bills in force and writes what is new."""
    engine.execute(f"CREATE OR REPLACE TEMP TABLE bill_found AS {sql_text(_ROOM, 'found')}")
    if replacing is None:
        _check_basis(engine, path)
    else:
        _check_replaced(engine, path, replacing)
    engine.execute(
        "UPDATE bills SET superseded_at = $now WHERE bill_id IN (SELECT previous_id FROM bill_found WHERE is_new)",
        {"now": now},
    )
    engine.insert("bills", _ROOM, "bills", {"file_name": path.name, "now": now})
    engine.insert("charges", _ROOM, "charges")
    return [_result(row) for row in engine.records("SELECT * FROM bill_found ORDER BY bill_id")]


def _check_basis(engine: Engine, path: Path) -> None:
    """Refuses to replace Azure's actual costs by amortised ones, or the other way round, without being told to."""
    for previous_id, before, now in engine.rows(sql_text(_ROOM, "basis")):
        raise refusal(
            path,
            "costs",
            f"{now} costs of a bill that is there with {before} costs (bill {previous_id})",
            "must not silently take the place of other costs",
            f"import the FOCUS export, which has both, or say perunit bills replace {previous_id} {path.name}",
        )


def _check_replaced(engine: Engine, path: Path, bill_id: int) -> None:
    found = engine.rows(
        "SELECT previous_id, bill_source, billing_account_id, billing_currency, billing_period_start "
        "FROM bill_found ORDER BY ALL"
    )
    if [row[0] for row in found] != [bill_id]:
        got = "; ".join(f"{row[1]} {row[2]} {row[3]} {row[4]:%Y-%m}" for row in found[:5])
        rule = f"must hold bill {bill_id} and no other: the same source, account, currency and billing period"
        mend = "perunit bills list shows the bills in force; --source names the sender; bills import takes new bills"
        raise refusal(path, "bill", got, rule, mend)


def _result(row: dict[str, Any]) -> BillResult:
    status: Literal["imported", "restated", "unchanged"] = "imported"
    if not row["is_new"]:
        status = "unchanged"
    elif row["previous_id"] is not None:
        status = "restated"
    names = [name for name in BillResult.__dataclass_fields__ if name != "status"]
    return BillResult(status=status, **{name: row[name] for name in names})
