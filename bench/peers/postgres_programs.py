"""Finds this machine's PostgreSQL server. Leaves: the directory of its programs, or None."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["postgres_programs"]


def postgres_programs() -> Path | None:
    """Where initdb and pg_ctl lie, or None where PostgreSQL's server is not installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    # Debian keeps every version's programs apart and off the path.
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
