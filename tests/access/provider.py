"""A small OpenID Connect provider of our own, for tests: real HTTP, signatures, codes and PKCE as the standards say.

It is not certified and stands for no vendor's; `Provider.spoil` makes it lie in one way at a time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CLIENT", "SECRET", "IdentityProvider", "provider", "signed_with_public_key", "unsigned"]

CLIENT, SECRET = "perunit", "s3cret:/with?signs"
Claims = dict[str, Any]


class IdentityProvider:
    """What it knows: its keys, who sits before the browser, and codes that were given and not yet redeemed."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.published: list[RSAKey] = [self.key]
        self.person: Claims = {"sub": "u-1", "preferred_username": "Kim", "groups": ["finance"]}
        self.codes: dict[str, dict[str, str]] = {}
        self.discovery: dict[str, Any] = {}
        self.spoil: Callable[[Claims], Claims] = lambda claims: claims
        self.sign: Callable[[Claims], str] | None = None
        self.asked: list[str] = []

    def document(self) -> dict[str, Any]:
        """Its description of itself."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
            **self.discovery,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to: its person has agreed."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """A code redeemed: once, by its client, with its verifier."""
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote(name), unquote(secret)) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        token = (self.sign or self.signed)(self.spoil({**claims, **self.person}))
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}

    def signed(self, claims: Claims) -> str:
        """With its own key."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def keys(self) -> dict[str, Any]:
        """What it publishes."""
        return {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in self.published]}


def unsigned(claims: Claims) -> str:
    """With the algorithm `none`, which says that there is no signature."""
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."


def signed_with_public_key(identity: IdentityProvider) -> Callable[[Claims], str]:
    """With HMAC, whose key is the public one that everybody has."""
    key = identity.key.as_pem(private=False)

    def sign(claims: Claims) -> str:
        head = unsigned(claims).replace(_part({"alg": "none", "typ": "JWT"}), _part({"alg": "HS256"})).rstrip(".")
        return f"{head}.{_base64(hmac.digest(key, head.encode(), 'sha256'))}"

    return sign


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@contextmanager
def provider() -> Iterator[IdentityProvider]:
    """It, on a port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.identity = IdentityProvider(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.identity  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Discovery, keys, and the page where a person would sign in."""
        identity: IdentityProvider = self.server.identity  # type: ignore[attr-defined]
        path = urlsplit(self.path)
        identity.asked.append(path.path)
        if path.path == "/authorize":
            where = identity.authorize({name: values[0] for name, values in parse_qs(path.query).items()})
            self.send_response(302)
            self.send_header("location", where)
            self.send_header("content-length", "0")
            self.end_headers()
        elif path.path == "/keys":
            self._say(200, identity.keys())
        else:
            self._say(200, identity.document())

    def do_POST(self) -> None:
        """The token endpoint."""
        identity: IdentityProvider = self.server.identity  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self._say(*identity.token(form, self.headers.get("authorization", "")))

    def _say(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""
