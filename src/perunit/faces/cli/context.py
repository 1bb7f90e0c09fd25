"""What every verb is told by the options before it: where the project is and how to answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Settings", "pass_settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The global options: ``-C DIR`` and ``--json``."""

    directory: Path
    json: bool


pass_settings = click.make_pass_decorator(Settings)
