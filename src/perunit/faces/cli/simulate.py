"""``perunit simulate``: a company with known truth, to try things on and to test against."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from perunit.faces.cli import screen
from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.simulate.report import Summary
    from perunit.simulate.run import Progress

__all__ = ["simulate"]

_SHOWN = (
    ("events", "unique events, each of them in the truth"),
    ("duplicates", "the same line again"),
    ("conflicts", "the same id with another number"),
    ("late", "recorded more than a day after they happened"),
    ("orders", ""),
)


class Day(click.ParamType[date]):
    """A date such as 2026-09-01."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The date, or what it must look like."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"got {value!r}, must be a date such as 2026-09-01", param, ctx)


class Instant(click.ParamType[datetime]):
    """A date, or an instant with its offset from UTC."""

    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant, or what it must look like."""
        from perunit.model.window import parse_instant

        try:
            return value if isinstance(value, datetime) else parse_instant(str(value))
        except (ValueError, OverflowError):
            self.fail(f"got {value!r}, must be a date or an instant such as 2026-09-15T10:20Z", param, ctx)


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A new or empty directory.")
@click.option("--events", default=200_000, show_default=True, help="About how many unique events.")
@click.option("--days", default=30, show_default=True, help="How many days they are spread over.")
@click.option("--seed", default=7, show_default=True, help="Equal options and seed give equal files.")
@click.option("--start", type=Day(), default="2026-09-01", show_default=True, help="The first day, UTC.")
@click.option("--duplicates", default=0.02, show_default=True, help="Share of events that arrive twice.")
@click.option("--conflicts", default=0.001, show_default=True, help="Share that comes again with another number.")
@click.option("--late", default=0.01, show_default=True, help="Share recorded more than a day late.")
@click.option("--parts", default=4, show_default=True, help="How many files the events are spread over.")
@click.option("--price-change", type=Instant(), help="When prices move; 14/30 into the days by default.")
@pass_settings
def simulate(
    settings: Settings,
    out: Path,
    events: int,
    days: int,
    seed: int,
    start: date,
    duplicates: float,
    conflicts: float,
    late: float,
    parts: int,
    price_change: datetime | None,
) -> None:
    r"""Make a company with known truth: a project, its events, bills and the figures they must give.

    A video studio with plans, regions, channels and releases, seasons of the day and week, retries, refunds, a
    price change and a restated bill. truth.json and truth/ say exactly what perunit must find, per day, event
    type and segment, and which stories are hidden in the data.

    \b
    perunit simulate --out studio
    perunit simulate --out big --events 10000000 --parts 1
    """
    from perunit.simulate.options import SimulationOptions
    from perunit.simulate.run import simulate as run

    options = SimulationOptions(
        events=events,
        days=days,
        seed=seed,
        start=start,
        duplicates=duplicates,
        conflicts=conflicts,
        late=late,
        parts=parts,
        price_change=price_change,
    )
    with simulation_bar(settings) as progress:
        summary = run(settings.directory / out, options, progress)
    _show(settings, summary)


@contextmanager
def simulation_bar(settings: Settings) -> Iterator[Progress | None]:
    """A bar on standard error while a person watches; nothing otherwise."""
    if settings.json or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("simulating"), BarColumn(), TextColumn("{task.completed:,} events"),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with screen.progress(*columns) as bar:
        task = bar.add_task("simulating", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(settings: Settings, summary: Summary) -> None:
    if settings.json:
        import json

        click.echo(json.dumps(summary.as_json(), indent=2))
        return
    _show_what_was_made(summary)
    _show_what_next(summary)


def _show_what_was_made(summary: Summary) -> None:
    from decimal import Decimal

    from rich.table import Table

    from perunit.faces.cli.render import money

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column("what")
    table.add_column("how many", justify="right")
    table.add_column("note", style="dim")
    for name, note in _SHOWN:
        table.add_row(name, f"{getattr(summary, name):,}", note)
    table.add_section()
    for name in ("gross_revenue", "variable_cost", "contribution_margin"):
        table.add_row(name, money(Decimal(getattr(summary, name))), "USD, at list prices, before any bill")
    megabytes = f"{summary.bytes / 1e6:,.1f} MB"
    click.secho(f"A studio from {summary.first_day}, {summary.days} days, seed {summary.seed}", bold=True)
    screen.console(highlight=False).print(table)
    click.echo(f"{summary.lines:,} lines, {megabytes}; prices change at {summary.price_change}")
    click.echo(f"what perunit must find: {summary.directory}/truth.json")


def _show_what_next(summary: Summary) -> None:
    place = summary.directory
    click.secho("\nNext", bold=True)
    for words in (
        f"ingest {place}/events",
        f"bills import {place}/{summary.bills[0]}",
        "query units revenue contribution_margin --by region",
        "receipt order o-100000000",
    ):
        click.echo(f"  perunit -C {place} {words}")
