"""``perunit check``: every fault of the contract and the price books at once, each with its line and mend."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

import click

from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from perunit.contract.project import Project
    from perunit.contract.read import Examination
    from perunit.model.errors import Fault

__all__ = ["check"]

_EXIT_FAULTY = 2


@click.command()
@pass_settings
def check(settings: Settings) -> None:
    """Check perunit.yaml and the price books.

    Prints every fault with its file, line, value, rule and mend; exits with 2 where there is one. Notes are
    things that are allowed but may surprise.
    """
    from perunit.contract.read import examine

    found = examine(settings.directory)
    if settings.json:
        click.echo(json.dumps(_answer(found), indent=2, ensure_ascii=False))
    else:
        _print(found)
    if found.project is None:
        raise click.exceptions.Exit(_EXIT_FAULTY)


def _answer(found: Examination) -> dict[str, object]:
    return {
        "ok": found.project is not None,
        "faults": [fault.as_json() for fault in found.faults],
        "notes": [note.as_json() for note in found.notes],
    }


def _print(found: Examination) -> None:
    _print_grouped(found.faults, "red")
    if found.notes:
        click.echo(_count(len(found.notes), "note") + ":")
        _print_grouped(found.notes, "yellow")
    if found.project is None:
        files = len({fault.file for fault in found.faults})
        click.secho(f"{_count(len(found.faults), 'fault')} in {_count(files, 'file')}", fg="red", bold=True)
    else:
        click.secho("fine", fg="green", bold=True, nl=False)
        click.echo(f": {_summary(found.project)}")


def _print_grouped(found: Iterable[Fault], colour: str) -> None:
    # click leaves colours out where the output is not a terminal.
    for file, group in groupby(found, key=lambda fault: fault.file):
        click.secho(file, bold=True)
        for fault in group:
            line = f"{fault.line}" if fault.line is not None else "-"
            place = click.style(fault.place, fg=colour) + ": " if fault.place else ""
            got = f"got {fault.got}, " if fault.got else ""
            click.echo(f"  {line:>5}  {place}{got}{fault.rule}; {fault.mend}")


def _summary(project: Project) -> str:
    contract = project.contract
    rates = sum(len(book.rates) for book in project.price_books)
    return ", ".join(
        (
            _count(len(contract.units), "unit type"),
            _count(len(contract.sources), "source"),
            _count(len(contract.events), "event type"),
            _count(len(contract.allocation), "allocation rule"),
            f"{_count(len(project.price_books), 'price book')} with {_count(rates, 'rate')}",
        )
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
