"""``perunit run``: computes everything anew from the facts."""

from __future__ import annotations

import json
import time

import click

from perunit.faces.cli.context import Settings, pass_settings

__all__ = ["run"]


@click.command()
@click.option("--from", "start", metavar="T", help="Only from this day on, e.g. 2026-09-01 (UTC).")
@click.option("--to", "end", metavar="T", help="Only up to this day, itself excluded.")
@pass_settings
def run(settings: Settings, start: str | None, end: str | None) -> None:
    """Compute rollups, prices and allocations anew from the facts.

    Gives the same digits as what was summed while the facts came in; needed only after the contract has changed
    what a sum is made of.
    """
    from perunit import pipeline
    from perunit.faces.cli.query import parse_window
    from perunit.wiring import opened

    window = parse_window(start, end) if start or end else None
    started = time.perf_counter()
    with opened(settings.directory, purpose="run") as project:
        pipeline.compute_anew(project.project, project.engine, window)
        events = project.engine.value("SELECT count(*) FROM events")
    took = time.perf_counter() - started
    if settings.json:
        click.echo(json.dumps({"events": events, "seconds": round(took, 3)}))
    else:
        days = " of the days asked for, out of" if window else ""
        click.echo(f"computed the sums{days} {events:,} events anew in {took:.1f} s")
