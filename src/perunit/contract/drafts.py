"""Price books on their way into force. Enters: a file in prices/ or prices/drafts/. Leaves: the next version of its
book, checked against all that is in force, and its approval written down.

An approval stands in the version's own file and comes into the folder with one rename, so there is no moment at
which one is there without the other.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from perunit.contract.document import parse_document
from perunit.contract.price_check import check_prices
from perunit.contract.prices import Approval, PriceBook, read_price_book
from perunit.contract.read import PRICES_FOLDER, price_files, read_book, unapproved
from perunit.model.errors import ConfigurationError, Fault, UsageError

if TYPE_CHECKING:
    from perunit.contract.project import Project

__all__ = ["DRAFTS_FOLDER", "Draft", "draft_files", "open_draft", "publish", "repeated", "write_draft"]

DRAFTS_FOLDER = f"{PRICES_FOLDER}/drafts"
_VERSION = re.compile(r"^version:[ \t]*[0-9]+", re.MULTILINE)
_SAFE_NAME = "{book}@{version}.yaml"


@dataclass(frozen=True, slots=True)
class Draft:
    """A version to be: `text` carries its number and no approval, `book` is what it says. `path` None: not a file."""

    path: Path | None
    text: str
    book: PriceBook


def draft_files(root: Path) -> list[Path]:
    """The drafts of a project."""
    return price_files(root / DRAFTS_FOLDER)


def open_draft(project: Project, name: str, taken: dict[str, int]) -> Draft:
    """The draft in a file, named by its path or its name in prices/drafts, as the next version of its book.

    `taken` holds the highest version of each book the store has seen. Raises UsageError where there is no such
    file, ConfigurationError with every fault of the draft.
    """
    path = _found(project.root, name)
    file = path.relative_to(project.root).as_posix()
    text = unapproved(path.read_bytes()).decode("utf-8-sig", "replace")
    read = read_book(path, project.root)
    if read.book is None:
        raise ConfigurationError(list(read.faults))
    book = read.book
    waits = path.parent == project.root / PRICES_FOLDER
    version = book.version if waits else _next(project, book.name, taken)
    if waits and version < _next(project, book.name, taken, but=file):
        raise UsageError(f"{file}: version {version} is not the newest of {book.name}; give it the next number")
    return Draft(path, *_checked(project, _numbered(text, file, version), file))


def write_draft(root: Path, book: str, text: str) -> Path:
    """A new file in prices/drafts; raises UsageError where there is one of the name."""
    if re.fullmatch(r"[a-z][a-z0-9_-]{0,47}", book) is None:
        raise UsageError(f"--book: got {book!r}, must be a lower-case name such as llm; correct it")
    path = root / DRAFTS_FOLDER / f"{book}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path}: is there already; approve it, or take it away") from error
    return path


def repeated(project: Project, content: str, book: str, taken: dict[str, int]) -> Draft:
    """The text of an earlier version as the next version of its book."""
    version = _next(project, book, taken)
    file = f"{PRICES_FOLDER}/{_SAFE_NAME.format(book=book, version=version)}"
    return Draft(None, *_checked(project, _numbered(content, file, version), file))


def _found(root: Path, name: str) -> Path:
    drafts, books = root / DRAFTS_FOLDER / name, root / PRICES_FOLDER / name
    tried = [Path(name), root / name, drafts, drafts.with_name(f"{drafts.name}.yaml"), books]
    folders = {(root / DRAFTS_FOLDER).resolve(): DRAFTS_FOLDER, (root / PRICES_FOLDER).resolve(): PRICES_FOLDER}
    for path in tried:
        if path.is_file() and path.resolve().parent in folders:
            return root / folders[path.resolve().parent] / path.name
    known = ", ".join(path.name for path in draft_files(root)) or "none"
    raise UsageError(f"draft: got {name!r}, must be a file in {DRAFTS_FOLDER} (it has {known}) or {PRICES_FOLDER}")


def _next(project: Project, book: str, taken: dict[str, int], *, but: str | None = None) -> int:
    files = [each.version for each in project.price_books if each.name == book and each.file != but]
    return 1 + max([taken.get(book, 0) if but is None else 0, *files])


def _numbered(text: str, file: str, version: int) -> str:
    if len(_VERSION.findall(text)) != 1:
        mend = "write version: 1 on a line of its own; approval gives the number"
        raise ConfigurationError([Fault(file, None, "version", "", "must stand once at the start of a line", mend)])
    return _VERSION.sub(f"version: {version}", text)


def _checked(project: Project, text: str, file: str) -> tuple[str, PriceBook]:
    """The text with the book it is, which would be sound among all that is in force."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    read = read_price_book(parse_document(text, file), digest, text)
    faults = list(read.faults)
    if read.book is not None:
        # Approved in thought, or a contract that asks for approval would not look at it.
        thought = Approval(actor="check", reason="check", approved_at=datetime.now(UTC))
        read = replace(read, book=replace(read.book, approval=thought))
        paths = price_files(project.root / PRICES_FOLDER)
        others = [read_book(path, project.root) for path in paths if path.relative_to(project.root).as_posix() != file]
        faults += [fault for fault in check_prices([*others, read], project.contract) if fault.file == file]
    if read.book is None or faults:
        raise ConfigurationError(faults)
    return text, read.book


def publish(root: Path, draft: Draft, approval: Approval) -> Path:
    """Puts a draft into prices/ with its approval, as one rename; the file it is now.

    Raises UsageError where another file has the name.
    """
    folder = root / PRICES_FOLDER
    target = folder / _SAFE_NAME.format(book=draft.book.name, version=draft.book.version)
    if draft.path is not None and draft.path.parent == folder:
        target = draft.path
    elif target.exists():
        raise UsageError(f"{target}: is there already; move it away")
    (root / DRAFTS_FOLDER).mkdir(parents=True, exist_ok=True)
    # Written beside the draft first: killed in between, the draft is still a draft and is approved again.
    source = draft.path or root / DRAFTS_FOLDER / f".{target.name}"
    written = root / DRAFTS_FOLDER / f".{target.name}.writing"
    with written.open("w", encoding="utf-8", newline="") as file:
        file.write(draft.text + _approval_text(draft.text, approval))
        file.flush()
        os.fsync(file.fileno())
    written.replace(source)
    if source != target:
        source.replace(target)
    return target


def _approval_text(text: str, approval: Approval) -> str:
    said = approval.model_dump(exclude_defaults=True) | {"approved_at": approval.approved_at.isoformat()}
    # A JSON text is a YAML text in quotes.
    lines = "".join(f"  {name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in said.items())
    return f"{'' if text.endswith(chr(10)) else chr(10)}approval:\n{lines}"
