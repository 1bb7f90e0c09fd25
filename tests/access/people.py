"""What the tests of access share: a time, and ways to make people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from perunit.access.accounts import add_user, set_password
from perunit.access.permit import OWNER, Role, Viewer

if TYPE_CHECKING:
    from perunit.store.control.database import ControlStore

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
GOOD = "seven blue herons"
CLI = Viewer(None, "owner", None, OWNER, "owner")


def person(
    control: ControlStore, name: str = "kim", role: Role = Role.finance, *, password: str | None = None, **more: Any
) -> int:
    """An account's id."""
    with control.session() as session:
        user = add_user(session, OWNER, NOW, name=name, role=role, **more)
        if password:
            set_password(session, user, password, 12)
        return user.id
