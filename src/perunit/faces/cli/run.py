"""``perunit run``: computes everything anew from the facts."""

from __future__ import annotations

import json
import time

import click

from perunit.faces.cli.context import Settings, pass_settings

__all__ = ["run"]


@click.command()
@pass_settings
def run(settings: Settings) -> None:
    """Compute rollups, prices and allocations anew from the facts.

    Gives the same digits as what was summed while the facts came in; needed only after the contract has changed
    what a sum is made of.
    """
    from perunit import pipeline
    from perunit.wiring import opened

    started = time.perf_counter()
    with opened(settings.directory, purpose="run") as project:
        pipeline.recompute(project.project, project.engine)
        pipeline.refresh(project.project, project.engine)
        events = project.engine.value("SELECT count(*) FROM events")
    took = time.perf_counter() - started
    if settings.json:
        click.echo(json.dumps({"events": events, "seconds": round(took, 3)}))
    else:
        click.echo(f"computed {events:,} events anew in {took:.1f} s")
