"""``perunit restatements``: what has changed in a period since it was locked or known, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from perunit.faces.cli import render
from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from decimal import Decimal

    from perunit.measures.restated import Difference, Restatement

__all__ = ["restatements"]

_SHOWN = 12


@click.command()
@click.option("--period", metavar="YYYY-MM", help="The period; every locked one by default.")
@click.option("--since", metavar="T", help="Compared with what was known at this instant; the lock by default.")
@click.option("--all", "everything", is_flag=True, help="Also costs by service and account, and invoices.")
@pass_settings
def restatements(settings: Settings, period: str | None, since: str | None, everything: bool) -> None:
    """Show what has changed in a period, and why: cause, when, by what, before, after, difference.

    \b
    perunit restatements --period 2026-05
    perunit restatements --period 2026-05 --since 2026-06-05T09:00Z
    """  # noqa: D301 - click reads the character
    from perunit import pipeline
    from perunit.faces.cli.bills import status_line
    from perunit.faces.cli.query import parse_option_instant
    from perunit.faces.cli.reconcile import parse_period
    from perunit.wiring import opened

    window, instant = parse_period(period), parse_option_instant("--since", since)
    with opened(settings.directory, purpose="restatements") as project, status_line(settings) as progress:
        found = pipeline.restatements(project.project, project.engine, window, instant, progress)
    if settings.json:
        click.echo(json.dumps({"restatements": [each.as_json() for each in found]}, indent=2, ensure_ascii=False))
        return
    for each in found:
        _show(each, everything=everything)
    if not found:
        click.echo("nothing has changed")


def _show(found: Restatement, *, everything: bool) -> None:
    click.secho(f"{found.period}  {found.cause}", bold=True, nl=False)
    click.echo(f"  {found.at.isoformat(timespec='seconds')}")
    for what in found.what[:_SHOWN]:
        click.echo(f"    {what}")
    if len(found.what) > _SHOWN:
        click.echo(f"    and {len(found.what) - _SHOWN} more")
    shown = [each for each in found.differences if everything or each.figure.about == "measure"]
    _show_differences(shown)
    hidden = len(found.differences) - len(shown)
    if hidden:
        click.secho(f"    and {hidden} figures of services, accounts and invoices: --all", dim=True)
    if not found.differences:
        click.secho("    changes no figure of the period", dim=True)
    click.echo()


def _show_differences(differences: list[Difference]) -> None:
    from rich.padding import Padding
    from rich.table import Table

    from perunit.faces.cli.query import print_table

    if not differences:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("figure", "of", "currency", "before", "after", "difference"):
        table.add_column(head, justify="left" if head in {"figure", "of", "currency"} else "right", no_wrap=True)
    for each in differences:
        key = each.figure
        amounts = (_shown(key.figure, amount) for amount in (each.before, each.after, each.difference))
        table.add_row(key.figure, key.name, key.currency, *amounts)
    print_table(Padding(table, (0, 0, 0, 4)))


def _shown(figure: str, amount: Decimal | None) -> str:
    from perunit.measures.catalogue import MEASURES

    if amount is None:
        return render.UNKNOWN
    return render.value(amount, MEASURES[figure].unit if figure in MEASURES else "money")
