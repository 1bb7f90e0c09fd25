"""What the server refuses, as exceptions. Enters: an answer that is no success. Leaves: why, in its own words."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["Forbidden", "NotFound", "PerunitProblem", "Unavailable", "problem_of"]


class PerunitProblem(Exception):  # noqa: N818 - the standard's word for it
    """The server has said no. `detail` names the place, the value, the rule and the mend.

    ::

        PerunitProblem
        ├── Forbidden       401 or 403: the key is none, or lacks `permission`
        ├── NotFound        404: there is no such thing
        └── Unavailable     429, 503 or 504, or no answer at all, after every try
    """

    def __init__(self, status: int, title: str, detail: str, members: dict[str, Any] | None = None) -> None:
        self.status, self.title, self.detail = status, title, detail
        self.members = members or {}
        super().__init__(f"{title} ({status}): {detail}" if status else f"{title}: {detail}")


class Forbidden(PerunitProblem):
    """The key is none, or its owner may not do this."""

    @property
    def permission(self) -> str | None:
        """The permission that is missing, where the server says so."""
        return self.members.get("permission")


class NotFound(PerunitProblem):
    """There is no such thing."""


class Unavailable(PerunitProblem):
    """The server did not answer, or has too much to do; trying later may help."""


_KINDS = {401: Forbidden, 403: Forbidden, 404: NotFound, 429: Unavailable, 503: Unavailable, 504: Unavailable}


def problem_of(status: int, body: bytes) -> PerunitProblem:
    """The exception for an answer."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        said = {"title": f"HTTP {status}", "detail": body[:200].decode("utf-8", "replace")}
    known = {"type", "title", "status", "detail"}
    members = {name: value for name, value in said.items() if name not in known}
    kind = _KINDS.get(status, PerunitProblem)
    return kind(status, str(said.get("title", f"HTTP {status}")), str(said.get("detail", "")), members)
