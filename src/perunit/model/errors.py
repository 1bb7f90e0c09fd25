"""The exception tree. Bad data is a row in quarantine with the rule it broke, not an exception.

::

    PerunitError                what a person can mend; printed without a traceback
    ├── UsageError              the command line asks for something that does not exist      exit 2
    ├── ConfigurationError      perunit.yaml, a price book or a rule is wrong; holds faults  exit 2
    ├── InputError              a file cannot be read as what it is said to be               exit 2
    │   └── BillFaultsError     a bill's lines break its format; holds faults (facts.bills)
    ├── StoreError              the project's data cannot be opened or written               exit 2
    │   └── StoreBusyError      another process holds the project
    ├── ForbiddenError          who asks may not see or do this; names what is missing                 exit 2
    └── CheckFailedError        a check ran and found something                              exit 1

Anything else that is raised is a bug and keeps its traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "CheckFailedError",
    "ConfigurationError",
    "Fault",
    "ForbiddenError",
    "InputError",
    "PerunitError",
    "StoreBusyError",
    "StoreError",
    "UsageError",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a file a person wrote: where, what is there, what the rule is, how to mend it.

    `place` is a path inside the file such as ``units.order.parent``; `line` counts from 1, None if unknown.
    """

    file: str
    line: int | None
    place: str
    got: str
    rule: str
    mend: str

    def __str__(self) -> str:
        """``perunit.yaml:12: units.order.parent: got 'usr', must be a unit; declare it or correct the name``."""
        where = f"{self.file}:{self.line}" if self.line is not None else self.file
        got = f"got {self.got}, " if self.got else ""
        return f"{where}: {self.place}: {got}{self.rule}; {self.mend}"

    def as_json(self) -> dict[str, object]:
        """The fault as plain values for ``--json``."""
        return {
            "file": self.file,
            "line": self.line,
            "place": self.place,
            "got": self.got,
            "rule": self.rule,
            "mend": self.mend,
        }


class PerunitError(Exception):
    """What a person can mend. Its text names the place, the value, the rule and the mend."""

    exit_code = 2


class UsageError(PerunitError):
    """The command line asks for something that does not exist."""


class ConfigurationError(PerunitError):
    """What a person wrote is wrong; every fault at once, in the order of the file."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class InputError(PerunitError):
    """A file cannot be read as what it is said to be; nothing of it was kept."""


class ForbiddenError(PerunitError):
    """Who asks may not see or do this. `permission` is what is missing, `roles` have it.

    None is missing where the permit is for some segments only and this belongs to none of them.
    """

    def __init__(self, message: str, permission: str | None = None, roles: tuple[str, ...] = ()) -> None:
        self.permission, self.roles = permission, roles
        super().__init__(message)


class StoreError(PerunitError):
    """The project's data cannot be opened or written; what was committed stays."""


class StoreBusyError(StoreError):
    """Another process holds the project; a server that does has an `address` and does verbs through its `socket`."""

    def __init__(self, message: str, *, address: str | None = None, socket: Path | None = None) -> None:
        self.address, self.socket = address, socket
        super().__init__(message)


class CheckFailedError(PerunitError):
    """A check ran and found something."""

    exit_code = 1
