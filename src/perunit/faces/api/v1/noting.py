"""Tells the audit what was done, where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perunit.access.permit import Permit, Viewer

if TYPE_CHECKING:
    from perunit.live.service import Service

__all__ = ["note", "somebody"]


def somebody(name: str) -> Viewer:
    """Whoever says to be of that name, and may nothing."""
    return Viewer(None, name[:200], None, Permit(frozenset()), "session")


def note(service: Service, viewer: Viewer, action: str, target: str, **details: Any) -> None:
    """Records it."""
    if (audit := getattr(service, "audit", None)) is not None:
        audit.record(viewer, action, target, details)
