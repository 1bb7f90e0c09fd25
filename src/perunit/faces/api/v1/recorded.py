"""Who did what, for the audit. Enters: an action. Leaves: an entry, where there is an audit to write it to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from perunit.access.permit import Viewer
    from perunit.live.service import Service

__all__ = ["record"]


def record(service: Service, viewer: Viewer, action: str, target: str, details: Mapping[str, Any]) -> None:
    """Writes one action down."""
    audit = getattr(service, "audit", None)
    if audit is not None:
        audit.record(viewer, action, target, dict(details))
