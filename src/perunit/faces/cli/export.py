"""``perunit export``: measures in the formats of those who collect them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from perunit.faces.cli.context import Settings, pass_settings

__all__ = ["export"]

_output = click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")


@click.group()
def export() -> None:
    """Measures in the formats of those who collect them."""


@export.command()
@_output
@pass_settings
def prometheus(settings: Settings, output: Path | None) -> None:
    """Print what Prometheus would scrape now: the measures of export:, per segment.

    perunit serve answers the same on /metrics/segments. Without it, a file for the textfile collector of
    node_exporter does:

    \b
    perunit export prometheus --output /var/lib/node_exporter/perunit.prom
    """  # noqa: D301 - click reads the character
    from perunit.faces.export.prometheus import exposition
    from perunit.wiring import opened

    with opened(settings.directory, purpose="export prometheus") as project:
        _refuse_nothing(project.contract.export)
        text = exposition(project.engine, project.contract, project.clock())
    _answer(settings, text, output)


@export.command("prometheus-rules")
@_output
@pass_settings
def prometheus_rules(settings: Settings, output: Path | None) -> None:
    """Write recording rules for Prometheus: each ratio of export:, over all segments and by each dimension.

    Numerators and denominators are summed and divided last, because ratios do not add up.

    \b
    perunit export prometheus-rules --output perunit.rules.yml
    promtool check rules perunit.rules.yml
    """  # noqa: D301 - click reads the character
    from perunit.contract.read import read_project
    from perunit.faces.export.prometheus import recording_rules

    contract = read_project(settings.directory).contract
    _refuse_nothing(contract.export)
    _answer(settings, recording_rules(contract), output)


def _refuse_nothing(exports: object) -> None:
    from perunit.model.errors import UsageError

    if not exports:
        raise UsageError("perunit.yaml: has no export; name the measures to show below export:")


def _answer(settings: Settings, text: str, output: Path | None) -> None:
    """Writes whole or not at all: whoever collects the file may read it at any moment."""
    if output is not None:
        beside = output.with_name(f".{output.name}.part")
        beside.write_text(text, encoding="utf-8")
        beside.replace(output)
        click.echo(f"wrote {output}", err=True)
    if settings.json:
        click.echo(json.dumps({"text": text}))
    elif output is None:
        click.echo(text, nl=False)
