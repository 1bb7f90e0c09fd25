"""Text that only who has the keys can read. Enters: text. Leaves: ``s:v1:…``, AES-256-GCM in base64, and back."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from perunit.model.errors import InputError

if TYPE_CHECKING:
    from perunit.facts.privacy.keys import Keys

__all__ = ["Sealer", "is_sealed"]

_NONCE_BYTES = 12
_MARK = "s:v"


def is_sealed(text: str) -> bool:
    """Whether text has the form of sealed text."""
    return text.startswith(_MARK)


class Sealer:
    """Seals under the active key, opens what any key that is still there has sealed."""

    def __init__(self, keys: Keys) -> None:
        self._active = keys.active
        self._ciphers = {version: AESGCM(keys.sealing(version)) for version in keys.versions}

    def seal(self, text: str, purpose: str) -> str:
        """`purpose` is bound to the text: what was sealed as one thing cannot be passed off as another."""
        nonce = os.urandom(_NONCE_BYTES)
        body = self._ciphers[self._active].encrypt(nonce, text.encode(), purpose.encode())
        return f"s:{self._active}:{base64.b64encode(nonce + body).decode()}"

    def open(self, sealed: str, purpose: str) -> str:
        """The text; raises InputError where its key is gone or it was changed."""
        _, version, body = sealed.split(":", 2)
        if version not in self._ciphers:
            raise InputError(f"{purpose}: sealed with key {version}, which is not among the keys; restore it")
        raw = base64.b64decode(body)
        try:
            return self._ciphers[version].decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode()).decode()
        except InvalidTag:
            raise InputError(f"{purpose}: cannot be opened with key {version}; restore key and data together") from None
