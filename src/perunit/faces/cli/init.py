"""``perunit init``: writes a working project from a template."""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from pathlib import Path

import click

from perunit.faces.cli.context import Settings, pass_settings

__all__ = ["TEMPLATES", "init", "write_project"]

TEMPLATES = ("ecommerce", "saas", "kubernetes", "llm", "serverless")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--template", type=click.Choice(TEMPLATES), default="ecommerce", show_default=True)
@pass_settings
def init(settings: Settings, directory: Path, template: str) -> None:
    """Write a new project into DIRECTORY: contract, price books, sample facts and a README.

    The directory must be new or empty.
    """
    root = settings.directory / directory
    written = write_project(root, template)
    if settings.json:
        click.echo(json.dumps({"directory": str(root), "template": template, "files": written}))
        return
    click.echo(f"{root}: {template} project")
    for name in written:
        click.echo(f"  {name}")
    click.echo(f"\nnext:  cd {root}\n       perunit check && perunit ingest")


def write_project(root: Path, template: str) -> list[str]:
    """Writes a template's files and the editors' schemas below `root`; the names of what was written, in order."""
    from perunit.contract.schema_file import write
    from perunit.model.errors import UsageError

    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root}: is not an empty directory, and init overwrites nothing; name a new one")
    with as_file(files("perunit.faces.cli").joinpath("templates", template)) as source:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                target = root / path.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    write(root / ".perunit")
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
