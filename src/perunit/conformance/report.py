"""The verdict on what a service emitted. Enters: counts and findings. Leaves: passed, failed or empty."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Finding", "Kind", "Report", "Subject"]

Kind = Literal[
    "unseen", "rejected", "unknown type", "unreadable", "conflict", "missing key", "missing parent", "command",
    "undeclared field", "absent field", "unpriced",
]  # fmt: skip
# What breaks nothing now, but says that contract and producer drift apart, or that a price is missing.
WARNINGS = frozenset({"undeclared field", "absent field", "unpriced"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a subject (an event type, or a source of the contract) is not what the contract says.

    `count` events or rows are so; `example` names one: an id, or ``file:line``. `expected` says what must hold and
    how to mend it.
    """

    kind: Kind
    subject: str
    place: str
    got: str | None
    expected: str
    count: int
    example: str | None = None
    rule: str | None = None

    @property
    def warns(self) -> bool:
        """Whether it fails only a strict check."""
        return self.kind in WARNINGS

    def __str__(self) -> str:
        """``data.total: got 'x', must be a number; correct it (3 events, e.g. captured.ndjson:7)``."""
        got = "" if self.got is None else f"got {self.got!r}, "
        noun = "event" if self.count == 1 else "events"
        example = f", e.g. {self.example}" if self.example else ""
        counted = f" ({self.count:,} {noun}{example})" if self.count else ""
        return f"{self.place}: {got}{self.expected}{counted}"


@dataclass(frozen=True, slots=True)
class Subject:
    """An event type, or a source of the contract, and what was seen of it."""

    name: str
    expected: bool
    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    conflict: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """`strict` lets warnings fail too."""

    subjects: tuple[Subject, ...]
    findings: tuple[Finding, ...]
    strict: bool = False
    beside: dict[str, Any] = field(default_factory=dict)

    @property
    def received(self) -> int:
        """How many events and rows were seen."""
        return sum(subject.received for subject in self.subjects)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """What makes the check fail."""
        return tuple(each for each in self.findings if self.strict or not each.warns)

    @property
    def status(self) -> Literal["passed", "failed", "empty"]:
        """``empty`` where nothing was seen, unless the service's own command has failed."""
        if not self.received and not any(each.kind == "command" for each in self.findings):
            return "empty"
        return "failed" if self.failures else "passed"

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        findings = [{**asdict(each), "severity": self.severity(each)} for each in self.findings]
        return {
            "status": self.status,
            "received": self.received,
            "subjects": [asdict(each) for each in self.subjects],
            "findings": findings,
            **self.beside,
        }

    def severity(self, finding: Finding) -> str:
        """``failure`` or ``warning``."""
        return "warning" if finding.warns and not self.strict else "failure"
