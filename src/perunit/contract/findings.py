"""Faults and notes of a document while its parts are checked. Enters: what is wrong. Leaves: where, and the mend."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from perunit.contract.document import Document, Path, did_you_mean, shown
from perunit.contract.expression import Checked, ExpressionError, Reference, parse

if TYPE_CHECKING:
    from perunit.model.errors import Fault

__all__ = ["Findings", "Sees", "checked_expression", "declared"]

# Why an expression must not read a column, and the mend; None where it may.
Sees = Callable[[Reference], tuple[str, str] | None]


@dataclass
class Findings:
    """Faults and notes of one document, collected."""

    document: Document
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)

    def fault(self, path: Path, rule: str, mend: str, got: str | None = None) -> None:
        """What must be mended before the project works."""
        self.faults.append(self.document.fault(path, rule, mend, got))

    def note(self, path: Path, rule: str, mend: str, got: str | None = None) -> None:
        """What is allowed but may surprise."""
        self.notes.append(self.document.fault(path, rule, mend, got))

    def known(self, path: Path, name: str, names: Iterable[str], what: str, mend: str) -> bool:
        """Whether `name` is one of `names`; a fault otherwise."""
        names = tuple(names)
        if name in names:
            return True
        self.fault(path, f"must be {what}", did_you_mean(name, names, mend), got=shown(name))
        return False


def declared(found: Findings, section: str) -> tuple[str, ...]:
    """The names a section declares, those with faults of their own included."""
    part = found.document.get((section,))
    return tuple(part) if isinstance(part, dict) else ()


def checked_expression(
    path: Path, text: str, sees: Sees | None, found: Findings, read: Callable[[str], Checked] = parse
) -> Checked | None:
    """The checked form, or None with a fault. `sees` says why a column cannot be; None: any can."""
    try:
        checked = read(text)
    except ExpressionError as error:
        found.fault(path, error.rule, error.mend, got=shown(error.got))
        return None
    for reference in checked.references if sees else ():
        refused = sees(reference) if sees else None
        if refused is not None:
            found.fault(path, refused[0], refused[1], got=shown(reference.text))
    return checked
