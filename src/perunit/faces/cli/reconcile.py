"""``perunit reconcile``: whether bills tie out with invoices, what explains the rest, and what is decided about it."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from perunit.economics.reconcile.entries import Entry
    from perunit.measures.closing import Reconciliation
    from perunit.model.window import Window

__all__ = ["parse_period", "reconcile"]

_FORMATS = ("table", "json", "csv", "markdown")
_CAUSES = (
    *("rounding", "tax", "credit", "currency", "timing", "correction", "price", "usage", "duplicate"),
    *("missing", "late_data", "other"),
)


@click.group(invoke_without_command=True)
@click.option("--period", metavar="YYYY-MM", help="The billing period; the last one by default.")
@click.option("--currency", metavar="CODE", help="Only this currency; each one apart by default.")
@click.option("--as-of", metavar="T", help="As known at this instant.")
@click.option("--variance", is_flag=True, help="Also every meter and resource, billed against estimated.")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="table by default; json with --json.")
@click.pass_context
def reconcile(
    ctx: click.Context, period: str | None, currency: str | None, as_of: str | None, variance: bool, form: str | None
) -> None:
    """Tie bills out with invoices, score the allocation, and bridge computed cost to the invoice.

    \b
    perunit reconcile --period 2026-05
    perunit reconcile accept NMB-2026-05 --actor ada --reason "rounding of the issuer"
    perunit reconcile lock --period 2026-05 --actor ada --reason "month-end close"

    Exit code 0: every invoice ties out; 1: one differs; 3: a total is not known.
    """  # noqa: D301 - click reads the character
    if ctx.invoked_subcommand is not None:
        return
    settings = ctx.find_object(Settings)
    assert settings is not None  # noqa: S101 - the group before sets it
    _reconcile(settings, period, currency, as_of, variance, form)


def _reconcile(
    settings: Settings, period: str | None, currency: str | None, as_of: str | None, variance: bool, form: str | None
) -> None:
    from perunit.faces.cli import reconcile_text as text
    from perunit.faces.cli.query import parse_option_instant
    from perunit.measures.closing import reconciliation
    from perunit.wiring import opened

    form = form or ("json" if settings.json else "table")
    instant = parse_option_instant("--as-of", as_of)
    with opened(settings.directory, purpose="reconcile", as_of=instant) as project:
        answer = reconciliation(project.engine, project.contract, parse_period(period), currency)
    if form == "json":
        click.echo(json.dumps(answer.as_json(), indent=2, ensure_ascii=False))
    elif form == "csv":
        click.echo(text.csv_text(answer), nl=False)
    elif form == "markdown":
        click.echo(text.markdown(answer), nl=False)
    else:
        text.show(answer, variance=variance, as_of=instant)
    click.get_current_context().exit(_exit_code(answer))


def _exit_code(answer: Reconciliation) -> int:
    if answer.tie_out.differs:
        return 1
    return 3 if answer.tie_out.inconclusive else 0


def parse_period(text: str | None) -> Window | None:
    """The month that ``--period`` names; raises UsageError where it is none."""
    from perunit.model.errors import UsageError
    from perunit.model.window import Window

    if text is None:
        return None
    try:
        return Window.of_month(text)
    except ValueError as error:
        raise UsageError(f"--period: got {text!r}, must be a month such as 2026-05") from error


def _decided(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every decision."""
    for option in (
        click.option("--currency", metavar="CODE", help="The invoice's currency, where the id alone is not enough."),
        click.option("--issuer", metavar="NAME", help="The invoice's issuer, where the id alone is not enough."),
        click.option("--cause", type=click.Choice(_CAUSES), help="What the difference comes from."),
        click.option("--actor", required=True, metavar="NAME", help="Who decides."),
        click.option("--reason", required=True, metavar="TEXT", help="Why."),
    ):
        command = option(command)
    return click.argument("invoice")(command)


@reconcile.command("accept")
@_decided
@click.option("--amount", metavar="AMOUNT", help="Added to the lines; by default all that is left.")
@pass_settings
def accept(settings: Settings, /, invoice: str, amount: str | None, **said: Any) -> None:
    """Accept the difference of an INVOICE: it stands, and the invoice ties out with it."""
    _decide(settings, "accept", invoice, amount, **said)


@reconcile.command("adjust")
@_decided
@click.option("--amount", required=True, metavar="AMOUNT", help="Added to the lines; negative takes away.")
@pass_settings
def adjust(settings: Settings, /, invoice: str, amount: str | None, **said: Any) -> None:
    """Adjust what the lines of an INVOICE sum to by an amount, such as a line that the bill lacks."""
    _decide(settings, "adjust", invoice, amount, **said)


def _decide(
    settings: Settings, kind: str, invoice: str, amount: str | None, *, issuer: str | None, currency: str | None,
    reason: str, actor: str, cause: str | None,
) -> None:  # fmt: skip
    from perunit.economics.reconcile.entries import Decision, decide, find_invoice
    from perunit.wiring import opened

    decision = Decision(kind, None if amount is None else _amount(amount), reason, actor, cause)
    with opened(settings.directory, purpose=f"reconcile {kind}") as project:
        line = find_invoice(project.engine, invoice, issuer, currency)
        entry = decide(project.engine, line, decision, project.clock())
        after = find_invoice(project.engine, invoice, line.invoice_issuer_name, line.billing_currency)
    _answer(settings, entry, after.difference)


def _amount(text: str) -> Decimal:
    from perunit.model.errors import UsageError

    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise UsageError(f"--amount: got {text!r}, must be a decimal number such as -0.03")
    return amount


def _answer(settings: Settings, entry: Entry, left: Decimal | None) -> None:
    from perunit.model.money import plain
    from perunit.model.plain import plain_value

    if settings.json:
        click.echo(json.dumps({"entry": plain_value(entry), "difference": None if left is None else plain(left)}))
        return
    from perunit.faces.cli.reconcile_text import entry_line

    click.echo(entry_line(entry))
    if left is not None:
        click.echo(f"    the invoice's difference is now {plain(left)} {entry.billing_currency}")


@reconcile.command("reverse")
@click.argument("entry", type=int)
@click.option("--reason", required=True, metavar="TEXT", help="Why.")
@click.option("--actor", required=True, metavar="NAME", help="Who decides.")
@pass_settings
def reverse_(settings: Settings, entry: int, reason: str, actor: str) -> None:
    """Take back an ENTRY by another one of the opposite amount."""
    from perunit.economics.reconcile.entries import find_invoice, reverse
    from perunit.wiring import opened

    with opened(settings.directory, purpose="reconcile reverse") as project:
        made = reverse(project.engine, entry, reason, actor, project.clock())
        after = find_invoice(project.engine, made.invoice_id, made.invoice_issuer_name, made.billing_currency)
    _answer(settings, made, after.difference)


@reconcile.command("entries")
@pass_settings
def entries(settings: Settings) -> None:
    """List every decision: which invoice, how much, why, by whom, when."""
    from perunit.economics.reconcile.entries import entries_of
    from perunit.faces.cli.reconcile_text import entry_line
    from perunit.model.plain import plain_value
    from perunit.wiring import opened

    with opened(settings.directory, purpose="reconcile entries") as project:
        found = entries_of(project.engine)
    if settings.json:
        click.echo(json.dumps([plain_value(entry) for entry in found]))
        return
    for entry in found:
        click.echo(entry_line(entry))
    if not found:
        click.echo("no entries yet: perunit reconcile accept INVOICE, or adjust")


@reconcile.command("lock")
@click.option("--period", required=True, metavar="YYYY-MM", help="The billing period.")
@click.option("--issuer", metavar="NAME", help="Only the invoices of this issuer have to tie out.")
@click.option("--reason", required=True, metavar="TEXT", help="Why.")
@click.option("--actor", required=True, metavar="NAME", help="Who decides.")
@pass_settings
def lock(settings: Settings, period: str, issuer: str | None, reason: str, actor: str) -> None:
    """Lock a period: its figures are kept and closed, and every later change is a restatement.

    Refused, with exit code 1, while an invoice does not tie out and its difference is not accepted.
    """
    from perunit.measures.closing import close_period
    from perunit.model.plain import plain_value
    from perunit.wiring import opened

    window = parse_period(period)
    assert window is not None  # noqa: S101 - a period is required
    with opened(settings.directory, purpose="reconcile lock") as project:
        made = close_period(
            project.engine,
            project.contract,
            window,
            issuer=issuer,
            actor=actor,
            reason=reason,
            now=project.clock(),
        )
    if settings.json:
        click.echo(json.dumps(plain_value(made)))
        return
    from perunit.faces.cli.reconcile_text import lock_line

    click.echo(lock_line(made))
    click.echo(f"    perunit restatements --period {period}    will say what has changed since")


@reconcile.command("locks")
@pass_settings
def locks(settings: Settings) -> None:
    """List the locked periods: when, by whom and why."""
    from perunit.economics.reconcile.locks import locks_of
    from perunit.faces.cli.reconcile_text import lock_line
    from perunit.model.plain import plain_value
    from perunit.wiring import opened

    with opened(settings.directory, purpose="reconcile locks") as project:
        found = locks_of(project.engine)
    if settings.json:
        click.echo(json.dumps(plain_value(found)))
        return
    for each in found:
        click.echo(lock_line(each))
    if not found:
        click.echo("no period is locked: perunit reconcile lock --period YYYY-MM")
