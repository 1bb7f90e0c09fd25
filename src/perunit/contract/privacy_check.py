"""Checks what perunit.yaml says of privacy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perunit.contract.findings import Findings
    from perunit.contract.shape import Contract

__all__ = ["check_privacy"]


def check_privacy(contract: Contract, found: Findings) -> None:
    """What is named must exist."""
    for index, unit in enumerate(contract.privacy.pseudonymize):
        path = ("privacy", "pseudonymize", index)
        found.known(path, unit, contract.units, "a unit type of the contract", "declare it under units")
    _check_allowed(contract, found)


def _check_allowed(contract: Contract, found: Findings) -> None:
    names = (*contract.dimensions(), *contract.units, "resource", "type", "id", "intent")
    for index, name in enumerate(contract.privacy.allow):
        what, mend = "a segment or unit type of the contract, resource, type, id or intent", "correct it"
        found.known(("privacy", "allow", index), name, names, what, mend)
    if contract.privacy.allow and contract.privacy.scan == "off":
        found.note(("privacy", "allow"), "has nothing to allow while privacy.scan is off", "set scan: reject or hide")
