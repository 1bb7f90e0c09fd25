"""``perunit audit``: who did what, and whether the record of it is whole. Works whether or not a server runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli.context import Settings, pass_settings
from perunit.faces.cli.people import at, control_at, in_table

if TYPE_CHECKING:
    from perunit.store.control.models import AuditEntry

__all__ = ["audit"]


@click.group()
def audit() -> None:
    """Who did what, and whether the record of it is whole."""


@audit.command("list")
@click.option("--actor", help="By whom.")
@click.option("--action", help="What was done, such as price_approve.")
@click.option("--text", help="Stands anywhere in the actor, the target or the details.")
@click.option("--from", "start", metavar="TIME", help="From this instant on.")
@click.option("--to", "end", metavar="TIME", help="Up to this instant, itself excluded.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many.")
@pass_settings
def list_(
    settings: Settings, actor: str | None, action: str | None, text: str | None, start: str | None, end: str | None,
    limit: int,
) -> None:  # fmt: skip
    """Show entries, the newest first.

    \b
    perunit audit list --action price_approve --from 2026-09-01
    """  # noqa: D301 - click reads the character
    from perunit.access.audit_search import Search, found
    from perunit.faces.cli.query import parse_option_instant

    window = (parse_option_instant("--from", start), parse_option_instant("--to", end))
    with control_at(settings.directory) as (_, control), control.reading() as session:
        page, _ = found(session, Search(actor, action, text, *window, None, limit))
    if settings.json:
        click.echo(json.dumps([_as_json(entry) for entry in page], ensure_ascii=False))
    elif not page:
        click.echo("nothing was written down yet")
    else:
        lines = [(str(e.seq), at(e.at), e.actor, e.via, e.action, e.target[:60]) for e in page]
        in_table(("seq", "at", "actor", "via", "action", "target"), lines)


@audit.command("verify")
@click.option("--head", metavar="SEQ:HASH", help="A head that was kept elsewhere; its entry must be as it was.")
@pass_settings
def verify(settings: Settings, head: str | None) -> None:
    """Follow the chain of hashes from the first entry to the last; exit code 1 where it is broken."""
    from perunit.access.audit_chain import parse_head
    from perunit.access.audit_chain import verify as verified
    from perunit.model.errors import CheckFailedError, UsageError

    kept = None if head is None else parse_head(head)
    if head is not None and kept is None:
        raise UsageError(f"--head: got {head!r}, must be SEQ:HASH as perunit audit head prints it; correct it")
    with control_at(settings.directory) as (_, control), control.reading() as session:
        found = verified(session, kept)
    if settings.json:
        click.echo(json.dumps(found.as_json()))
    if found.fault is not None:
        message = f"audit: entry {found.broken_seq} {found.fault}; compare it with a copy from elsewhere"
        if settings.json:
            raise click.exceptions.Exit(CheckFailedError.exit_code)
        raise CheckFailedError(message)
    if not settings.json:
        click.echo(f"{found.entries:,} entries, whole; head {found.head}")


@audit.command("head")
@pass_settings
def head_(settings: Settings) -> None:
    """Print the number and hash of the last entry, to be kept where nobody who could change the audit can write."""
    from perunit.access.audit_chain import head_of

    with control_at(settings.directory) as (_, control), control.reading() as session:
        found = head_of(session)
    click.echo(json.dumps({"seq": found.seq, "hash": found.hash}) if settings.json else str(found))


@audit.command("export")
@pass_settings
def export(settings: Settings) -> None:
    """Print every entry as a line of JSON, in order, with what its hash is made of."""
    from perunit.access.audit_chain import entries

    with control_at(settings.directory) as (_, control), control.reading() as session:
        for entry in entries(session):
            click.echo(json.dumps(_as_json(entry), ensure_ascii=False))


def _as_json(entry: AuditEntry) -> dict[str, Any]:
    from perunit.access.audit_chain import said_of

    return said_of(entry) | {"hash": entry.hash}
