"""What a viewer may see and do. Enters: permissions. Leaves: yes, or an error that says what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from perunit.model.errors import ForbiddenError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OWNER", "ROLES", "ForbiddenError", "Permission", "Permit", "Role", "Viewer", "roles_with"]


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


class Role(StrEnum):
    """What a person is here to do."""

    viewer = "viewer"
    product = "product"
    oncall = "oncall"
    engineer = "engineer"
    finance = "finance"
    executive = "executive"
    admin = "admin"


_P = Permission
_SEEN = frozenset({_P.OPERATIONAL, _P.QUALITY})
# docs/roles.md says why each role has what it has; a test compares its table with this one.
ROLES: dict[Role, frozenset[Permission]] = {
    Role.viewer: _SEEN,
    Role.product: _SEEN | {_P.FINANCIAL, _P.UNITS, _P.ANNOTATE, _P.EXPORT, _P.SHARE},
    Role.oncall: _SEEN | {_P.FINANCIAL, _P.UNITS, _P.REVEAL, _P.QUARANTINE, _P.ANNOTATE, _P.REPLAY, _P.EXPORT},
    Role.engineer: _SEEN | {_P.UNITS, _P.REVEAL, _P.QUARANTINE, _P.REPLAY, _P.ANNOTATE, _P.EXPORT, _P.PRICES},
    Role.finance: _SEEN
    | {_P.FINANCIAL, _P.UNITS, _P.RECONCILIATION, _P.RECONCILE, _P.PRICES, _P.PRICE, _P.APPROVE, _P.EXPORT, _P.SHARE},
    Role.executive: _SEEN | {_P.FINANCIAL, _P.RECONCILIATION, _P.PRICES, _P.EXPORT, _P.SHARE},
    Role.admin: frozenset(Permission),
}


def roles_with(permission: Permission) -> tuple[Role, ...]:
    """The roles that have a permission.

    >>> roles_with(Permission.APPROVE)
    (<Role.finance: 'finance'>, <Role.admin: 'admin'>)
    """
    return tuple(role for role, permissions in ROLES.items() if permission in permissions)


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
            roles = roles_with(permission)
            message = f"{permission} is needed, which {' and '.join(roles)} have; ask an administrator for such a role"
            raise ForbiddenError(message, permission, roles)


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
