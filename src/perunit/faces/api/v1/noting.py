"""Tells the audit who came in, and who changed accounts and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import Depends

from perunit.access.permit import Permit, Viewer

if TYPE_CHECKING:
    from perunit.live.service import Service

__all__ = ["note", "somebody", "written_down"]


def somebody(name: str) -> Viewer:
    """Whoever says to be of that name, and may nothing."""
    return Viewer(None, name[:200], None, Permit(frozenset()), "session")


def note(service: Service, viewer: Viewer, action: str, target: str, **details: Any) -> None:
    """Records it."""
    service.audit.record(viewer, action, target, details)


def written_down(service: Service) -> Any:
    """A route's dependency: what cannot be written down is not done."""
    return Depends(service.audit.require)
