"""The chain of the audit: each entry holds the hash of the one before. Enters: entries. Leaves: whether all are there.

An entry's hash is the SHA-256 of its canonical JSON (UTF-8, keys in order, no spaces), its number and the hash before
included. The head, number and hash of the last entry, is kept beside the table, so that a cut tail is missed too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from perunit.store.control.database import hold
from perunit.store.control.models import AuditEntry, Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

__all__ = [
    "GENESIS",
    "Fact",
    "Head",
    "Verified",
    "append",
    "canonical",
    "entries",
    "head_of",
    "parse_head",
    "said_of",
    "verify",
]

GENESIS = "0" * 64
_HEAD = "audit_head"
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Fact:
    """What is to be written down; `details` is the JSON that is hashed and kept as it is."""

    at: datetime
    actor: str
    via: str
    action: str
    target: str
    details: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry: its number, from 1, and its hash."""

    seq: int
    hash: str

    def __str__(self) -> str:
        """As it is kept elsewhere: ``SEQ:HASH``."""
        return f"{self.seq}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check found: the head, how many entries, and what is broken first, None where nothing is."""

    head: Head
    entries: int
    broken_seq: int | None = None
    fault: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "intact": self.fault is None,
            "entries": self.entries,
            "head": {"seq": self.head.seq, "hash": self.head.hash},
            "broken_seq": self.broken_seq,
            "fault": self.fault,
        }


def parse_head(text: str) -> Head | None:
    """The head as it was kept, None where the text is none."""
    seq, colon, digest = text.strip().partition(":")
    if not colon or not seq.isascii() or not seq.isdigit() or len(seq) > 18 or len(digest) != len(GENESIS):
        return None
    return Head(int(seq), digest.lower())


def said_of(entry: AuditEntry) -> dict[str, Any]:
    """All that an entry says; its hash is made of it."""
    return {
        "seq": entry.seq,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "via": entry.via,
        "action": entry.action,
        "target": entry.target,
        "details": entry.details,
        "address": entry.address,
        "previous_hash": entry.previous_hash,
    }


def canonical(entry: AuditEntry) -> bytes:
    """What is hashed of an entry."""
    return json.dumps(said_of(entry), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def append(session: Session, facts: Iterable[Fact]) -> Head:
    """Adds entries behind the last one. Whoever else adds some waits until the transaction ends."""
    hold(session, "audit")
    head = head_of(session)
    for fact in facts:
        entry = AuditEntry(
            seq=head.seq + 1, at=fact.at, actor=fact.actor, via=fact.via, action=fact.action, target=fact.target,
            details=fact.details, address=fact.address, previous_hash=head.hash,
        )  # fmt: skip
        entry.hash = hashlib.sha256(canonical(entry)).hexdigest()
        session.add(entry)
        head = Head(entry.seq, entry.hash)
    session.merge(Setting(name=_HEAD, value={"seq": head.seq, "hash": head.hash}))
    session.flush()
    return head


def head_of(session: Session) -> Head:
    """The last entry as the record of it says; as the table says where there is no record."""
    kept = session.get(Setting, _HEAD, populate_existing=True)
    if kept is not None:
        return Head(int(kept.value["seq"]), str(kept.value["hash"]))
    last = session.execute(select(AuditEntry.seq, AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)).first()
    return Head(0, GENESIS) if last is None else Head(last[0], last[1])


def entries(session: Session, after: int = 0) -> Iterator[AuditEntry]:
    """Every entry in order, a page at a time."""
    while True:
        chosen = select(AuditEntry).where(AuditEntry.seq > after).order_by(AuditEntry.seq).limit(_PAGE)
        page = list(session.scalars(chosen))
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].seq
        session.expunge_all()


def verify(session: Session, kept: Head | None = None) -> Verified:
    """Follows the whole chain. `kept` is a head that was written down elsewhere: its entry must be as it was."""
    count, before = 0, Head(0, GENESIS)
    head = head_of(session)
    anchored = kept is None or (kept.seq == 0 and kept.hash == GENESIS)

    def broken(seq: int, fault: str) -> Verified:
        total = session.scalar(select(func.count()).select_from(AuditEntry)) or 0
        return Verified(head, total, seq, fault)

    for entry in entries(session):
        if fault := _fault(entry, before):
            return broken(before.seq + 1 if entry.seq > before.seq + 1 else entry.seq, fault)
        if kept is not None and entry.seq == kept.seq:
            if entry.hash != kept.hash:
                return broken(entry.seq, "is another entry than the one whose hash was kept elsewhere")
            anchored = True
        count, before = count + 1, Head(entry.seq, entry.hash)
    if before.seq < head.seq:
        return broken(before.seq + 1, f"is missing, with all up to {head.seq}: the end was cut off")
    if before != head:
        return broken(before.seq, "is not what the record of the last entry says")
    if count and session.get(Setting, _HEAD) is None:
        return broken(before.seq, "has no record of the last entry beside it; it was taken away")
    if not anchored and kept is not None:
        return broken(kept.seq, "is missing, and its hash was kept elsewhere")
    return Verified(head, count)


def _fault(entry: AuditEntry, before: Head) -> str | None:
    if entry.seq != before.seq + 1:
        return "is missing" if entry.seq > before.seq + 1 else "stands twice"
    if entry.previous_hash != before.hash:
        return "does not hold the hash of the entry before"
    if hashlib.sha256(canonical(entry)).hexdigest() != entry.hash:
        return "was changed: its hash is another"
    return None
