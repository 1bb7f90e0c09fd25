"""``perunit backup``: a copy of the project that can be put in its place."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from perunit.faces.cli.context import Settings, pass_settings

if TYPE_CHECKING:
    from perunit.contract.project import Project
    from perunit.wiring import Opened

__all__ = ["backup"]

_CONTRACT = "perunit.yaml"


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@pass_settings
def backup(settings: Settings, out: Path) -> None:
    """Copy the project to OUT, whole and as of one instant, whether or not it is being served.

    What is stored, who may sign in, the contract, its schemas and the price books. Not the keys of pseudonyms, nor a
    control database in PostgreSQL: keep those apart.

    \b
    perunit backup /backups/shop-2026-09-30
    perunit -C /backups/shop-2026-09-30 verify
    """  # noqa: D301 - click reads the character
    from perunit.model.errors import StoreError, UsageError
    from perunit.wiring import opened

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"OUT: {out} is not an empty directory, must be one or not exist yet; choose another")
    with opened(settings.directory, purpose="backup") as project:
        try:
            _appear(project, out.absolute())
        except OSError as error:
            reason = f"OUT: {out} cannot be written ({error.strerror or error})"
            raise StoreError(f"{reason}; free some space or choose another place") from error
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    if settings.json:
        click.echo(json.dumps({"backup": str(out), "bytes": size}))
    else:
        click.echo(f"{out}: whole; check it with `perunit -C {out} verify`")


def _appear(project: Opened, out: Path) -> None:
    """Written beside its place and moved there whole."""
    from perunit.store.backup import copy_control, copy_tables

    out.parent.mkdir(parents=True, exist_ok=True)
    room = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        data = room / "data"
        data.mkdir()
        copy_tables(project.engine, data)
        copy_control(project.project.data, data)
        _copy_written(project.project, room)
        room.chmod(0o700)
        room.replace(out)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _copy_written(project: Project, room: Path) -> None:
    """What people write: the contract, the schemas it names, the price books and their drafts."""
    from perunit.contract.read import PRICES_FOLDER

    schemas = [kind.schema_path for kind in project.contract.events.values() if kind.schema_path]
    for path in dict.fromkeys(map(Path, [_CONTRACT, *schemas])):
        target = room / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(project.root / path, target)
    if (project.root / PRICES_FOLDER).is_dir():
        shutil.copytree(project.root / PRICES_FOLDER, room / PRICES_FOLDER)
