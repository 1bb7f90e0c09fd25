"""Has a verb done by the server that holds the project. Enters: the words. Leaves: the same output and exit code.

Only the standard library, because it stands in the way of every command line whose project is served.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from perunit.faces.cli.frames import ERR, EXIT, Caller, read_frame, short_path
from perunit.faces.cli.keyed import given
from perunit.model.errors import StoreBusyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perunit.faces.cli.frames import Readable

__all__ = ["forward"]

# What decides about colour and characters; nothing else of the environment leaves this process.
_SCREEN = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TERM", "COLORTERM", "TTY_COMPATIBLE", "COLUMNS", "LINES")


def forward(words: Sequence[str], path: Path) -> int:
    """Runs a command line at the server behind the socket at `path`; gives its exit code.

    Raises StoreBusyError where nobody answers there.
    """
    try:
        connection = _connected(path)
    except OSError as error:
        reason = f"a server holds the project but does not answer at {path} ({error.strerror or error})"
        denied = isinstance(error, PermissionError)
        mend = "call as the user it runs as" if denied else "wait until it has started, or stop it"
        raise StoreBusyError(f"{reason}; {mend}") from error
    with connection, connection.makefile("rwb") as file:
        file.write(_caller(words).written())
        file.flush()
        try:
            return _relayed(file)
        except (EOFError, ConnectionError) as error:
            raise StoreBusyError(f"{path}: the server went away before it had answered; run it again") from error


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_path(path) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def _caller(words: Sequence[str]) -> Caller:
    size = shutil.get_terminal_size()
    environment = {name: os.environ[name] for name in _SCREEN if name in os.environ}
    screens = (sys.stdout.isatty(), sys.stderr.isatty())
    encoding = sys.stdout.encoding or "utf-8"
    return Caller(list(words), str(Path.cwd()), size.columns, size.lines, *screens, encoding, environment, given())


def _relayed(file: Readable) -> int:
    """Writes what comes where it belongs, until the exit code."""
    while True:
        kind, payload = read_frame(file)
        if kind == EXIT:
            return int(json.loads(payload))
        stream = sys.stderr if kind == ERR else sys.stdout
        stream.write(payload.decode())
        stream.flush()
