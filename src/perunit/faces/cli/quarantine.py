"""``perunit quarantine``: what was refused, why, and its way back."""

from __future__ import annotations

import json

import click

from perunit.faces.cli.context import Settings, pass_settings
from perunit.faces.cli.ingest import show_reports

__all__ = ["quarantine"]


@click.group()
def quarantine() -> None:
    """Rows that were refused or contradict an accepted one: see why, mend, replay."""


@quarantine.command("list")
@pass_settings
def list_(settings: Settings) -> None:
    """Count the waiting rows by source, rule and place."""
    from perunit.facts.quarantine import summary
    from perunit.wiring import opened

    with opened(settings.directory, purpose="quarantine list") as project:
        rows = summary(project.engine)
    if settings.json:
        click.echo(json.dumps(rows, default=str))
        return
    if not rows:
        click.echo("nothing waits in quarantine")
        return
    from rich.table import Table

    from perunit.faces.cli.query import print_table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("rows", "source", "kind", "rule", "place", "what must hold", "example"):
        table.add_column(name, justify="right" if name in {"rows", "example"} else "left", overflow="fold")
    for row in rows:
        table.add_row(
            f"{row['rows']:,}",
            row["source"],
            row["kind"],
            row["rule"],
            row["place"],
            row["expected"],
            str(row["example"]),
        )
    print_table(table)
    click.echo("\nperunit quarantine show --rule RULE · mend the contract or the producer · perunit quarantine replay")


@quarantine.command()
@click.argument("ids", nargs=-1, type=int)
@click.option("--source", help="Only rows of this source.")
@click.option("--rule", help="Only rows that broke this rule.")
@click.option("--limit", default=20, show_default=True, help="How many rows.")
@pass_settings
def show(settings: Settings, ids: tuple[int, ...], source: str | None, rule: str | None, limit: int) -> None:
    """Show waiting rows whole: where they stood, what was there, what must hold."""
    from perunit.facts.quarantine import Selection, quarantined
    from perunit.wiring import opened

    with opened(settings.directory, purpose="quarantine show") as project:
        rows = quarantined(project.engine, Selection(ids or None, source, rule), limit)
    if settings.json:
        click.echo(json.dumps(rows, default=str))
        return
    for row in rows:
        click.echo(
            f"{row['quarantine_id']}  {row['file_name']} row {row['position']}: {row['place']}: got {row['got']}, "
            f"{row['expected']} [{row['rule']}]"
        )
        click.echo(f"    {row['raw'].strip()[:2000]}")


@quarantine.command()
@click.argument("ids", nargs=-1, type=int)
@click.option("--source", help="Only rows of this source.")
@click.option("--rule", help="Only rows that broke this rule.")
@click.option("--conflicts", is_flag=True, help="Conflicting rows instead of refused ones.")
@pass_settings
def replay(settings: Settings, ids: tuple[int, ...], source: str | None, rule: str | None, conflicts: bool) -> None:
    """Load waiting rows again under the contract of today; what is refused once more waits anew."""
    from perunit import pipeline
    from perunit.facts.quarantine import Selection
    from perunit.wiring import opened

    chosen = Selection(ids or None, source, rule, "conflict" if conflicts else "rejected")
    with opened(settings.directory, purpose="quarantine replay") as project:
        reports = pipeline.replay(project.project, project.engine, chosen, clock=project.clock)
        waiting = project.engine.value("SELECT count(*) FROM quarantine WHERE replayed_in IS NULL")
    show_reports(settings, reports, waiting)
