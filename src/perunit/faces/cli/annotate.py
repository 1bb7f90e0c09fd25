"""``perunit annotate``: notes beside the figures what happened, for deployment scripts without an HTTP client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from perunit.store.control.models import Annotation

__all__ = ["annotate"]

_KINDS = click.Choice(["deployment", "flag", "incident", "price_change", "note"])


@click.command()
@click.argument("kind", type=_KINDS)
@click.argument("title")
@click.option("--at", metavar="T", help="When; now by default.")
@click.option("--until", metavar="T", help="Until when, where it lasted.")
@click.option("--segment", "segments", multiple=True, metavar="DIM=VALUE", help="About this only; may be repeated.")
@click.option("--url", help="Where there is more about it.")
@click.option("--text", default="", help="More words about it.")
@click.option("--key", help="The same key: the same annotation, however often it is sent.")
@pass_settings
def annotate(
    settings: Settings, kind: str, title: str, at: str | None, until: str | None, segments: tuple[str, ...],
    url: str | None, text: str, key: str | None,
) -> None:  # fmt: skip
    """Note what happened, so that charts show it: KIND deployment, flag, incident, price_change or note.

    \b
    perunit annotate deployment "checkout v4.3" --segment release=v4.3 --key "$CI_JOB_ID"
    """  # noqa: D301 - click reads the character
    from contextlib import closing

    from perunit.access.audit import Audit
    from perunit.faces.annotations import noted_of
    from perunit.faces.cli.people import actor, control_at
    from perunit.model.errors import UsageError
    from perunit.model.plain import plain_value
    from perunit.model.window import system_clock
    from perunit.store.control.annotations import annotate as note

    if wrong := next((each for each in segments if "=" not in each), None):
        raise UsageError(f"--segment: got {wrong!r}, must be DIM=VALUE, as in release=v4.3; correct it")
    chosen = {name: value for name, _, value in (each.partition("=") for each in segments)}
    now = system_clock()
    with control_at(settings.directory) as (project, control):
        noted = noted_of(project.contract, now, kind=kind, title=title, start=at, end=until, segments=chosen,
                         text=text, url=url)  # fmt: skip
        with closing(Audit(control, system_clock)) as audit:

            def enter(session: Session, made: Annotation) -> None:
                said = {"kind": made.kind, "title": made.title}
                audit.enter(session, actor(), "annotation_create", str(made.id), said)

            made, new = note(control, noted, actor().name, now, key, enter)
    if settings.json:
        names = ("id", "kind", "title", "text", "start", "end", "segments", "url", "created_by")
        click.echo(json.dumps(plain_value({name: getattr(made, name) for name in names}) | {"new": new}))
        return
    click.echo(f"{made.kind} {made.title!r} at {made.start:%Y-%m-%d %H:%M} UTC{'' if new else ' was noted before'}")
