"""Who asks. Enters: a request. Leaves: the viewer and what they may see.

Every route declares it, by `CurrentViewer` or by what it `needs`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request

from perunit.access.permit import Permission, Viewer
from perunit.faces.api.gate import gate_of

__all__ = ["CurrentViewer", "current_viewer", "needs"]


# Not async: a session is looked up in the control database, which the event loop should not wait for.
def current_viewer(request: Request) -> Viewer:
    """Whoever signed in or has a key. Answers 401 to anybody else, 403 to what another site's page sends."""
    return gate_of(request).viewer(request)


CurrentViewer = Annotated[Viewer, Depends(current_viewer)]


def needs(permission: Permission) -> Any:
    """A route's dependency: answers 403 to a viewer without this permission."""

    def check(viewer: CurrentViewer) -> None:
        viewer.permit.require(permission)

    return Depends(check)
