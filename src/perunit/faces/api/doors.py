"""Who may use a door for facts or metrics: anybody where they are open, otherwise who has a key.

They are open where perunit listens to this machine alone, unless the contract's `access.doors` says otherwise.
"""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request

from perunit.access.permit import ForbiddenError, Permission
from perunit.faces.api.gate import UnknownError, bearer, gate_of

__all__ = ["FIGURES_DOOR", "METRICS_DOOR", "SENDING_DOOR"]


def _checked(*any_of: Permission, unlimited: bool = False) -> Any:
    """Answers 401 without a key, 403 where it has none of these scopes, or is limited to rows where figures are all."""

    def check(request: Request) -> None:
        gate = gate_of(request)
        if gate.service.doors_open:
            return
        text = bearer(request)
        viewer = None if text is None else gate.keys.viewer(text, gate.service.clock())
        if viewer is None:
            mend = "make one with perunit keys add NAME --scope " + any_of[0]
            raise UnknownError(f"Authorization: a key is needed here, sent as Bearer pu_…; {mend}")
        if not any(map(viewer.permit.allows, any_of)) or (unlimited and viewer.permit.rows):
            raise ForbiddenError(any_of[0])

    return Depends(check)


SENDING_DOOR = _checked(Permission.INGEST)
METRICS_DOOR = _checked(Permission.INGEST, Permission.OPERATIONAL)
# Money of every segment is in them.
FIGURES_DOOR = _checked(Permission.FINANCIAL, unlimited=True)
