"""``perunit verify``: checks the invariants on live data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from perunit.economics.verify import Finding

__all__ = ["verify"]


@click.command()
@pass_settings
def verify(settings: Settings) -> None:
    """Check the invariants on the project's data; names the first row that breaks one. Exit 1 if any is broken."""
    from perunit import pipeline
    from perunit.wiring import opened

    with opened(settings.directory, purpose="verify") as project:
        findings = pipeline.verify(project.project, project.engine)
    if settings.json:
        rows = [
            {"invariant": f.invariant, "checked": f.checked, "holds": f.holds, "broken": f.broken} for f in findings
        ]
        click.echo(json.dumps({"ok": all(f.holds for f in findings), "checks": rows}, default=str))
    else:
        _show(findings)
    if not all(finding.holds for finding in findings):
        raise SystemExit(1)


def _show(findings: list[Finding]) -> None:
    for finding in findings:
        mark = click.style("holds ", fg="green") if finding.holds else click.style("BROKEN", fg="red", bold=True)
        click.echo(f"{mark}  {finding.invariant:<26} {finding.checked}")
        for name, value in (finding.broken or {}).items():
            click.echo(f"        {name} = {value}")
    broken = sum(not finding.holds for finding in findings)
    click.echo(f"\n{len(findings)} checks, {broken} broken" if broken else f"\nall {len(findings)} checks hold")
