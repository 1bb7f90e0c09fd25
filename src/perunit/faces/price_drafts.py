"""Drafts of price books as text. Enters: a book's name and a text. Leaves: faults, or a file in prices/drafts.

The name is one of a book that is there, so that no text from outside becomes part of a path.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from perunit.contract.document import parse_document
from perunit.contract.drafts import DRAFTS_FOLDER, Draft, draft_files, repeated
from perunit.contract.prices import read_price_book
from perunit.contract.read import price_files, read_book, unapproved
from perunit.model.errors import CheckFailedError, ConfigurationError, Fault

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.contract.prices import ReadBook
    from perunit.contract.project import Project

__all__ = ["KeptDraft", "checked_draft", "digest_of", "keep_draft", "kept_drafts", "stamp"]


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """A file in prices/drafts."""

    path: Path
    text: str
    read: ReadBook

    @property
    def digest(self) -> str:
        """What tells this text from another."""
        return digest_of(self.text)

    def as_json(self) -> dict[str, Any]:
        """Its name, its book where it is one, and what is wrong with it."""
        book, changed = self.read.book, datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
        return {
            "draft": self.path.name,
            "book": book.name if book else None,
            "digest": self.digest,
            "changed_at": changed.isoformat().replace("+00:00", "Z"),
            "rates": len(book.rates) if book else None,
            "faults": [fault.as_json() for fault in self.read.faults],
        }


def digest_of(text: str) -> str:
    """What tells a text from another."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def kept_drafts(root: Path) -> list[KeptDraft]:
    """The drafts of a project; a link to a file elsewhere is none."""
    folder = (root / DRAFTS_FOLDER).resolve()
    paths = [path for path in draft_files(root) if path.resolve().parent == folder]
    return [KeptDraft(path, path.read_text("utf-8", "replace"), read_book(path, root)) for path in paths]


def stamp(root: Path) -> str:
    """A text that changes when a price book's file or a draft does."""
    files = [*price_files(root / DRAFTS_FOLDER), *price_files(root / "prices")]
    said = [(path.name, path.parent.name, (stat := path.stat()).st_mtime_ns, stat.st_size) for path in files]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def checked_draft(project: Project, book: str, text: str, taken: dict[str, int]) -> Draft:
    """The text as the next version of its book; raises ConfigurationError with every fault."""
    file = f"{DRAFTS_FOLDER}/{book}.yaml"
    # Only an approval that is made here counts.
    text = unapproved(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    read = read_price_book(parse_document(text, file), digest_of(text), text)
    if read.book is None or read.faults:
        raise ConfigurationError(list(read.faults))
    if read.book.name != book:
        mend = "correct it, or send it to that book"
        raise ConfigurationError([Fault(file, None, "book", repr(read.book.name), f"must be {book!r}", mend)])
    try:
        return repeated(project, text, book, taken)
    except ConfigurationError as error:
        # Told of the text that was sent, and not of the file that it would become.
        raise ConfigurationError([replace(fault, file=file) for fault in error.faults]) from error


def keep_draft(root: Path, book: str, text: str, replaces: str | None) -> str:
    """Keeps a draft where the command line does; its name. Raises CheckFailedError where another is in its place."""
    folder = root / DRAFTS_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{book}.yaml"
    there = path.read_text("utf-8", "replace") if path.is_file() and not path.is_symlink() else None
    if path.is_symlink() or (there not in {None, text} and digest_of(there or "") != replaces):
        raise CheckFailedError(f"draft {path.name}: another text is there; read it, and say its digest as replaces")
    written = folder / f".{path.name}.{os.getpid()}.writing"
    with written.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
    return path.name
