"""``perunit privacy``: the keys of pseudonyms, and what a person may ask to be done about one."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from perunit.faces.cli.context import Settings, pass_settings
from perunit.faces.cli.people import control_at, record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from perunit.facts.privacy.scanning import Kept
    from perunit.wiring import Opened

__all__ = ["privacy"]

REASON = click.option("--reason", required=True, help="Why.")


@click.group()
def privacy() -> None:
    """Pseudonyms and personal data: make and rotate keys, reveal or erase an id, look for what should not be there."""


@privacy.command("init")
@pass_settings
def init(settings: Settings) -> None:
    """Make the key file that privacy.pseudonymize needs. Keep a copy of it away from the data."""
    from perunit.contract.read import read_project
    from perunit.facts.privacy.keys import key_path, make_keys

    path = key_path(read_project(settings.directory))
    make_keys(path)
    _say(settings, {"file": str(path)}, f"{path} made; copy it to a safe place: without it no id can be revealed")


@privacy.command("reveal")
@click.argument("unit_type")
@click.argument("pseudonym")
@REASON
@pass_settings
def reveal(settings: Settings, unit_type: str, pseudonym: str, reason: str) -> None:
    """Show the id behind a pseudonym."""
    from perunit.access.permit import Permission
    from perunit.facts.privacy import changes
    from perunit.wiring import opened

    with opened(settings.directory, purpose="privacy reveal") as project:
        project.permit.require(Permission.REVEAL)
        raw = changes.reveal(project.project, project.engine, unit_type, pseudonym)
        _record(settings, "reveal", f"{unit_type}/{pseudonym}", reason=reason)
    _say(settings, {"unit_type": unit_type, "pseudonym": pseudonym, "id": raw}, raw)


@privacy.command("erase")
@click.argument("unit_type")
@click.argument("unit_id")
@REASON
@pass_settings
def erase(settings: Settings, unit_type: str, unit_id: str, reason: str) -> None:
    """Cut all that is stored from a person, by id or pseudonym. Sums stay."""
    from perunit.access.permit import Permission
    from perunit.facts.privacy import changes
    from perunit.wiring import opened

    with opened(settings.directory, purpose="privacy erase") as project:
        project.permit.require(Permission.ERASE)
        # Not of whom: it would lead from the id to its old pseudonym.
        _record(settings, "erase", unit_type, reason=reason)
        facts = changes.erase(project.project, project.engine, unit_type, unit_id)
    _say(settings, {"unit_type": unit_type, "facts": facts}, f"erased; {facts} facts stay, of nobody")


@privacy.command("rotate")
@pass_settings
def rotate(settings: Settings) -> None:
    """Make a new key and every pseudonym anew with it. Sums stay."""
    from perunit.facts.privacy import changes

    with _unserved(settings, "privacy rotate") as project:
        _record(settings, "rotate", "keys")
        version, count = changes.rotate(project.project, project.engine)
    _say(settings, {"key": version, "pseudonyms": count}, f"key {version} is active; {count} pseudonyms made anew")


@privacy.command("expire")
@click.option("--dry-run", is_flag=True, help="Only say how much that would be.")
@pass_settings
def expire(settings: Settings, dry_run: bool) -> None:
    """End the text and ids that the contract has kept long enough. Sums stay. A server does it by itself."""
    from perunit.access.permit import Permission
    from perunit.facts.privacy import expiry
    from perunit.wiring import opened

    with opened(settings.directory, purpose="privacy expire") as project:
        project.permit.require(Permission.ERASE)
        work = expiry.ended if dry_run else expiry.expire
        counts = work(project.engine, project.contract, project.clock())
    said = ", ".join(f"{count:,} of {table}" for table, count in counts.items()) or "perunit.yaml has no retention"
    _say(settings, dict(counts), said)


@privacy.command("scan")
@pass_settings
def scan(settings: Settings) -> None:
    """Look for personal data in what is stored already. Exit code 1 where there is any."""
    from perunit.access.permit import Permission
    from perunit.facts.privacy.scanning import kept
    from perunit.model.plain import plain_value
    from perunit.pipeline import names_of
    from perunit.wiring import opened

    with opened(settings.directory, purpose="privacy scan") as project:
        project.permit.require(Permission.QUARANTINE)
        found = kept(project.engine, names_of(project.engine, project.project), project.contract.privacy)
    if settings.json:
        click.echo(json.dumps(plain_value(found)))
    elif found:
        _print_kept(found)
    else:
        click.echo("no personal data where privacy.scan looks")
    if found:
        raise SystemExit(1)


@contextmanager
def _unserved(settings: Settings, purpose: str) -> Iterator[Opened]:
    """The project, not while facts may come in: they would be named by the old key."""
    from perunit.access.permit import Permission
    from perunit.model.errors import UsageError
    from perunit.wiring import LENDER, opened

    with opened(settings.directory, purpose=purpose) as project:
        project.permit.require(Permission.ERASE)
        if LENDER.get() and project.contract.privacy.pseudonymize:
            raise UsageError(f"perunit {purpose}: cannot be done while the project is served; stop the server")
        yield project


def _print_kept(found: Sequence[Kept]) -> None:
    from rich.table import Table

    from perunit.faces.cli.query import print_table

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("place", "kind", "facts", "texts"):
        shown.add_column(head, justify="right" if head in {"facts", "texts"} else "left")
    for each in found:
        shown.add_row(each.place, each.kind, f"{each.facts:,}", f"{each.texts:,}")
    print_table(shown)


def _record(settings: Settings, action: str, target: str, **details: str | int) -> None:
    """Before anything is shown, so that nothing is shown that is not written down."""
    with control_at(settings.directory) as (_, control):
        record(control, action, target, **details)


def _say(settings: Settings, said: dict[str, str | int], text: str) -> None:
    click.echo(json.dumps(said) if settings.json else text)
