"""Who did what. Enters: an action. Leaves: an entry of the audit, on disk before the answer where it matters.

Reads are gathered for a moment and written by one thread, so that no question waits for a disk. What changes, reveals
or takes figures away is written before it is answered for; while nothing can be written, changes are refused.
"""

from __future__ import annotations

import json
import logging
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from perunit.access.audit_chain import Fact, append
from perunit.model.errors import PerunitError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.orm import Session

    from perunit.access.permit import Viewer
    from perunit.model.window import Clock
    from perunit.store.control.database import ControlStore

__all__ = ["ACTIONS", "ADDRESS", "Audit"]

# Where the request came from that is being answered.
ADDRESS: ContextVar[str | None] = ContextVar("address", default=None)

GATHERED = frozenset({"query", "explain", "receipt"})
ACTIONS = GATHERED | {
    *("export", "reveal", "login", "logout", "login_failed", "setup", "user_create", "user_change", "key_create"),
    *("key_revoke", "price_draft", "price_approve", "price_rollback", "reconcile_accept", "reconcile_adjust"),
    *("reconcile_reverse", "reconcile_lock", "quarantine_replay", "annotation_create", "annotation_delete"),
    *("view_save", "view_delete", "erase", "rotate", "expire", "audit_read", "bill_import", "bill_replace"),
    *("bill_invoice", "rate_import", "ingest", "recompute", "backup"),
}
_GATHER_SECONDS = 0.05
_RETRY_SECONDS = 0.25
_IDLE_SECONDS = 1.0
_CLOSE_SECONDS = 10.0
_BATCH_MAX = 500
_WAITING_MAX = 10_000
_DETAILS_MAX = 4_000
_TEXT_MAX = 1_000
_FAILED_MAX = 300
_log = logging.getLogger("perunit.audit")


@dataclass(eq=False, slots=True)
class _Waiting:
    fact: Fact
    urgent: bool
    done: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None


class Audit:
    """Writes entries to the control database. Any thread may use it; its own thread lives while there is work."""

    def __init__(self, control: ControlStore, clock: Clock) -> None:
        self._control, self._clock = control, clock
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._writing = 0
        self._writer: threading.Thread | None = None
        self._closing = False
        self._failed: Exception | None = None

    def record(self, viewer: Viewer, action: str, target: str, details: Mapping[str, Any] | None = None) -> None:
        """Writes one action down. Raises StoreError where it matters and cannot be written; it is tried again.

        What it is about must come after: whatever ends the process then, nothing is done that is not written down.
        """
        waiting = _Waiting(self._fact(viewer, action, target, details), urgent=action not in GATHERED)
        with self._changed:
            waiting.urgent |= len(self._waiting) >= _WAITING_MAX
            self._waiting.append(waiting)
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="audit", daemon=True)
                self._writer.start()
            self._changed.notify_all()
        if waiting.urgent:
            waiting.done.wait()
            if waiting.error is not None:
                raise _refused(waiting.error) from waiting.error

    def enter(
        self, session: Session, viewer: Viewer, action: str, target: str, details: Mapping[str, Any] | None = None
    ) -> None:
        """Writes a change of the control database down in its own transaction: neither is without the other."""
        append(session, [self._fact(viewer, action, target, details)])

    @contextmanager
    def about(
        self, viewer: Viewer, action: str, target: str, details: Mapping[str, Any] | None = None
    ) -> Iterator[None]:
        """Writes down what is done within it, before it is; where it fails, that too, with why."""
        self.record(viewer, action, target, details)
        try:
            yield
        except Exception as error:
            self.record(viewer, action, target, {"failed": str(error)[:_FAILED_MAX] or type(error).__name__})
            raise

    def _fact(self, viewer: Viewer, action: str, target: str, details: Mapping[str, Any] | None) -> Fact:
        return Fact(
            at=self._clock(), actor=_text(viewer.name, 200), via=viewer.via, action=action, target=_text(target),
            details=_details(viewer, details or {}), address=ADDRESS.get(),
        )  # fmt: skip

    def require(self) -> None:
        """Raises StoreError while entries cannot be written: what cannot be written down is not done."""
        with self._changed:
            if self._failed is not None:
                self._changed.notify_all()
                raise _refused(self._failed) from self._failed

    def flush(self, seconds: float = _CLOSE_SECONDS) -> bool:
        """Waits until all that was recorded is on disk; whether it is."""
        with self._changed:
            hurried = self._waiting[-1:]
            for each in hurried:
                each.urgent = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._waiting and not self._writing, seconds)

    def close(self) -> None:
        """Writes what waits and ends. What cannot be written is told to the log, not lost without a word."""
        self._closing = True
        if self.flush():
            return
        with self._changed:
            for each in self._waiting:
                _log.error("audit entry not written", extra={"said": {"action": each.fact.action, "error": "close"}})

    def _write(self) -> None:
        while (batch := self._next()) is not None:
            try:
                with self._control.session() as session:
                    append(session, [each.fact for each in batch])
            except (PerunitError, SQLAlchemyError, OSError) as error:
                self._keep(batch, error)
            else:
                self._finish(batch)

    def _next(self) -> list[_Waiting] | None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, _IDLE_SECONDS):
                self._writer = None
                return None
            if self._failed is None:
                self._changed.wait_for(lambda: self._closing or any(e.urgent for e in self._waiting), _GATHER_SECONDS)
            batch, self._waiting = self._waiting[:_BATCH_MAX], self._waiting[_BATCH_MAX:]
            self._writing = len(batch)
            return batch

    def _finish(self, batch: list[_Waiting]) -> None:
        with self._changed:
            self._failed, self._writing = None, 0
            for each in batch:
                each.done.set()
            self._changed.notify_all()

    def _keep(self, batch: list[_Waiting], error: Exception) -> None:
        """Tells those who wait, and tries again: what was recorded was done."""
        with self._changed:
            if self._failed is None:
                _log.error("audit cannot be written", extra={"said": {"error": str(error)[:300]}})
            self._failed, self._writing = error, 0
            self._waiting = batch + self._waiting
            for each in batch:
                each.error, each.urgent = error, False
                each.done.set()
            self._changed.wait(_RETRY_SECONDS)


def _refused(error: Exception) -> StoreError:
    return StoreError(f"audit: cannot be written ({str(error)[:300]}); nothing is changed while that is so, mend it")


def _details(viewer: Viewer, details: Mapping[str, Any]) -> str:
    said = dict(details) | ({"key_id": viewer.key_id} if viewer.key_id is not None else {})
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, default=str)
    if len(text) > _DETAILS_MAX:
        text = json.dumps({"clipped": text[:_DETAILS_MAX]}, ensure_ascii=False)
    return _clean(text)


def _text(text: str, longest: int = _TEXT_MAX) -> str:
    return _clean(text[:longest])


def _clean(text: str) -> str:
    """What both databases can keep: no zero characters, no halves of pairs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
