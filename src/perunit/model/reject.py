"""Bad data is a value: what was refused, where it stood, which rule it broke, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Reject"]


@dataclass(frozen=True, slots=True)
class Reject:
    """One fact that was refused or that contradicts an accepted one; kept whole, so that it can be replayed.

    `kind` is ``rejected`` or ``conflict``; `position` is the row's place in its file, from 1.
    """

    source: str
    file: str
    position: int
    kind: str
    rule: str
    place: str
    got: str
    expected: str
    raw: str

    def __str__(self) -> str:
        """``retail: orders.csv row 41: amounts.revenue: got 'abc', must be a decimal number [amount]``."""
        where = f"{self.source}: {self.file} row {self.position}"
        return f"{where}: {self.place}: got {self.got}, {self.expected} [{self.rule}]"
