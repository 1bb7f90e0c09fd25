"""``perunit fx``: exchange rates come in, and are shown."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from datetime import date, datetime

    from perunit.economics.fx import FxImport

__all__ = ["fx"]


@click.group()
def fx() -> None:
    """Exchange rates: what one currency is worth in another on a day."""


@fx.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH…")
@pass_settings
def import_(settings: Settings, paths: tuple[Path, ...]) -> None:
    """Take in reference rates: eurofxref-hist.zip or eurofxref.csv of the European Central Bank.

    The same file again changes nothing; a revised value takes the place of the one before, which --as-of still sees.
    Rates of your own stand in a price book, below fx:, and come first.

    \b
    perunit fx import eurofxref-hist.zip
    """  # noqa: D301 - click reads the character
    from perunit import pipeline
    from perunit.wiring import opened

    with opened(settings.directory, purpose="fx import") as project:
        found = pipeline.import_fx(project.project, project.engine, paths, clock=project.clock)
    if settings.json:
        click.echo(json.dumps([asdict(each) for each in found]))
        return
    for each in found:
        click.echo(_line(each))


def _line(found: FxImport) -> str:
    line = f"{found.file}: {found.days:,} days, {found.added:,} rates added, {found.unchanged:,} known already"
    if found.revised:
        line += f", {found.revised:,} revised on {found.revised_days:,} days"
    if found.passed_over:
        line += f"\n    passed over, for ISO 4217 has withdrawn them: {', '.join(found.passed_over)}"
    return line


@fx.command("list")
@pass_settings
def list_(settings: Settings) -> None:
    """Show every currency with its first, last and latest known reference rate, and the own rates in force."""
    from perunit.wiring import opened

    with opened(settings.directory, purpose="fx list") as project:
        reference = project.engine.records(
            "SELECT base, quote, origin, count(*) AS days, min(day) AS first_day, max(day) AS last_day, "
            "max_by(rate, day) AS last_rate FROM fx_rates WHERE superseded_at IS NULL GROUP BY ALL ORDER BY quote"
        )
        own = project.engine.records(
            "SELECT r.meter AS base, r.currency AS quote, r.rate_id AS origin, r.unit_price AS rate, r.effective_from, "
            "r.effective_to FROM rates r JOIN price_books b USING (book, version) "
            "WHERE b.withdrawn_at IS NULL AND r.kind = 'fx' ORDER BY ALL"
        )
    if settings.json:
        click.echo(json.dumps({"reference": reference, "own": own}, default=str))
    elif reference or own:
        _show(reference, own)
    else:
        click.echo("no exchange rates yet: perunit fx import eurofxref-hist.zip, or fx: in a price book")


def _show(reference: list[dict[str, object]], own: list[dict[str, object]]) -> None:
    from decimal import Decimal

    from rich.table import Table

    from perunit.faces.cli.query import print_table
    from perunit.model.money import plain

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("one", "is", "from", "to", "days", "says"):
        table.add_column(name, justify="right" if name in {"is", "days"} else "left")
    for row in own:
        end = row["effective_to"]
        table.add_row(
            str(row["base"]), f"{plain(Decimal(str(row['rate'])))} {row['quote']}", f"{row['effective_from']:%Y-%m-%d}",
            f"{end:%Y-%m-%d}" if end else "", "", str(row["origin"]),
        )  # fmt: skip
    for row in reference:
        table.add_row(
            str(row["base"]), f"{plain(Decimal(str(row['last_rate'])))} {row['quote']}", str(row["first_day"]),
            str(row["last_day"]), f"{row['days']:,}", str(row["origin"]),
        )  # fmt: skip
    print_table(table)


@fx.command("show")
@click.argument("currency", metavar="CURRENCY")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY")
@click.option("--to", "into", metavar="CODE", help="In which currency; the contract's by default.")
@pass_settings
def show(settings: Settings, currency: str, day: datetime, into: str | None) -> None:
    """Show what one unit of a currency was worth on a day, who says so, and how old that was.

    \b
    perunit fx show GBP 2026-05-09
    """  # noqa: D301 - click reads the character
    from perunit.economics.fx.rates import FxRates
    from perunit.model.errors import UsageError
    from perunit.model.money import is_currency, plain
    from perunit.wiring import opened

    for code in (currency, into):
        if code is not None and not is_currency(code):
            raise UsageError(f"currency: got {code!r}, must be an ISO 4217 code such as USD; correct it")
    with opened(settings.directory, purpose="fx show") as project:
        target = into or project.contract.currency
        worth = FxRates(project.engine, target, project.contract.fx.max_age_days).of(currency, day.date())
    if settings.json:
        answer = None if worth is None else {"rate": plain(worth.rate), "origin": worth.origin, "day": str(worth.day)}
        click.echo(json.dumps(answer))
    elif worth is None:
        click.echo(
            f"no rate of {currency} to {target} is known for {day:%Y-%m-%d}: amounts of that day stay unconverted"
        )
    else:
        click.echo(f"1 {currency} = {plain(worth.rate)} {target} ({worth.origin}{_age(worth.day, day.date())})")


def _age(published: date, asked: date) -> str:
    return "" if published == asked else f", published {published}"
