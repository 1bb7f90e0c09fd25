"""``perunit users``: who may sign in. Works whether or not a server runs, which takes changes up at once."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from perunit.faces.cli.context import Settings, pass_settings
from perunit.faces.cli.people import ROWS, actor, address_of, at, control_at, in_table, record, rows_of

if TYPE_CHECKING:
    from perunit.store.control.models import User

__all__ = ["users"]

_ROLES = click.Choice(["viewer", "product", "oncall", "engineer", "finance", "executive", "admin"])


@click.group()
def users() -> None:
    """People's accounts: who may sign in, and what as."""


@users.command("add")
@click.argument("name")
@click.option("--role", type=_ROLES, required=True, help="What they are here to do.")
@click.option("--email", help="Their address, for people to read.")
@ROWS
@click.option("--password", is_flag=True, help="Ask for a password; without it, make a link with users ticket.")
@pass_settings
def add(settings: Settings, name: str, role: str, email: str | None, rows: tuple[str, ...], password: bool) -> None:
    """Make an account.

    \b
    perunit users add robin --role finance --rows region=eu-west-1
    """  # noqa: D301 - click reads the character
    from perunit.access import accounts
    from perunit.access.permit import Role
    from perunit.model.window import system_clock

    seen, given = rows_of(rows), _asked() if password else None
    with control_at(settings.directory) as (project, control):
        with control.session() as session:
            user = accounts.add_user(
                session, actor().permit, system_clock(), name=name, role=Role(role), email=email, rows=seen
            )
            if given is not None:
                accounts.set_password(session, user, given, project.contract.access.password_length_min)
        record(control, "user_create", user.name, role=user.role, rows=user.rows)
    _say(settings, user, f"{user.name} is {_role(user)}" + ("" if password else f"; perunit users ticket {user.name}"))


@users.command("list")
@pass_settings
def list_(settings: Settings) -> None:
    """Show who has an account."""
    from perunit.access import accounts

    with control_at(settings.directory) as (_, control), control.reading() as session:
        found = accounts.all_users(session)
    if settings.json:
        click.echo(json.dumps([_as_json(user) for user in found]))
    elif not found:
        click.echo("nobody has an account yet: perunit users add NAME --role admin --password")
    else:
        names = ("id", "name", "role", "rows", "signs in by", "last signed in", "disabled")
        in_table(names, [_line(user) for user in found])


@users.command("set")
@click.argument("name")
@click.option("--role", type=_ROLES, help="Another role.")
@click.option("--email", help="Another address.")
@ROWS
@click.option("--all-rows", is_flag=True, help="Lets them see every row again.")
@click.option("--enable", is_flag=True, help="Lets them in again.")
@pass_settings
def set_(
    settings: Settings, name: str, role: str | None, email: str | None, rows: tuple[str, ...], all_rows: bool,
    enable: bool,
) -> None:  # fmt: skip
    """Change an account; another role or other rows sign its person out.

    \b
    perunit users set robin --role executive --all-rows
    """  # noqa: D301 - click reads the character
    from perunit.access import accounts
    from perunit.access.permit import Role
    from perunit.model.errors import UsageError

    if rows and all_rows:
        raise UsageError("--all-rows: must not stand with --rows; keep one of them")
    wanted = {} if all_rows else rows_of(rows) or None
    with control_at(settings.directory) as (_, control):
        with control.session() as session:
            user = accounts.find_user(session, name)
            by = actor().permit
            accounts.change_user(session, by, user, role=None if role is None else Role(role), email=email, rows=wanted)
            if enable:
                accounts.enable_user(by, user)
        record(control, "user_change", user.name, role=user.role, rows=user.rows, email=user.email, enabled=enable)
    _say(settings, user, f"{user.name} is {_role(user)}")


@users.command("disable")
@click.argument("name")
@pass_settings
def disable(settings: Settings, name: str) -> None:
    """Lock somebody out at once: sessions end, and keys that they made open nothing.

    \b
    perunit users disable robin
    """  # noqa: D301 - click reads the character
    from perunit.access import accounts
    from perunit.model.window import system_clock

    with control_at(settings.directory) as (_, control):
        with control.session() as session:
            user = accounts.find_user(session, name)
            accounts.disable_user(session, actor().permit, user, system_clock())
        record(control, "user_change", user.name, disabled=True)
    _say(settings, user, f"{user.name} is disabled; perunit users set {user.name} --enable lets them in again")


@users.command("password")
@click.argument("name")
@pass_settings
def password(settings: Settings, name: str) -> None:
    """Ask for somebody's new password; every session of theirs ends.

    Without a terminal it is the first line of standard input.

    \b
    perunit users password robin
    """  # noqa: D301 - click reads the character
    from perunit.access import accounts

    with control_at(settings.directory) as (project, control):
        with control.reading() as session:
            accounts.find_user(session, name)
        given = _asked()
        with control.session() as session:
            user = accounts.find_user(session, name)
            accounts.set_password(session, user, given, project.contract.access.password_length_min)
        record(control, "user_change", user.name, password=True)
    _say(settings, user, f"{user.name} has another password")


@users.command("ticket")
@click.argument("name")
@click.option("--hours", default=24, show_default=True, type=click.IntRange(1, 720), help="How long it is good.")
@pass_settings
def ticket(settings: Settings, name: str, hours: int) -> None:
    """Make a link that signs somebody in once, for who is new or forgot the password.

    \b
    perunit users ticket robin
    """  # noqa: D301 - click reads the character
    from perunit.access import accounts, links
    from perunit.model.window import system_clock

    with control_at(settings.directory) as (project, control):
        with control.session() as session:
            user = accounts.find_user(session, name)
            token = links.new_ticket(session, user, system_clock(), hours)
        record(control, "user_change", user.name, ticket=True)
        url = f"{address_of(project)}/login?ticket={token}"
    click.echo(json.dumps({"url": url, "hours": hours}) if settings.json else url)


def _asked() -> str:
    """A password: asked for twice where a person sits, otherwise the first line of standard input."""
    if sys.stdin.isatty():
        answer: str = click.prompt("password", hide_input=True, confirmation_prompt=True, err=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")


def _say(settings: Settings, user: User, text: str) -> None:
    click.echo(json.dumps(_as_json(user)) if settings.json else text)


def _role(user: User) -> str:
    seen = "; ".join(f"{dimension}={','.join(values)}" for dimension, values in user.rows.items())
    return f"{user.role}, sees {seen}" if seen else user.role


def _line(user: User) -> tuple[str, ...]:
    ways = [way for way, has in (("password", user.password_hash), ("provider", user.oidc_subject)) if has]
    rows = "; ".join(f"{dimension}={','.join(values)}" for dimension, values in user.rows.items())
    return (
        str(user.id), user.name, user.role, rows, ", ".join(ways) or "ticket", at(user.last_login_at),
        at(user.disabled_at),
    )  # fmt: skip


def _as_json(user: User) -> dict[str, Any]:
    times = {name: getattr(user, name) for name in ("created_at", "last_login_at", "disabled_at")}
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "rows": user.rows,
        "has_password": user.password_hash is not None,
        "through_provider": user.oidc_subject is not None,
        **{name: None if time is None else time.isoformat() for name, time in times.items()},
    }
