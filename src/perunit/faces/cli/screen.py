"""What a verb writes to: this process's own screen, or that of whoever forwarded it to the server.

A server does verbs of several callers at once, so standard output and error are per context. Nothing but this module
may make a rich console: one made otherwise would look at the server's own terminal.
"""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.progress import Progress

__all__ = ["Screen", "console", "progress", "split_streams", "writing_to"]


@dataclass(frozen=True, slots=True)
class Screen:
    """Where a forwarded verb writes, and what its caller's environment says of colours and width."""

    out: TextIO
    err: TextIO
    environment: dict[str, str]


_SCREEN: ContextVar[Screen | None] = ContextVar("screen", default=None)


def console(*, stderr: bool = False, **options: Any) -> Console:
    """A rich console on the screen at hand."""
    from rich.console import Console

    screen = _SCREEN.get()
    if screen is None:
        return Console(stderr=stderr, **options)
    return Console(file=screen.err if stderr else screen.out, _environ=screen.environment, **options)


def progress(*columns: Any) -> Progress:
    """A rich progress display on standard error that is gone when it ends, and leaves the streams alone."""
    from rich.progress import Progress

    return Progress(
        *columns, console=console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )


@contextmanager
def writing_to(screen: Screen) -> Iterator[None]:
    """Within it this context's output goes to `screen`; needs `split_streams` around."""
    token = _SCREEN.set(screen)
    try:
        yield
    finally:
        _SCREEN.reset(token)


@contextmanager
def split_streams() -> Iterator[None]:
    """Within it ``sys.stdout`` and ``sys.stderr`` are per context; what has no screen of its own writes as before."""
    own = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _PerContext("out", own[0]), _PerContext("err", own[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = own


class _PerContext(io.TextIOBase):
    """A stream that is the screen's where there is one."""

    def __init__(self, name: str, own: TextIO) -> None:
        self._name, self._own = name, own

    def _now(self) -> TextIO:
        screen = _SCREEN.get()
        stream: TextIO = getattr(screen, self._name) if screen else self._own
        return stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._now().encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        return self._now().errors or "strict"

    @property
    def buffer(self) -> Any:
        return self._now().buffer

    def write(self, text: str, /) -> int:
        return self._now().write(text)

    def flush(self) -> None:
        self._now().flush()

    def isatty(self) -> bool:
        return self._now().isatty()

    def fileno(self) -> int:
        return self._now().fileno()

    def writable(self) -> bool:
        return True
