"""Passwords. Enters: what a person typed. Leaves: an argon2id hash to keep, or whether it fits one.

Hashing takes 64 MiB and some fifty milliseconds on purpose. So few are made at once, few may wait, and the rest is told
to come again: a flood of sign-ins costs a bounded amount and never what takes facts in.
"""

from __future__ import annotations

import threading
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from perunit.access.errors import AccessError, ThrottledError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_password_rules", "fits", "hash_password", "outdated"]

_HASHER = PasswordHasher(time_cost=3, memory_cost=64 << 10, parallelism=2)
_AT_ONCE, _WAITING_MAX = 2, 8
_SLOTS = threading.Semaphore(_AT_ONCE)
_PLACES = threading.Semaphore(_AT_ONCE + _WAITING_MAX)
_BYTES_MAX = 1024
# Of passwords that are common, those that are long enough to pass otherwise.
_COMMON = frozenset(
    {
        *("123456789012", "1234567890123", "12345678901234", "1234567890qwerty", "123456789abc", "1q2w3e4r5t6y"),
        *(
            "1qaz2wsx3edc",
            "administrator",
            "changemechangeme",
            "changeme1234",
            "correcthorsebatterystaple",
            "iloveyou1234",
        ),
        *("letmeinletmein", "letmein12345", "passw0rd1234", "password1234", "password12345", "password123456"),
        *("passwordpassword", "p@ssw0rd1234", "qwerty123456", "qwertyqwerty", "qwertyuiop12", "qwertyuiop123"),
        *("qwertyuiopasdf", "trustno1trustno1", "welcome12345", "welcomewelcome", "zaq12wsxcde3"),
    }
)


def check_password_rules(password: str, name: str, length_min: int) -> None:
    """Raises AccessError where it is too short or easily guessed. No kinds of characters are asked for: length is."""
    length = len(unicodedata.normalize("NFKC", password))
    if length < length_min:
        raise AccessError(f"password: has {length} characters, must have {length_min} or more; a few words will do")
    if len(password.encode("utf-8", "replace")) > _BYTES_MAX:
        raise AccessError(f"password: must have at most {_BYTES_MAX} bytes; take a shorter one")
    if _guessable(password, name):
        raise AccessError(
            "password: is among the first that are tried, or made of the name; take a few words that do not belong "
            "together"
        )


def _guessable(password: str, name: str) -> bool:
    lower = unicodedata.normalize("NFKC", password).casefold().strip()
    local = name.casefold().partition("@")[0]
    rest = lower.replace(local, "").replace("perunit", "") if len(local) >= 3 else lower.replace("perunit", "")
    return lower in _COMMON or len(set(lower)) < 5 or len(rest) < 6 or lower in "01234567890123456789012345678901234"


def hash_password(password: str) -> str:
    """The hash to keep."""
    with _turn():
        return _HASHER.hash(_plain(password))


def fits(password: str, kept: str | None) -> bool:
    """Whether a password fits the hash that is kept. None takes as long, and fits none: nobody learns who there is."""
    with _turn():
        # Also for somebody, so that the first stranger does not wait for it alone.
        nobody = _nobody()
        try:
            return _HASHER.verify(kept or nobody, _plain(password)) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def outdated(kept: str) -> bool:
    """Whether it was made with other parameters than are used now."""
    return _HASHER.check_needs_rehash(kept)


@contextmanager
def _turn() -> Iterator[None]:
    """One of the few that are hashed at once; raises ThrottledError where too many wait."""
    if not _PLACES.acquire(blocking=False):
        raise ThrottledError("too many sign in at once; try again in a moment", 2)
    try:
        with _SLOTS:
            yield
    finally:
        _PLACES.release()


_NOBODY: list[str] = []


def _nobody() -> str:
    # Made once, when it is first needed: by whoever calls, in the turn it has.
    if not _NOBODY:
        _NOBODY.append(_HASHER.hash("nobody has this password"))
    return _NOBODY[0]


def _plain(password: str) -> bytes:
    # The same letters can be typed as different characters.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")[: 4 * _BYTES_MAX]
