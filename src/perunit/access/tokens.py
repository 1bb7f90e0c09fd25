"""Secrets that are handed out and only recognised again: 256 random bits, of which the hash alone is kept.

A plain SHA-256 is enough for them: unlike a password, nobody can try all of 2^256.
"""

from __future__ import annotations

import hashlib
import secrets

__all__ = ["new_token", "same", "token_hash"]


def new_token(prefix: str = "") -> str:
    """A new one: 43 letters, digits, `-` and `_` behind the prefix."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept of it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two secrets are the same, in a time that does not tell how much of them is."""
    return secrets.compare_digest(token_hash(one), token_hash(other))
