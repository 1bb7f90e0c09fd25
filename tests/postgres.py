"""A real PostgreSQL for tests: a private server of this machine's programs, on a socket, ended with the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["postgres"]


def _programs() -> Path:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    # Debian keeps every version's programs apart and off the path.
    if installed := sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        return installed[0]
    pytest.skip("no PostgreSQL server is installed (initdb was not found)")


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database."""
    programs = _programs()
    # PostgreSQL insists on a user that is not root, and a socket's path may have 107 bytes at most.
    user = "postgres" if os.geteuid() == 0 else None
    where = Path(tempfile.mkdtemp(prefix="perunit-pg-"))
    if user:
        account = pwd.getpwnam(user)
        os.chown(where, account.pw_uid, account.pw_gid)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(where / "data"), *arguments]
        subprocess.run(command, check=True, user=user, cwd=where, stdout=subprocess.DEVNULL)

    run("initdb", "-A", "trust", "-U", "perunit", "-E", "UTF8", "--locale=C", "--no-sync")
    options = f"-k {where} -c listen_addresses='' -c fsync=off -c timezone=America/New_York"
    run("pg_ctl", "-w", "-l", str(where / "server.log"), "-o", options, "start")
    try:
        yield f"postgresql://perunit@/postgres?host={where}"
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(where, ignore_errors=True)
