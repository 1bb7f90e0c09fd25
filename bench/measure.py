"""Runs one command by itself. Enters: a command line. Leaves: its answer, how long it took and its peak memory."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CommandFailedError", "Run", "in_page_cache", "percentile", "run", "run_module", "warm_up"]

ROOT = Path(__file__).resolve().parent.parent
_BYTES_PER_MB = 1_000_000
_TOLD = 3_000


class CommandFailedError(RuntimeError):
    """A measured command ended with another code than 0; the message holds the end of what it said."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process. `answer` is the JSON in its last line, `began` its start in seconds since 1970."""

    answer: Any
    began: float
    seconds: float
    peak_rss_mb: float


def run(command: Sequence[str]) -> Run:
    """Runs a command to its end, from the repository's root.

    The time covers the whole process, start-up included. The peak is the kernel's own (`ru_maxrss` of this very
    process, from wait4), so processes measured before do not show in it; the caller must stay small, because a
    child starts out with the caller's peak.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as told:
        began, clock = time.time(), time.perf_counter()
        process = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
        )
        assert process.stdout is not None
        with process.stdout as stream:
            said = stream.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - clock
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            told.seek(0)
            raise CommandFailedError(f"{' '.join(command)} ended with {process.returncode}: {told.read()[-_TOLD:]}")
    lines = said.strip().splitlines()
    # The kernel counts in KiB, except on macOS, where it counts in bytes.
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / _BYTES_PER_MB
    return Run(json.loads(lines[-1]) if lines else None, began, seconds, peak)


def _environment() -> dict[str, str]:
    """As it is, but that modules are compiled once and not at every start, as in any ordinary installation."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def warm_up(*modules: str) -> None:
    """Imports modules once in another process, so that nobody measured has to compile them."""
    run([sys.executable, "-c", f"import {', '.join(modules)}"])


def run_module(module: str, *arguments: object) -> Run:
    """Runs one of this folder's modules in a process of its own."""
    return run([sys.executable, "-m", module, *map(str, arguments)])


def in_page_cache(files: Sequence[Path]) -> None:
    """Reads the files once, so that whoever is measured first does not pay for the disk alone."""
    block = bytearray(1 << 22)
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.readinto(block):
                pass


def percentile(values: Sequence[float], share: int) -> float:
    """The nearest-rank percentile: the least value that at least `share` percent of all do not exceed.

    >>> percentile([4.0, 1.0, 3.0, 2.0], 50), percentile([4.0, 1.0, 3.0, 2.0], 95)
    (2.0, 4.0)
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]
