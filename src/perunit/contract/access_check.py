"""Checks what perunit.yaml says of access, beyond its shape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from perunit.contract.document import Path
    from perunit.contract.findings import Findings
    from perunit.contract.shape import Contract

__all__ = ["check_access"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


def check_access(contract: Contract, found: Findings) -> None:
    """Secrets stand in the environment, and an identity provider is spoken to over https."""
    _check_variable(("control", "url_env"), contract.control.url_env, found)
    oidc = contract.access.oidc
    if oidc is None:
        return
    at: Path = ("access", "oidc")
    if oidc.client_secret_env is not None:
        _check_variable((*at, "client_secret_env"), oidc.client_secret_env, found)
    issuer = urlsplit(oidc.issuer)
    if issuer.scheme != "https" and issuer.hostname not in _THIS_MACHINE:
        rule = "must be https; what comes over http could be anybody's"
        found.fault((*at, "issuer"), rule, "give the provider a certificate")
    if not oidc.roles and oidc.default_role is None:
        rule = "must give somebody a role"
        found.fault(at, rule, "add roles: {GROUP: ROLE}, or default_role: viewer", got="")
    if "openid" not in oidc.scopes:
        found.fault((*at, "scopes"), "must hold openid", "add it", got="")


def _check_variable(path: Path, name: str, found: Findings) -> None:
    if not _VARIABLE.fullmatch(name):
        rule = "must be the name of an environment variable"
        # A secret that was written here by mistake is not to be shown.
        found.fault(path, rule, "put the secret into a variable and name it here", got="'…'")
