"""How much a client sends at once, keeps while the server is away, and how long it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["EVENT_BYTES_MAX", "Limits"]

EVENT_BYTES_MAX = 256 << 10
_SPOOL_BYTES_MIN = 8 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """All have defaults that suit a web service; raises ValueError for what cannot work.

    A batch leaves when it has `batch_events` or `batch_bytes`, or its first event has waited `linger_seconds`.
    `memory_bytes` bounds what waits without a spool, `spool_bytes` what waits on disk. `when_full` says what then
    happens: ``drop_oldest`` gives up what waited longest and counts it; ``block`` lets ``emit`` wait up to
    `block_seconds` and then gives up the new event. `fsync` says when the spool is forced to the disk itself, which
    matters only when the machine loses power: ``never``, once a ``second``, or ``always`` before ``emit`` returns.
    """

    batch_events: int = 500
    batch_bytes: int = 1 << 20
    linger_seconds: float = 0.2
    memory_bytes: int = 16 << 20
    spool_bytes: int = 256 << 20
    when_full: Literal["drop_oldest", "block"] = "drop_oldest"
    block_seconds: float = 5
    fsync: Literal["never", "second", "always"] = "second"
    request_seconds: float = 15
    retry_seconds: float = 0.5
    retry_seconds_max: float = 30

    def __post_init__(self) -> None:
        """Refuses limits under which no event could pass."""
        least = {"batch_events": 1, "batch_bytes": 1, "memory_bytes": EVENT_BYTES_MAX, "spool_bytes": _SPOOL_BYTES_MIN}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ValueError(f"limits: {name} == {getattr(self, name)!r}, must be >= {bound:,}; raise it")
        choices = {"when_full": ("drop_oldest", "block"), "fsync": ("never", "second", "always")}
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise ValueError(f"limits: {name} == {getattr(self, name)!r}, must be one of {', '.join(known)}")
