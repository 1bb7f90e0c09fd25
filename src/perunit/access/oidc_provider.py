"""The identity provider, spoken to. Enters: its issuer. Leaves: where to send people, and what a code stands for.

Its discovery document and keys are fetched when they are needed and kept for an hour; a key that is not among them
makes them be fetched anew, at most once a minute. Nothing is followed elsewhere, and answers have a bound.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from perunit.access.errors import SignInError

__all__ = ["Claims", "OidcSettings", "Provider"]

Claims = dict[str, Any]
# Signed by the provider's private key: with none, or the client's secret as key, anybody could be anybody.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_BYTES_MAX = 1 << 20
_SECONDS = 10.0
_KEPT_SECONDS, _KEYS_AGAIN_SECONDS = 3600.0, 60.0
_CLOCKS_APART_SECONDS = 60
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """How perunit is known to the provider, and what its groups mean here."""

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    name: str = "single sign-on"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    roles_claim: str = "groups"
    roles: tuple[tuple[str, str], ...] = ()
    default_role: str | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    document: dict[str, Any]
    at: float


class Provider:
    """One identity provider. Any thread may use it; each question is waited for."""

    def __init__(self, settings: OidcSettings, transport: httpx.BaseTransport | None = None) -> None:
        self.settings = settings
        self._transport = transport
        self._lock = threading.Lock()
        self._discovered: _Found | None = None
        self._keys: _Found | None = None

    def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Where a browser is sent."""
        parameters = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = self._endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(parameters)}"

    def claims(self, *, code: str, verifier: str, redirect_uri: str, nonce: str, now: float) -> Claims:
        """What the provider says of whom it gave the code to. Raises SignInError unless all of it holds."""
        answer = self._exchanged(code, verifier, redirect_uri)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise SignInError("provider: its answer has no id_token; is openid among the scopes?")
        claims = self._verified(token)
        self._check(claims, nonce, now)
        return claims

    def _exchanged(self, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self.settings.client_id,
        }
        auth: httpx.BasicAuth | None = None
        if (secret := self.settings.client_secret) is not None:
            ways = self._document().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
            if "client_secret_basic" in ways or "client_secret_post" not in ways:
                auth = httpx.BasicAuth(_quoted(self.settings.client_id), _quoted(secret))
            else:
                form["client_secret"] = secret
        return self._asked("POST", self._endpoint("token_endpoint"), form, auth)

    def _verified(self, token: str) -> Claims:
        """The claims of a token that one of the provider's keys has signed."""
        offered = self._document().get("id_token_signing_alg_values_supported", ["RS256"])
        algorithms = [each for each in _ALGORITHMS if each in offered]
        try:
            try:
                return jwt.decode(token, self._key_set(_KEPT_SECONDS), algorithms).claims
            except (JoseError, ValueError):
                # It may have new keys.
                return jwt.decode(token, self._key_set(_KEYS_AGAIN_SECONDS), algorithms).claims
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise SignInError(f"id_token: {type(error).__name__}; its signature must be the provider's") from error

    def _check(self, claims: Claims, nonce: str, now: float) -> None:
        """As OpenID Connect Core 3.1.3.7 has it."""
        registry = jwt.JWTClaimsRegistry(
            now=int(now),
            leeway=_CLOCKS_APART_SECONDS,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            registry.validate(claims)
        except (JoseError, TypeError, ValueError) as error:
            raise SignInError(f"id_token: {error}; it must be made for this sign-in") from error
        audience = claims["aud"]
        party = claims.get("azp")
        if (isinstance(audience, list) and len(audience) > 1 and party is None) or party not in {
            None,
            self.settings.client_id,
        }:
            raise SignInError("id_token: it was made for another party (azp)")

    def _document(self) -> dict[str, Any]:
        with self._lock:
            found = self._discovered
            if found is None or time.monotonic() - found.at > _KEPT_SECONDS:
                document = self._asked("GET", f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
                if document.get("issuer") != self.settings.issuer:
                    got = str(document.get("issuer"))[:200]
                    raise SignInError(f"provider: its discovery document names issuer {got!r}; access.oidc.issuer must")
                found = self._discovered = _Found(document, time.monotonic())
            return found.document

    def _key_set(self, age_max_seconds: float) -> KeySet:
        where = self._endpoint("jwks_uri")
        with self._lock:
            found = self._keys
            if found is None or time.monotonic() - found.at > age_max_seconds:
                found = self._keys = _Found(self._asked("GET", where), time.monotonic())
        keys = found.document.get("keys", [])
        # Keys that are no signature's, or of a kind that is not known, are others' business.
        usable = [key for key in keys if key.get("use", "sig") == "sig" and key.get("kty") in {"RSA", "EC", "OKP"}]
        return KeySet.import_key_set({"keys": usable})

    def _endpoint(self, name: str) -> str:
        url = self._document().get(name)
        parts = urlsplit(url if isinstance(url, str) else "")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _THIS_MACHINE):
            raise SignInError(f"provider: {name}: got {str(url)[:200]!r}, must be an https address")
        return parts.geturl()

    def _asked(
        self, method: str, url: str, form: dict[str, str] | None = None, auth: httpx.BasicAuth | None = None
    ) -> dict[str, Any]:
        try:
            with (
                httpx.Client(timeout=_SECONDS, follow_redirects=False, transport=self._transport) as client,
                client.stream(method, url, data=form, auth=auth, headers={"Accept": "application/json"}) as answer,
            ):
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > _BYTES_MAX:
                        raise SignInError(f"provider: {urlsplit(url).path}: its answer is too long")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SignInError(f"provider: {url} does not answer ({type(error).__name__})") from error
        try:
            said = json.loads(body)
        except ValueError:
            said = None
        if answer.status_code != 200 or not isinstance(said, dict):
            reason = str(said.get("error"))[:100] if isinstance(said, dict) else "no JSON"
            raise SignInError(f"provider: {urlsplit(url).path} answered {answer.status_code} ({reason})")
        return said


def _quoted(text: str) -> str:
    """As OAuth 2.0 wants what goes into Basic."""
    return urlencode({"": text})[1:]
