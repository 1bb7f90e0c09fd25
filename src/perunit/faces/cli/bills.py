"""``perunit bills``: cloud bills come in, and are shown with where their cost went."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli import screen
from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

    from perunit.economics.attribute import AllocationReport
    from perunit.facts.bills import BillResult, BillRow, ServiceChange, StatementResult

__all__ = ["bills", "status_line"]

_REASONS_SHOWN = 10
_CHANGES_SHOWN = 5
_KIND_TEXTS = {
    "direct": "named by the line",
    "usage": "by measured usage",
    "shared": "shared",
    "fixed": "fixed, over the months it is of use",
    "idle": "idle, bought and not used",
    "unallocated": "unallocated",
}


_FORMAT = click.option(
    "--format",
    "expected",
    type=click.Choice(["auto", "focus", "aws-cur", "aws-cur2", "gcp", "azure", "oci"]),
    default="auto",
    show_default=True,
    help="Refuse files of another format; auto finds it out by the columns. CSV, Parquet or JSON is found out always.",
)
_SOURCE = click.option(
    "--source",
    metavar="NAME",
    help="Who sent the bill; InvoiceIssuerName by default. A vendor of perunit.yaml is read by its mapping.",
)


@click.group()
def bills() -> None:
    """Bills: what the cloud and other vendors charge, and who bears it."""


@bills.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH…")
@_FORMAT
@_SOURCE
@pass_settings
def import_(settings: Settings, paths: tuple[Path, ...], expected: str, source: str | None) -> None:
    """Import bill files and allocate them: a file is taken whole or not at all.

    The same content again changes nothing. Other content for the same billing period, account and currency is the
    next version and takes the place of the one before. A directory is one export in several files; where it has
    manifests, they say which files. FOCUS Invoice Detail and Billing Period files are kept for the reconciliation.

    \b
    perunit bills import may.csv.gz
    perunit bills import datadog.parquet --source datadog
    """  # noqa: D301 - click reads the character
    from perunit import pipeline
    from perunit.facts.bills import BillResult, StatementResult, list_bills, service_changes
    from perunit.wiring import opened

    with opened(settings.directory, purpose="bills import") as project, status_line(settings) as progress:
        results, report = pipeline.import_bills(
            project.project,
            project.engine,
            paths,
            source=source,
            expected=expected,
            clock=project.clock,
            progress=progress,
        )
        rows = list_bills(project.engine)
        restated = {each.bill_id for each in results if isinstance(each, BillResult) and each.status == "restated"}
        changes = {bill_id: service_changes(project.engine, bill_id) for bill_id in restated}
    statements = [result for result in results if isinstance(result, StatementResult)]
    bills = [result for result in results if isinstance(result, BillResult)]
    imported = {result.bill_id for result in bills}
    report = report.of_bills(imported)
    if settings.json:
        answer = {
            "bills": [
                _result_json(result) | {"services": [asdict(change) for change in changes.get(result.bill_id, [])]}
                for result in bills
            ],
            "statements": [asdict(result) for result in statements],
            "allocation": _report_json(report),
        }
        click.echo(json.dumps(answer, default=str))
        return
    for bill in bills:
        click.echo(_result_line(bill))
        _show_changes(changes.get(bill.bill_id, []), limit=_CHANGES_SHOWN)
    for statement in statements:
        click.echo(_statement_line(statement))
    _show_totals([row for row in rows if row.bill_id in imported])
    _show_report(report)


@bills.command("replace")
@click.argument("bill_id", type=int, metavar="BILL")
@click.argument("path", type=click.Path(path_type=Path))
@_FORMAT
@_SOURCE
@pass_settings
def replace(settings: Settings, bill_id: int, path: Path, expected: str, source: str | None) -> None:
    """Replace one bill in force by a file, and show the difference by service and account.

    The file must hold that bill and no other: the same source, account, currency and billing period. Unlike an
    import this also puts Azure's amortised costs in the place of actual ones. The version before is kept.

    \b
    perunit bills replace 3 may-restated.csv.gz
    """  # noqa: D301 - click reads the character
    from perunit import pipeline
    from perunit.facts.bills import BillResult, service_changes
    from perunit.wiring import opened

    with opened(settings.directory, purpose="bills replace") as project, status_line(settings) as progress:
        results, _report = pipeline.import_bills(
            project.project,
            project.engine,
            [path],
            source=source,
            expected=expected,
            replacing=bill_id,
            clock=project.clock,
            progress=progress,
        )
        (result,) = [each for each in results if isinstance(each, BillResult)]
        changes = service_changes(project.engine, result.bill_id)
    if settings.json:
        answer = _result_json(result) | {"services": [asdict(change) for change in changes]}
        click.echo(json.dumps(answer, default=str))
        return
    click.echo(_result_line(result))
    if result.status == "restated":
        _show_changes(changes)


@bills.command("invoice")
@click.argument("issuer")
@click.argument("invoice_id", metavar="INVOICE")
@click.argument("total", type=str)
@click.option("--currency", required=True, help="ISO 4217 code of the total, such as USD.")
@click.option("--period", required=True, metavar="MONTH", help="The billing period, a month such as 2026-05.")
@pass_settings
def invoice(settings: Settings, issuer: str, invoice_id: str, total: str, currency: str, period: str) -> None:
    """State what an invoice comes to, for an issuer that has no Invoice Detail dataset.

    ISSUER and INVOICE are written as the bill's lines have them (InvoiceIssuerName, InvoiceId). A later statement of
    the same invoice takes the place of this one.

    \b
    perunit bills invoice AWS INV-2026-05-0001 10912.64 --currency USD --period 2026-05
    perunit bills invoice --currency EUR --period 2026-05 -- AWS CREDIT-7 -12.50
    """  # noqa: D301 - click reads the character
    from perunit.facts.bills import state_invoice
    from perunit.model.window import Window
    from perunit.wiring import opened

    amount, month = _amount(total), Window.of_month(period)
    with opened(settings.directory, purpose="bills invoice") as project:
        result = state_invoice(project.engine, issuer, invoice_id, amount, currency.upper(), month, clock=project.clock)
    if settings.json:
        click.echo(json.dumps(asdict(result), default=str))
    else:
        click.echo(_statement_line(result))


@bills.command("list")
@pass_settings
def list_(settings: Settings) -> None:
    """Show every version of every bill, in force or superseded, and where its cost went."""
    from perunit.facts.bills import list_bills
    from perunit.wiring import opened

    with opened(settings.directory, purpose="bills list") as project:
        rows = list_bills(project.engine)
    if settings.json:
        click.echo(json.dumps([asdict(row) | {"in_force": row.in_force} for row in rows], default=str))
    elif rows:
        _show_bills(rows)
    else:
        click.echo("no bills yet: perunit bills import PATH")


@bills.command("show")
@click.argument("bill_id", type=int, metavar="BILL")
@pass_settings
def show(settings: Settings, bill_id: int) -> None:
    """Show where the cost of one bill went: by kind, by rule, by service, and why some of it is unallocated.

    Against the version before it, where there is one.
    """
    from perunit.economics.attribute import read_report
    from perunit.facts.bills import list_bills, service_changes
    from perunit.model.errors import UsageError
    from perunit.wiring import opened

    with opened(settings.directory, purpose="bills show") as project:
        found = next((row for row in list_bills(project.engine) if row.bill_id == bill_id), None)
        report = read_report(project.engine).of_bills({bill_id})
        changes = service_changes(project.engine, bill_id)
    if found is None:
        raise UsageError(f"bill {bill_id} is not there; perunit bills list shows the numbers")
    if settings.json:
        answer = asdict(found) | {"in_force": found.in_force, "allocation": _report_json(report)}
        answer["services"] = [asdict(change) for change in changes]
        click.echo(json.dumps(answer, default=str))
        return
    _show_bills([found])
    _show_changes(changes)
    _show_report(report)


def _show_changes(changes: list[ServiceChange], limit: int = _REASONS_SHOWN) -> None:
    """Services by account; beside a version before it only those that changed, with their difference."""
    from rich.table import Table

    from perunit.faces.cli.query import print_table
    from perunit.faces.cli.render import money

    def signed(amount: Decimal) -> str:
        return money(amount) if amount < 0 else f"+{money(amount)}"

    restated = any(change.previous_lines for change in changes)
    shown = [change for change in changes if change.changed] if restated else changes
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("service")
    table.add_column("account")
    for name in ("lines", "billed", "effective"):
        table.add_column(name, justify="right", no_wrap=True)
        if restated:
            table.add_column("change", justify="right", no_wrap=True)
    for change in shown[:limit]:
        cells = [f"{change.lines:,}", money(change.billed_cost), money(change.effective_cost)]
        if restated:
            differences = (
                f"{change.lines - change.previous_lines:+,}",
                signed(change.billed_cost - change.previous_billed_cost),
                signed(change.effective_cost - change.previous_effective_cost),
            )
            cells = [cell for pair in zip(cells, differences, strict=True) for cell in pair]
        table.add_row(change.service_name or "(none)", change.sub_account_id or "(none)", *cells)
    if shown:
        print_table(table)
    if len(shown) > limit:
        click.echo(f"… and {len(shown) - limit} more")


@contextmanager
def status_line(settings: Settings) -> Iterator[Callable[[str], None] | None]:
    """The step at hand on standard error while a person watches; nothing otherwise."""
    if settings.json or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import SpinnerColumn, TextColumn

    with screen.progress(SpinnerColumn(), TextColumn("{task.description}")) as shown:
        step = shown.add_task("opening")
        yield lambda text: shown.update(step, description=text)


def _amount(text: str) -> Decimal:
    from decimal import Decimal, InvalidOperation

    from perunit.model.errors import UsageError

    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise UsageError(f"total {text!r} must be a decimal number; write it as in 1234.56")
    return amount


def _statement_line(result: StatementResult) -> str:
    from perunit.model.money import plain

    what = f"{result.statement} {result.invoice_issuer_name} {result.invoice_id or ''}".rstrip()
    line = f"{what}, {_period(result)}\n    {result.status}, version {result.version}: "
    if result.billed_cost is None:
        return line + str(result.billing_period_status)
    line += f"billed {plain(result.billed_cost)} {result.billing_currency}"
    if result.previous_billed_cost is not None:
        line += f", before {plain(result.previous_billed_cost)}"
    return line


def _result_json(result: BillResult) -> dict[str, Any]:
    differences = {
        "billed_difference": result.billed_difference,
        "effective_difference": result.effective_difference,
    }
    return asdict(result) | differences


def _report_json(report: AllocationReport) -> list[dict[str, Any]]:
    return [asdict(share) for share in report.shares]


def _result_line(result: BillResult) -> str:
    from perunit.model.money import plain

    what = f"bill {result.bill_id}: {result.bill_source} {result.billing_account_id}, {_period(result)}"
    sums = f"billed {plain(result.billed_cost)}, effective {plain(result.effective_cost)} {result.billing_currency}"
    line = f"{what}\n    {result.status}, version {result.version}: {result.lines:,} lines, {sums}"
    if result.status != "restated" or result.billed_difference is None or result.effective_difference is None:
        return line
    billed, effective = _signed(result.billed_difference), _signed(result.effective_difference)
    return f"{line}\n    against the version before: billed {billed}, effective {effective}"


def _signed(amount: Decimal) -> str:
    from perunit.model.money import plain

    return plain(amount) if amount < 0 else f"+{plain(amount)}"


def _show_totals(rows: list[BillRow]) -> None:
    """The sum over several bills, one currency at a time."""
    from decimal import Decimal

    from perunit.model.money import exact, plain

    for currency in sorted({row.billing_currency for row in rows}):
        of_currency = [row for row in rows if row.billing_currency == currency]
        if len(of_currency) < 2:
            continue
        with exact():
            billed = sum(row.billed_cost for row in of_currency)
            rounded = sum(row.billed_cost_at_12_places for row in of_currency)
        lines = sum(row.lines for row in of_currency)
        note = f" (with each line rounded to 12 places: {plain(Decimal(rounded))})" if rounded != billed else ""
        click.echo(f"{len(of_currency)} bills, {lines:,} lines: billed {plain(Decimal(billed))} {currency}{note}")


def _at_12_places(row: BillRow) -> str:
    """What a system that keeps 12 places of each line comes to, where that differs."""
    from perunit.model.money import plain

    if row.billed_cost == row.billed_cost_at_12_places:
        return ""
    return f" (with each line rounded to 12 places: {plain(row.billed_cost_at_12_places)})"


def _show_bills(rows: list[BillRow]) -> None:
    from perunit.faces.cli.render import money
    from perunit.model.money import plain

    for row in rows:
        state = "in force" if row.in_force else f"superseded {row.superseded_at:%Y-%m-%d}"
        title = f"bill {row.bill_id}: {row.bill_source} {row.billing_account_id}, {_period(row)}"
        click.echo(click.style(title, bold=row.in_force, dim=not row.in_force))
        sums = f"billed {money(row.billed_cost)}, effective {money(row.effective_cost)} {row.billing_currency}"
        click.echo(f"    version {row.version}, {state}: {row.lines:,} lines, {sums}")
        click.echo(f"    billed exactly {plain(row.billed_cost)}{_at_12_places(row)}")
        if row.billed_by_kind:
            went = ", ".join(f"{kind} {money(cost)}" for kind, cost in row.billed_by_kind.items())
            click.echo(f"    billed went to {went}")


def _period(bill: BillRow | BillResult | StatementResult) -> str:
    return f"{bill.billing_period_start:%Y-%m-%d} to {bill.billing_period_end:%Y-%m-%d}"


def _show_report(report: AllocationReport) -> None:
    """Where the bills went by kind and by rule, and the largest reasons for what is unallocated."""
    from rich.table import Table

    from perunit.faces.cli.render import money

    if not report.shares:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("bill", "went to", "billed", "effective"):
        table.add_column(name, justify="left" if name == "went to" else "right")
    for (bill_id, currency, kind), (billed, effective) in report.by_kind().items():
        table.add_row(str(bill_id), _KIND_TEXTS[kind], f"{money(billed)} {currency}", f"{money(effective)} {currency}")
    table.add_section()
    for (bill_id, currency, rule), (billed, effective) in report.by_rule().items():
        table.add_row(str(bill_id), f"rule {rule}", f"{money(billed)} {currency}", f"{money(effective)} {currency}")
    page = screen.console(soft_wrap=True)
    page.print(table)
    reasons = report.unallocated()
    for (currency, rule, reason), (_billed, effective) in list(reasons.items())[:_REASONS_SHOWN]:
        page.print(f"unallocated {money(effective)} {currency}: {reason} (rule {rule})", markup=False)
    if len(reasons) > _REASONS_SHOWN:
        page.print(f"… and {len(reasons) - _REASONS_SHOWN} more reasons")
