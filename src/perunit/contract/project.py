"""A project as read from its directory: the contract, where it lies, and its price books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perunit.contract.prices import eligible

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.contract.prices import PriceBook
    from perunit.contract.shape import Contract

__all__ = ["Project"]


@dataclass(frozen=True, slots=True)
class Project:
    """Everything a person wrote, checked. `schemas` maps an event type to its JSON Schema of `data`."""

    root: Path
    contract: Contract
    schemas: dict[str, dict[str, Any]]
    price_books: tuple[PriceBook, ...]

    @property
    def eligible_books(self) -> tuple[PriceBook, ...]:
        """The versions that may be in force; the others await their approval."""
        return eligible(self.price_books, self.contract)

    @property
    def data(self) -> Path:
        """Where the store keeps the project's data."""
        return self.root / "data"
