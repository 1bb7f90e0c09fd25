"""``perunit measures``: the catalogue, whole or one entry explained."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

import click

from perunit.faces.cli import screen
from perunit.faces.cli.completion import complete_measures
from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from perunit.measures.catalogue import Measure

__all__ = ["measures"]


@click.command()
@click.argument("name", required=False, shell_complete=complete_measures)
@pass_settings
def measures(settings: Settings, name: str | None) -> None:
    """List every measure with its formula, or explain the one NAMEd.

    Inside a project the usage measures of its meters are listed too.
    """
    known = _known(settings)
    if name is not None:
        chosen = _one(known, name)
        click.echo(json.dumps(chosen.as_json(), ensure_ascii=False) if settings.json else _explained(chosen))
    elif settings.json:
        click.echo(json.dumps([measure.as_json() for measure in known.values()], ensure_ascii=False))
    else:
        _show(known)


def _known(settings: Settings) -> dict[str, Measure]:
    from perunit.measures.catalogue import MEASURES, measures_of

    if not (settings.directory / "perunit.yaml").is_file():
        return MEASURES
    from perunit.contract.read import read_project

    return measures_of(read_project(settings.directory).contract)


def _one(known: dict[str, Measure], name: str) -> Measure:
    import difflib

    from perunit.model.errors import UsageError

    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        mend = f"did you mean {', '.join(near)}?" if near else "`perunit measures` lists them"
        raise UsageError(f"measure: got {name!r}, must be in the catalogue; {mend}")
    return known[name]


def _explained(measure: Measure) -> str:
    lines = [
        f"{measure.name}: {measure.title}",
        "",
        f"  formula   {measure.text}",
        f"  unit      {measure.unit}",
        f"  good      {measure.good}",
        f"  owner     {measure.owner}",
        f"  seed      {measure.seed}",
        "",
        *textwrap.wrap(measure.doc, 78, initial_indent="  ", subsequent_indent="  "),
    ]
    return "\n".join(lines)


def _show(known: dict[str, Measure]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("measure", no_wrap=True, style="cyan")
    table.add_column("formula", overflow="fold")
    table.add_column("unit")
    table.add_column("good")
    table.add_column("seed")
    for measure in known.values():
        table.add_row(measure.name, escape(measure.text), measure.unit, measure.good, measure.seed)
    screen.console().print(table)
