"""Signing in through an identity provider: ours, which can be made to lie in every way that matters."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.access.people import person
from tests.access.provider import CLIENT, SECRET, IdentityProvider, provider, signed_with_public_key, unsigned

from perunit.access import accounts, oidc
from perunit.access.errors import SignInError
from perunit.access.oidc_provider import OidcSettings, Provider
from perunit.access.permit import OWNER
from perunit.access.sessions import Lifetime, find_session, start_session
from perunit.store.control.models import OidcFlow, User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from perunit.store.control.database import ControlStore

BACK = "http://127.0.0.1:9/api/v1/oidc/callback"
ROLES = (("admins", "admin"), ("finance", "finance"))
Claims = dict[str, Any]


@pytest.fixture
def identity() -> Iterator[IdentityProvider]:
    """The provider."""
    with provider() as running:
        yield running


def known_to(identity: IdentityProvider, **more: Any) -> Provider:
    """Perunit's side of it."""
    given_ = {"roles": ROLES, "client_secret": SECRET} | more
    return Provider(OidcSettings(identity.issuer, CLIENT, **given_))


def now() -> datetime:
    """Tokens are of this moment."""
    return datetime.now(UTC)


def brought(control: ControlStore, side: Provider, return_to: str = "/prices") -> dict[str, str]:
    """What the browser comes back with, after its person has agreed at the provider."""
    begun = oidc.begin(control, side, now(), redirect_uri=BACK, return_to=return_to)
    answer = httpx.get(begun.url, follow_redirects=False)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def finished(
    control: ControlStore, side: Provider, back: dict[str, str], at: datetime | None = None
) -> tuple[User, str]:
    """The account, and where to go."""
    user_id, where = oidc.finish(
        control, side, at or now(), state=back["state"], code=back["code"], issuer=back.get("iss"), redirect_uri=BACK
    )
    with control.reading() as session:
        return session.get_one(User, user_id), where


def test_whom_the_provider_vouches_for_is_let_in(control: ControlStore, identity: IdentityProvider) -> None:
    """The account is made at the first sign-in and found at the next, by subject and not by name."""
    side = known_to(identity)
    user, where = finished(control, side, brought(control, side))
    assert (user.name, user.role, user.password_hash, where) == ("kim", "finance", None, "/prices")
    identity.person |= {"preferred_username": "another", "email": "kim@example.com", "email_verified": True}
    again, _ = finished(control, side, brought(control, side))
    assert (again.id, again.name, again.email) == (user.id, "kim", "kim@example.com")


def without(claim: str) -> Callable[[Claims], Claims]:
    """A token that leaves a claim out."""
    return lambda claims: {name: value for name, value in claims.items() if name != claim}


LIES: dict[str, Callable[[Claims], Claims]] = {
    "another nonce": lambda claims: claims | {"nonce": "x" * 43},
    "no nonce": without("nonce"),
    "another issuer": lambda claims: claims | {"iss": "https://evil.example"},
    "another audience": lambda claims: claims | {"aud": "other"},
    "other audiences": lambda claims: claims | {"aud": ["other", "third"]},
    "several audiences and no party": lambda claims: claims | {"aud": ["other", CLIENT]},
    "another party": lambda claims: claims | {"aud": [CLIENT, "other"], "azp": "other"},
    "expired": lambda claims: claims | {"exp": int(time.time()) - 120},
    "no expiry": without("exp"),
    "an expiry that is text": lambda claims: claims | {"exp": "soon"},
    "from the future": lambda claims: claims | {"iat": int(time.time()) + 600},
    "not yet": lambda claims: claims | {"nbf": int(time.time()) + 600},
    "no subject": without("sub"),
    "no audience": without("aud"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_is_not_for_this_sign_in_lets_nobody_in(
    control: ControlStore, identity: IdentityProvider, lie: str
) -> None:
    """Whatever of it is wrong."""
    identity.spoil = LIES[lie]
    side = known_to(identity)
    with pytest.raises(SignInError, match="id_token"):
        finished(control, side, brought(control, side))
    with control.reading() as session:
        assert accounts.all_users(session) == []


def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    control: ControlStore, identity: IdentityProvider
) -> None:
    """Not signed, signed with the public key as a secret, with another's key, or changed after; though offered."""
    stranger = RSAKey.generate_key(2048, {"kid": "one"})

    def changed(claims: Claims) -> str:
        head, _, signature = identity.signed(claims).split(".")
        return f"{head}.{identity.signed(claims | {'sub': 'u-2'}).split('.')[1]}.{signature}"

    forged: tuple[Callable[[Claims], str], ...] = (
        unsigned,
        signed_with_public_key(identity),
        lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, stranger),
        changed,
        lambda _: "no.token.atall",
        lambda _: "",
    )
    side = known_to(identity)
    for sign in forged:
        identity.sign = sign
        with pytest.raises(SignInError, match="id_token: "):
            finished(control, side, brought(control, side))


def test_a_state_is_good_once_and_not_for_long(control: ControlStore, identity: IdentityProvider) -> None:
    """Not invented, not again, not after ten minutes; its code is redeemed by nobody else either."""
    side = known_to(identity)
    back = brought(control, side)
    finished(control, side, back)
    late = brought(control, side)
    for state, at in ((back["state"], now()), ("invented", now()), (late["state"], now() + timedelta(minutes=10))):
        with pytest.raises(SignInError, match="state: it was used, is over, or is none of ours"):
            finished(control, side, back | {"state": state}, at)
    with control.reading() as session:
        assert session.query(OidcFlow).count() == 0


def test_a_code_is_good_once_and_for_its_own_sign_in(control: ControlStore, identity: IdentityProvider) -> None:
    """Replayed with a fresh state, or injected from another browser: the provider refuses it for its verifier."""
    side = known_to(identity)
    used = brought(control, side)
    finished(control, side, used)
    with pytest.raises(SignInError, match="invalid_grant"):
        finished(control, side, brought(control, side) | {"code": used["code"]})
    stolen = brought(control, side)
    with pytest.raises(SignInError, match="invalid_grant"):
        finished(control, side, brought(control, side) | {"code": stolen["code"]})


def test_an_answer_of_another_provider_is_refused(control: ControlStore, identity: IdentityProvider) -> None:
    """As it says itself by `iss`."""
    side = known_to(identity)
    with pytest.raises(SignInError, match="iss: another provider answered"):
        finished(control, side, brought(control, side) | {"iss": "https://evil.example"})


@pytest.mark.parametrize(
    ("discovery", "said"),
    [
        ({"issuer": "https://evil.example"}, "names issuer 'https://evil.example'"),
        (
            {"token_endpoint": "http://evil.example/token"},
            "token_endpoint: got 'http://evil.example/token', must be an https",
        ),
        ({"jwks_uri": None}, "jwks_uri: got 'None', must be an https"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint: got"),
    ],
)
def test_a_discovery_document_that_leads_elsewhere_is_refused(
    control: ControlStore, identity: IdentityProvider, discovery: dict[str, Any], said: str
) -> None:
    """The issuer must be the one configured, and all is spoken over https."""
    identity.discovery = discovery
    side = known_to(identity)
    with pytest.raises(SignInError, match=said):
        finished(control, side, brought(control, side))


def test_a_provider_that_does_not_answer_is_said_not_to(control: ControlStore) -> None:
    """Soon, and without a bug."""
    side = Provider(OidcSettings("http://127.0.0.1:9", CLIENT))
    with pytest.raises(SignInError, match="does not answer"):
        brought(control, side)


def test_new_keys_are_found_when_they_are_used(control: ControlStore, identity: IdentityProvider) -> None:
    """Once a minute at most: tokens with keys of nobody's do not make perunit ask each time."""
    side = known_to(identity)
    finished(control, side, brought(control, side))
    identity.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
    identity.published.append(identity.key)
    with pytest.raises(SignInError, match="id_token"):
        finished(control, side, brought(control, side))
    assert side._keys
    object.__setattr__(side._keys, "at", time.monotonic() - 61)
    finished(control, side, brought(control, side))
    assert identity.asked.count("/keys") == 2


def test_groups_give_the_role_anew_each_time(control: ControlStore, identity: IdentityProvider) -> None:
    """The first in the list counts; without any, nobody is let in, and whoever was is signed out."""
    side = known_to(identity)
    identity.person["groups"] = ["finance", "admins"]
    user, _ = finished(control, side, brought(control, side))
    assert user.role == "admin"
    with control.session() as session:
        token = start_session(session, user, now(), Lifetime(), address=None, agent=None).token
    identity.person["groups"] = ["cooks"]
    with pytest.raises(SignInError, match="role: none of the groups"):
        finished(control, side, brought(control, side))
    assert not find_session(control, token, now(), Lifetime())
    by_default = known_to(identity, default_role="viewer")
    assert finished(control, by_default, brought(control, by_default))[0].role == "viewer"
    identity.person |= {"realm_access": {"roles": ["finance"]}}
    nested = known_to(identity, roles_claim="realm_access.roles")
    assert finished(control, nested, brought(control, nested))[0].role == "finance"


def test_an_account_of_another_is_not_taken_over(control: ControlStore, identity: IdentityProvider) -> None:
    """Neither by its name nor by an address that the provider has not verified; disabled stays disabled."""
    person(control, "kim")
    side = known_to(identity)
    with pytest.raises(SignInError, match="'kim' is an account of another"):
        finished(control, side, brought(control, side))
    identity.person = {"sub": "u-9", "groups": "finance", "email": "kim@example.com", "email_verified": False}
    user, _ = finished(control, side, brought(control, side))
    assert (user.name, user.email) == ("u-9", None)
    with control.session() as session:
        accounts.disable_user(session, OWNER, accounts.user_by_id(session, user.id), now())
    with pytest.raises(SignInError, match="'u-9' is disabled"):
        finished(control, side, brought(control, side))


@given(st.text())
def test_one_comes_back_to_this_server_alone(path: str) -> None:
    """Whatever was asked for, a browser resolves it to a path here."""
    for wanted in (path, "/" + path, "//" + path):
        found = urlsplit(oidc.safe_return(wanted))
        assert (found.scheme, found.netloc) == ("", "")


ELSEWHERE = (
    "//evil.example",
    "/\\evil.example",
    "\\\\evil",
    "https://evil.example",
    "/a\r\nSet-Cookie: x",
    "/\t/evil",
    "",
)


@pytest.mark.parametrize("path", [*ELSEWHERE, None])
def test_what_would_lead_elsewhere_leads_to_the_start(path: str | None) -> None:
    """Also by what browsers take for a slash, or leave out."""
    assert oidc.safe_return(path) == "/"
    assert oidc.safe_return("/prices?x=1#y") == "/prices?x=1#y"
