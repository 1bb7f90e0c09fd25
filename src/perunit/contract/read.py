"""Reads a project. Enters: a directory. Leaves: the checked project, or faults."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from perunit.contract.check import check_contract
from perunit.contract.document import Document, read_document
from perunit.contract.price_check import awaiting_notes, check_prices
from perunit.contract.prices import ReadBook, read_price_book
from perunit.contract.project import Project
from perunit.contract.shape import Contract
from perunit.contract.shape_faults import PLACEHOLDER, validated
from perunit.contract.stripe import with_stripe
from perunit.model.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from pathlib import Path


__all__ = [
    "CONTRACT_FILE",
    "PRICES_FOLDER",
    "Examination",
    "contract_schema",
    "examine",
    "faults",
    "price_files",
    "read_book",
    "read_project",
    "unapproved",
]

CONTRACT_FILE = "perunit.yaml"
PRICES_FOLDER = "prices"


@dataclass(frozen=True, slots=True)
class Examination:
    """All that reading a project found. `project` is None where there is a fault."""

    project: Project | None
    faults: tuple[Fault, ...]
    notes: tuple[Fault, ...]


def read_project(root: Path) -> Project:
    """The project in a directory; `ConfigurationError` with every fault at once where anything is wrong."""
    examination = examine(root)
    if examination.project is None:
        raise ConfigurationError(list(examination.faults))
    return examination.project


def faults(root: Path) -> tuple[list[Fault], list[Fault]]:
    """Every fault and every note of the project in a directory."""
    examination = examine(root)
    return list(examination.faults), list(examination.notes)


def examine(root: Path) -> Examination:
    """Reads and checks everything a person wrote below `root`."""
    document = _contract_document(root)
    contract, found = _contract(document)
    books = [read_book(path, root) for path in price_files(root / PRICES_FOLDER)]
    refused = [*document.faults, *found, *(fault for book in books for fault in book.faults)]
    if contract is None:
        return Examination(None, _ordered(refused, []), ())
    findings, schemas = check_contract(contract, document, root)
    further = [*findings.faults, *check_prices(books, contract)]
    faults_found = _ordered(refused, [fault for fault in further if not _is_inside(fault, found)])
    said = [*findings.notes, *(note for book in books for note in book.notes), *awaiting_notes(books, contract)]
    notes = _ordered([], said)
    read = tuple(book.book for book in books if book.book is not None)
    project = None if faults_found else Project(root, contract, schemas, read)
    return Examination(project, faults_found, notes)


def _contract(document: Document) -> tuple[Contract | None, list[Fault]]:
    if document.data is None:
        return None, []
    contract, found, _ = validated(Contract, document, contract_schema())
    return contract and with_stripe(contract), found


def _is_inside(fault: Fault, refused: list[Fault]) -> bool:
    """Whether a fault lies in a part that was refused whole, so that it is about what stands in for it."""
    return fault.file == CONTRACT_FILE and any(fault.place.startswith(f"{part.place}.") for part in refused)


def _ordered(refused: list[Fault], further: list[Fault]) -> tuple[Fault, ...]:
    """Each once, in the order of the files; without what only follows from a refused value."""
    places = {(fault.file, fault.place) for fault in refused}
    own = refused + [
        fault
        for fault in further
        if (fault.file, fault.place) not in places and PLACEHOLDER not in f"{fault.place} {fault.got} {fault.rule}"
    ]
    order = sorted(dict.fromkeys(own), key=lambda at: (at.file != CONTRACT_FILE, at.file, at.line or 0))
    return tuple(order)


@cache
def contract_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of perunit.yaml as the typed shape gives it."""
    return Contract.model_json_schema(mode="validation")


def _contract_document(root: Path) -> Document:
    path = root / CONTRACT_FILE
    if not path.is_file():
        rule, mend = "must be there", "run perunit init, or name the project's directory with -C"
        missing = Fault(CONTRACT_FILE, None, "file", f"no such file in {root}", rule, mend)
        return Document(CONTRACT_FILE, None, {}, (missing,))
    document = read_document(path, CONTRACT_FILE)
    if not isinstance(document.data, dict):
        return document
    # A section whose lines are all commented out is the same as none.
    written = {name: part for name, part in document.data.items() if part is not None}
    return Document(document.file, written, document.lines, document.faults)


def price_files(folder: Path) -> list[Path]:
    """The YAML files that lie directly in a folder, by name."""
    return sorted(path for path in folder.glob("*") if path.suffix in {".yaml", ".yml"} and path.is_file())


def read_book(path: Path, root: Path) -> ReadBook:
    """The price book of one file below the project's directory."""
    document = read_document(path, path.relative_to(root).as_posix())
    if document.data is None:
        return read_price_book(document, "")
    content = unapproved(path.read_bytes())
    return read_price_book(document, hashlib.sha256(content).hexdigest(), content.decode("utf-8", "replace"))


# The last block of a file where it is the approval: nothing but indented lines and comments follows its key.
_APPROVAL = re.compile(rb"^approval:.*(?:\n(?:[ \t#].*)?)*\Z", re.MULTILINE)


def unapproved(raw: bytes) -> bytes:
    """A price book's bytes without the approval at their end: what a version's digest is of."""
    return _APPROVAL.sub(b"", raw)
