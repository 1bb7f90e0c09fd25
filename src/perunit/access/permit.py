"""What a viewer may see and do. Enters: permissions. Leaves: yes, or an error that says what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from perunit.model.errors import PerunitError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OWNER", "ForbiddenError", "Permission", "Permit", "Viewer"]


class Permission(StrEnum):
    """One thing that a viewer may be let do."""

    FINANCIAL = "measures:financial"
    OPERATIONAL = "measures:operational"
    UNITS = "units:read"
    REVEAL = "units:reveal"
    RECONCILIATION = "reconciliation:read"
    RECONCILE = "reconciliation:decide"
    PRICES = "prices:read"
    PRICE = "prices:change"
    APPROVE = "prices:approve"
    QUALITY = "quality:read"
    QUARANTINE = "quarantine:read"
    REPLAY = "quarantine:replay"
    ANNOTATE = "annotations:write"
    SHARE = "views:share"
    EXPORT = "figures:export"
    PEOPLE = "people:manage"
    KEYS = "keys:manage"
    AUDIT = "audit:read"
    ERASE = "privacy:erase"
    INGEST = "facts:write"


class ForbiddenError(PerunitError):
    """A viewer lacks `permission`."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        super().__init__(f"{permission} is needed; ask an administrator for a role that has it")


@dataclass(frozen=True, slots=True)
class Permit:
    """What is allowed. `rows`: of these dimensions only these values are seen."""

    permissions: frozenset[Permission]
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def allows(self, permission: Permission) -> bool:
        """Whether it holds this permission."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raises ForbiddenError where it does not."""
        if permission not in self.permissions:
            raise ForbiddenError(permission)


OWNER = Permit(frozenset(Permission))


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, and how they came in."""

    user_id: int | None
    name: str
    role: str | None
    permit: Permit
    via: Literal["session", "key", "owner"]
    key_id: int | None = None
