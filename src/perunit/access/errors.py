"""What goes wrong on the way in.

::

    PerunitError
    ├── ForbiddenError          a viewer lacks a permission (permit.py)
    └── AccessError             who asks is not known, or what they ask of accounts cannot be
        ├── SignInError         a name, password, link or provider did not let somebody in
        ├── ThrottledError      too many tries; says when the next may come
        ├── ConflictError       it is there already, or somebody else changed it
        └── MissingError        there is none
"""

from __future__ import annotations

from perunit.model.errors import PerunitError

__all__ = ["AccessError", "ConflictError", "MissingError", "SignInError", "ThrottledError"]


class AccessError(PerunitError):
    """What was asked of accounts or keys cannot be; says the place, the rule and the mend."""


class SignInError(AccessError):
    """Nobody was let in. The text tells a stranger nothing that they did not know."""


class ThrottledError(AccessError):
    """Too many tries; the next may come after `retry_after_seconds`."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class ConflictError(AccessError):
    """It is there already."""


class MissingError(AccessError):
    """There is none of that id or name."""
