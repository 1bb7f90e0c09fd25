"""The keys of a project's pseudonyms. Enters: a key file or variable. Leaves: keys, or what to mend.

They lie beside the store and never in it: who has only a copy of the data cannot tell whose it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from perunit.model.errors import ConfigurationError, Fault, UsageError

if TYPE_CHECKING:
    from perunit.contract.project import Project

__all__ = ["Keys", "key_path", "keys_of", "make_keys", "write_keys"]

KEY_BYTES = 32
_BLOCK_BYTES = 64
_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Keys:
    """Version → key, and which makes new pseudonyms. `events` hides event ids; it stays when the others rotate,
    because a delivery must be known again.
    """

    active: str
    versions: dict[str, bytes] = field(repr=False)
    events: bytes = field(repr=False)

    def pseudonym(self, unit_type: str, raw: str) -> str:
        """The pseudonym of a unit under the active key: ``p1_`` and 128 bits of HMAC-SHA-256."""
        message = f"{unit_type}\0{raw}".encode()
        return self.prefix + hmac.digest(self._of("pseudonym"), message, "sha256").hex()[:_DIGITS]

    @property
    def prefix(self) -> str:
        """What pseudonyms of the active key start with."""
        return f"p{self.active.removeprefix('v')}_"

    def pads(self) -> tuple[bytes, bytes]:
        """The inner and outer block of HMAC-SHA-256 under the active pseudonym key (RFC 2104)."""
        return _pads(self._of("pseudonym"))

    def event_pads(self) -> tuple[bytes, bytes]:
        """The same of the key that hides event ids."""
        return _pads(self.events)

    def sealing(self, version: str | None = None) -> bytes:
        """The key that seals what must be readable again."""
        return self._of("seal", version)

    def fingerprint(self, version: str | None = None) -> str:
        """Tells one key from another without telling it."""
        own = hmac.digest(self._of("fingerprint", version), b"perunit", "sha256")
        return hashlib.sha256(own + hmac.digest(self.events, b"fingerprint", "sha256")).hexdigest()[:16]

    def rotated(self) -> Keys:
        """With one more key, which is not active yet."""
        newest = max(int(version.removeprefix("v")) for version in self.versions)
        return replace(self, versions={**self.versions, f"v{newest + 1}": secrets.token_bytes(KEY_BYTES)})

    def newest(self) -> Keys:
        """With the newest key active."""
        return replace(self, active=max(self.versions, key=lambda version: int(version.removeprefix("v"))))

    def _of(self, purpose: str, version: str | None = None) -> bytes:
        secret = self.versions[version or self.active]
        derived = HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=f"perunit {purpose}".encode())
        return derived.derive(secret)


def _pads(key: bytes) -> tuple[bytes, bytes]:
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def key_path(project: Project) -> Path:
    """Where the key file of a project is or would be."""
    return project.root / Path(project.contract.privacy.key_file).expanduser()


def keys_of(project: Project) -> Keys | None:
    """The keys of a project with pseudonyms, None of one without.

    Raises ConfigurationError where they are missing, unreadable, or readable by others.
    """
    privacy = project.contract.privacy
    if not privacy.pseudonymize:
        return None
    if privacy.keys_env:
        text = os.environ.get(privacy.keys_env)
        if not text:
            raise _fault("keys_env", privacy.keys_env, "must be set", "set it to what the key file holds")
        return _read(text, "keys_env", privacy.keys_env)
    path = key_path(project)
    try:
        mode, text = path.stat().st_mode & 0o777, path.read_text(encoding="ascii")
    except FileNotFoundError:
        mend = "run perunit privacy init, or restore the file from its backup"
        raise _fault("key_file", str(path), "must be there", mend) from None
    except (OSError, ValueError) as error:
        raise _fault(
            "key_file", str(path), f"must be readable ({type(error).__name__})", "correct its rights"
        ) from None
    if mode & 0o077:
        raise _fault("key_file", f"{path}, mode {mode:o}", "must be readable by its owner only", f"chmod 600 {path}")
    return _read(text, "key_file", str(path))


def _read(text: str, place: str, got: str) -> Keys:
    try:
        said = json.loads(text)
        versions = {str(name): base64.b64decode(key, validate=True) for name, key in said["keys"].items()}
        keys = Keys(str(said["active"]), versions, base64.b64decode(said["events"], validate=True))
        whole = all(len(key) == KEY_BYTES for key in (*versions.values(), keys.events))
        numbered = all(name[:1] == "v" and name[1:].isdecimal() for name in versions)
        if whole and numbered and keys.active in versions:
            return keys
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        pass
    raise _fault(place, got, "must hold the keys as perunit privacy init wrote them", "restore it from its backup")


def _fault(place: str, got: str, rule: str, mend: str) -> ConfigurationError:
    return ConfigurationError([Fault("perunit.yaml", None, f"privacy.{place}", got, rule, mend)])


def make_keys(path: Path) -> Keys:
    """Writes new keys into a file that must not be there yet: without the old ones, all pseudonyms are lost."""
    keys = Keys("v1", {"v1": secrets.token_bytes(KEY_BYTES)}, secrets.token_bytes(KEY_BYTES))
    if path.exists():
        raise UsageError(f"{path}: is there already; keep it, or move it away if no data was made with it")
    write_keys(path, keys)
    return keys


def write_keys(path: Path, keys: Keys) -> None:
    """Replaces the key file by one for its owner only, whole or not at all."""
    said = {
        "active": keys.active,
        "keys": {name: base64.b64encode(key).decode() for name, key in keys.versions.items()},
        "events": base64.b64encode(keys.events).decode(),
    }
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(said, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
