"""Who asks. Enters: a request. Leaves: the viewer and what they may see.

Every route declares it, by `CurrentViewer` or by what it `needs`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends

from perunit.access.permit import OWNER, Permission, Viewer

__all__ = ["CurrentViewer", "current_viewer", "needs"]


def current_viewer() -> Viewer:
    """Whoever reaches this machine's own address, until there are accounts."""
    return Viewer(None, "owner", None, OWNER, "owner")


CurrentViewer = Annotated[Viewer, Depends(current_viewer)]


def needs(permission: Permission) -> Any:
    """A route's dependency: answers 403 to a viewer without this permission."""

    def check(viewer: CurrentViewer) -> None:
        viewer.permit.require(permission)

    return Depends(check)
