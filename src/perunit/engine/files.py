"""Finds the SQL files of a room."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["sql_text"]


@cache
def sql_text(room: str, name: str) -> str:
    """The text of ``src/perunit/<room>/<name>.sql``; rooms are written with dots, as in ``economics.rollup``."""
    return files(f"perunit.{room}").joinpath(f"{name}.sql").read_text(encoding="utf-8").strip().rstrip(";")
