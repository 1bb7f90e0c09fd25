"""``perunit completion``: the script that teaches a shell to complete verbs, options, measures and dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem

__all__ = ["complete_dimensions", "complete_measures", "complete_units", "completion"]

_FIXED = ("event_type", "source", "outcome", "meter", "resource")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash   eval "$(perunit completion bash)"           in ~/.bashrc
    zsh    eval "$(perunit completion zsh)"            in ~/.zshrc
    fish   perunit completion fish | source            in ~/.config/fish/config.fish
    """  # noqa: D301 - click reads the character
    from click.shell_completion import get_completion_class

    from perunit.faces.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - the three shells above are built in
    click.echo(kind(cli, {}, "perunit", "_PERUNIT_COMPLETE").source())


def complete_measures(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Measures of the catalogue and meters of the contract."""
    from click.shell_completion import CompletionItem

    from perunit.measures.catalogue import MEASURES

    found = {name: measure.title for name, measure in MEASURES.items()}
    for meter in _contract(ctx).get("meters") or {}:
        found |= {meter: f"measured {meter}", f"{meter}_per_unit": f"{meter} per unit"}
    return [CompletionItem(name, help=text) for name, text in found.items() if name.startswith(incomplete)]


def complete_dimensions(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The contract's segments, and what every fact has."""
    from click.shell_completion import CompletionItem

    contract = _contract(ctx)
    names: dict[str, None] = {}
    for unit in (contract.get("units") or {}).values():
        names.update(dict.fromkeys(unit.get("segments") or ()))
    for source in (contract.get("sources") or {}).values():
        names.update(dict.fromkeys((source.get("event") or {}).get("segments") or ()))
    return [CompletionItem(name) for name in (*names, *_FIXED) if name.startswith(incomplete)]


def complete_units(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The contract's unit types."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in _contract(ctx).get("units") or {} if name.startswith(incomplete)]


def _contract(ctx: click.Context) -> dict[str, Any]:
    """perunit.yaml as it stands, unchecked; nothing where it cannot be read, for completion must not complain."""
    import yaml

    directory: Path | None = ctx.find_root().params.get("directory")
    try:
        text = ((directory or _here()) / "perunit.yaml").read_text(encoding="utf-8")
        contract = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return contract if isinstance(contract, dict) else {}


def _here() -> Path:
    from pathlib import Path

    return Path()
