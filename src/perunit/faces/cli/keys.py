"""``perunit keys``: which programs may send or ask. Works whether or not a server runs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli.context import Settings, pass_settings
from perunit.faces.cli.people import ROWS, actor, at, control_at, in_table, record, rows_of

if TYPE_CHECKING:
    from perunit.store.control.models import ApiKey

__all__ = ["keys"]


@click.group()
def keys() -> None:
    """Programs' keys: who may send facts, scrape, or ask."""


@keys.command("add")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="A permission, e.g. facts:write; repeatable.")
@ROWS
@click.option("--days", type=click.IntRange(1, 3650), help="How long it is good; for ever without.")
@pass_settings
def add(settings: Settings, name: str, scopes: tuple[str, ...], rows: tuple[str, ...], days: int | None) -> None:
    """Make a key and print it, this once.

    \b
    perunit keys add collector --scope facts:write
    """  # noqa: D301 - click reads the character
    from perunit.access.keys import make_key
    from perunit.access.permit import Permission
    from perunit.model.errors import UsageError
    from perunit.model.window import system_clock

    known = [permission.value for permission in Permission]
    if wrong := next((scope for scope in scopes if scope not in known), None):
        raise UsageError(f"--scope: got {wrong!r}, must be one of {', '.join(known)}; correct it")
    now = system_clock()
    until = None if days is None else now + timedelta(days=days)
    granted, seen = [Permission(scope) for scope in scopes], rows_of(rows)
    with control_at(settings.directory) as (_, control):
        with control.session() as session:
            key, text = make_key(session, actor(), now, name=name, scopes=granted, rows=seen, expires_at=until)
        record(control, "key_create", f"{key.id} {key.name}", scopes=key.scopes, rows=key.rows)
    if settings.json:
        click.echo(json.dumps({**_as_json(key, None), "key": text}))
        return
    click.echo(text)
    click.echo(f"this is key {key.id}, {key.name}; it is shown this once", err=True)


@keys.command("list")
@pass_settings
def list_(settings: Settings) -> None:
    """Show every key, revoked ones among them."""
    from perunit.access.accounts import all_users
    from perunit.access.keys import all_keys

    with control_at(settings.directory) as (_, control), control.reading() as session:
        names = {user.id: user.name for user in all_users(session)}
        found = [(key, names.get(key.user_id or 0)) for key in all_keys(session)]
    if settings.json:
        click.echo(json.dumps([_as_json(key, maker) for key, maker in found]))
    elif not found:
        click.echo("no keys yet: perunit keys add NAME --scope facts:write")
    else:
        names_ = ("id", "name", "begins with", "scopes", "rows", "made by", "last used", "ends", "revoked")
        in_table(names_, [_line(key, maker) for key, maker in found])


@keys.command("revoke")
@click.argument("key_id", metavar="ID", type=click.IntRange(min=1))
@pass_settings
def revoke(settings: Settings, key_id: int) -> None:
    """End a key for good.

    \b
    perunit keys revoke 2
    """  # noqa: D301 - click reads the character
    from perunit.access.keys import revoke_key
    from perunit.model.window import system_clock

    with control_at(settings.directory) as (_, control):
        with control.session() as session:
            key = revoke_key(session, key_id, system_clock())
        record(control, "key_revoke", f"{key.id} {key.name}")
    click.echo(json.dumps(_as_json(key, None)) if settings.json else f"key {key.id}, {key.name}, is revoked")


def _line(key: ApiKey, maker: str | None) -> tuple[str, ...]:
    rows = "; ".join(f"{dimension}={','.join(values)}" for dimension, values in key.rows.items())
    times = (at(key.last_used_at), at(key.expires_at), at(key.revoked_at))
    return str(key.id), key.name, f"{key.prefix}…", " ".join(key.scopes), rows, maker or "", *times


def _as_json(key: ApiKey, maker: str | None) -> dict[str, Any]:
    times = {name: getattr(key, name) for name in ("created_at", "expires_at", "last_used_at", "revoked_at")}
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "made_by": maker,
        "scopes": key.scopes,
        "rows": key.rows,
        **{name: None if time is None else time.isoformat() for name, time in times.items()},
    }
