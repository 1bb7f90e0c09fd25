"""Signing in over HTTP: cookies, tokens against other sites' pages, links, and the provider's way."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml
from tests.access.people import GOOD, person
from tests.access.provider import CLIENT, SECRET, IdentityProvider, provider
from tests.faces.api.browsing import Browser
from tests.faces.serving import Served, in_process, listening

from perunit.access import accounts, links
from perunit.access.permit import Role
from perunit.faces.api.body import Limits
from perunit.faces.cli.init import write_project
from perunit.model.window import system_clock
from perunit.store.control.models import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from perunit.live.service import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A running perunit without accounts."""
    write_project(tmp_path, "ecommerce")
    with in_process(tmp_path) as running:
        yield running


@pytest.fixture
def shop(service: Service) -> Iterator[Served]:
    """Its doors."""
    with listening(service, Limits()) as served:
        yield served


@pytest.fixture
def kim(service: Service, shop: Served) -> Browser:
    """An administrator's browser, signed in."""
    person(service.control, "kim", Role.admin, password=GOOD)
    browser = Browser(shop.address)
    assert browser.sign_in("kim", GOOD).status == 200
    return browser


def test_nobody_is_told_that_they_are_nobody(shop: Served) -> None:
    """And nothing else: neither names nor permissions."""
    answer = Browser(shop.address).send("GET", "/api/v1/session")
    body = answer.body
    assert (answer.status, body["user"], body["permissions"], body["csrf_token"]) == (200, None, [], None)
    assert (body["setup_required"], body["oidc"], body["rows"]) == (True, None, {})


def test_the_first_account_is_set_up_and_signed_in(service: Service, shop: Served) -> None:
    """With the token that was printed, once."""
    with service.control.session() as session:
        token = links.new_setup(session, system_clock())
    browser = Browser(shop.address)
    given = {"token": token, "name": "Ada", "password": GOOD}
    weak = browser.send("POST", "/api/v1/setup", given | {"password": "short"})
    assert (weak.status, weak.body["detail"]) == (
        422, "password: has 5 characters, must have 12 or more; a few words will do",
    )  # fmt: skip
    assert browser.send("POST", "/api/v1/setup", given | {"token": "x"}).status == 401
    done = browser.send("POST", "/api/v1/setup", given)
    assert (done.status, done.body["user"]["name"], done.body["user"]["role"]) == (200, "ada", "admin")
    assert browser.send("GET", "/api/v1/session").body["setup_required"] is False
    assert browser.send("GET", "/api/v1/users").status == 200
    assert browser.send("POST", "/api/v1/setup", given).status == 409


def test_a_cookie_is_out_of_reach_of_scripts_and_other_sites(kim: Browser, shop: Served) -> None:
    """And no answer holds what is in it."""
    browser = Browser(shop.address)
    answer = browser.sign_in("kim", GOOD)
    (cookie,) = browser.set_cookies
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= parts
    assert "secure" not in parts
    assert browser.cookies["perunit_session"] not in json.dumps(answer.body)
    assert len(browser.cookies["perunit_session"]) == 43


def test_a_session_cannot_be_fixed_beforehand(kim: Browser, shop: Served) -> None:
    """A token that the browser brought is never taken; one that was in force ends."""
    victim = Browser(shop.address, {"perunit_session": "chosen-by-somebody-else"})
    victim.sign_in("kim", GOOD)
    assert victim.cookies["perunit_session"] != "chosen-by-somebody-else"
    before = Browser(shop.address, dict(victim.cookies))
    victim.sign_in("kim", GOOD)
    assert before.send("GET", "/api/v1/session").body["user"] is None
    assert victim.send("GET", "/api/v1/session").body["user"]["name"] == "kim"


def test_signing_out_ends_the_session_and_not_only_the_cookie(kim: Browser) -> None:
    """Whoever copied the cookie has nothing."""
    copied = Browser(kim.address, dict(kim.cookies), kim.csrf)
    assert kim.send("DELETE", "/api/v1/session").status == 204
    assert kim.cookies == {}
    assert copied.send("GET", "/api/v1/users").status == 401


FORGED: dict[str, dict[str, str | None]] = {
    "no token": {"x_csrf_token": None},
    "another token": {"x_csrf_token": "x" * 43},
    "an empty token": {"x_csrf_token": ""},
    "another site": {"sec_fetch_site": "cross-site"},
    "a neighbour": {"sec_fetch_site": "same-site"},
    "another origin": {"origin": "https://evil.example", "sec_fetch_site": None},
    "a port beside": {"origin": "http://127.0.0.1:1", "sec_fetch_site": None},
    "an origin that is hidden": {"origin": "null", "sec_fetch_site": None},
    "an origin that is none": {"origin": "http://[", "sec_fetch_site": None},
}


@pytest.mark.parametrize("forged", FORGED)
def test_another_sites_page_changes_nothing(kim: Browser, forged: str) -> None:
    """Its requests may come with the cookie, but not with all the rest."""
    for method, path, body in (
        ("POST", "/api/v1/users", {"name": "mallory", "role": "admin"}),
        ("POST", "/api/v1/keys", {"name": "k", "scopes": ["facts:write"]}),
        ("DELETE", "/api/v1/session", None),
        ("PUT", "/api/v1/session/password", {"current": GOOD, "password": GOOD + "s"}),
        ("POST", "/api/v1/queries", {"queries": [{"measures": ["units"]}]}),
    ):
        answer = kim.send(method, path, body, **FORGED[forged])
        assert (answer.status, answer.body["title"]) == (403, "From another site"), path
    assert [user["name"] for user in kim.send("GET", "/api/v1/users").body] == ["kim"]


@pytest.mark.parametrize("forged", [name for name in FORGED if "token" not in name])
def test_another_sites_page_signs_nobody_in(kim: Browser, forged: str) -> None:
    """Not as somebody whose figures one would then add to."""
    stranger = Browser(kim.address)
    assert stranger.sign_in("kim", GOOD, **FORGED[forged]).status == 403
    assert stranger.send("POST", "/api/v1/session/ticket", {"ticket": "x"}, **FORGED[forged]).status == 403
    setup = {"token": "x", "name": "x", "password": "x"}
    assert stranger.send("POST", "/api/v1/setup", setup, **FORGED[forged]).status == 403


def test_a_form_of_another_site_is_not_even_read(kim: Browser) -> None:
    """A body must say that it is JSON, which a form cannot."""
    answer = kim.send("POST", "/api/v1/users", {"name": "x", "role": "admin"}, content_type="text/plain")
    assert answer.status == 422


def test_whoever_is_not_let_in_is_told_alike(kim: Browser, service: Service, shop: Served) -> None:
    """And told to wait after a few tries, with how long."""
    person(service.control, "robin")
    stranger = Browser(shop.address)
    tries = [stranger.sign_in(name, "wrong wrong wrong") for name in ("kim", "robin", "nobody")]
    assert {(each.status, json.dumps(each.body)) for each in tries} == {(401, json.dumps(tries[0].body))}
    assert not stranger.cookies
    for _ in range(5):
        late = stranger.sign_in("kim", "wrong wrong wrong")
    assert (late.status, late.headers["retry-after"]) == (429, "1")
    # Whoever is signed in already notices nothing.
    assert kim.send("GET", "/api/v1/users").status == 200


def test_one_changes_ones_own_password_by_knowing_it(kim: Browser) -> None:
    """Every other browser is signed out, this one goes on with another token."""
    other = Browser(kim.address)
    other.sign_in("kim", GOOD)
    assert kim.send("PUT", "/api/v1/session/password", {"password": "nine red foxes"}).status == 401
    assert kim.send("PUT", "/api/v1/session/password", {"current": GOOD, "password": "short"}).status == 422
    before = kim.cookies["perunit_session"]
    done = kim.send("PUT", "/api/v1/session/password", {"current": GOOD, "password": "nine red foxes"})
    assert (done.status, done.body["has_password"]) == (200, True)
    assert kim.cookies["perunit_session"] != before
    assert kim.send("GET", "/api/v1/users").status == 200
    assert other.send("GET", "/api/v1/users").status == 401
    assert other.sign_in("kim", GOOD).status == 401
    assert other.sign_in("kim", "nine red foxes").status == 200


def test_a_ticket_signs_in_once_and_lets_choose_a_password(kim: Browser) -> None:
    """From making the account to the person's own password."""
    made = kim.send("POST", "/api/v1/users", {"name": "robin", "role": "finance", "rows": {"region": ["eu"]}})
    assert made.status == 201
    ticket = kim.send("POST", f"/api/v1/users/{made.body['id']}/ticket")
    link = urlsplit(ticket.body["url"])
    assert f"{link.scheme}://{link.netloc}{link.path}" == f"{kim.address}/login"
    given = {"ticket": parse_qs(link.query)["ticket"][0]}
    robin = Browser(kim.address)
    session = robin.send("POST", "/api/v1/session/ticket", given)
    assert (session.status, session.body["user"]["name"], session.body["has_password"]) == (200, "robin", False)
    assert session.body["rows"] == {"region": ["eu"]}
    assert robin.send("PUT", "/api/v1/session/password", {"password": GOOD}).status == 200
    assert Browser(kim.address).send("POST", "/api/v1/session/ticket", given).status == 401


def test_people_and_keys_are_for_who_may(kim: Browser, service: Service) -> None:
    """Each route, for somebody without the permission, and for nobody."""
    robin_id = person(service.control, "robin", password=GOOD)
    robin = Browser(kim.address)
    robin.sign_in("robin", GOOD)
    for method, path, body in (
        ("GET", "/api/v1/users", None),
        ("POST", "/api/v1/users", {"name": "x", "role": "viewer"}),
        ("PATCH", f"/api/v1/users/{robin_id}", {"role": "admin"}),
        ("DELETE", f"/api/v1/users/{robin_id}", None),
        ("POST", f"/api/v1/users/{robin_id}/ticket", None),
        ("GET", "/api/v1/keys", None),
        ("POST", "/api/v1/keys", {"name": "x", "scopes": ["facts:write"]}),
        ("DELETE", "/api/v1/keys/1", None),
    ):
        assert robin.send(method, path, body).status == 403, path
        assert Browser(kim.address).send(method, path, body).status == 401, path
    assert [role["name"] for role in robin.send("GET", "/api/v1/roles").body] == [role.value for role in Role]


def test_another_role_holds_at_once(kim: Browser, service: Service) -> None:
    """The session ends; so does a disabled person's, and the last administrator cannot be taken away."""
    robin_id = person(service.control, "robin", password=GOOD)
    robin = Browser(kim.address)
    robin.sign_in("robin", GOOD)
    changed = kim.send("PATCH", f"/api/v1/users/{robin_id}", {"role": "viewer"})
    assert (changed.status, changed.body["role"]) == (200, "viewer")
    assert robin.send("GET", "/api/v1/roles").status == 401
    assert "measures:financial" not in robin.sign_in("robin", GOOD).body["permissions"]
    assert kim.send("PATCH", f"/api/v1/users/{robin_id}", {"disabled": True}).body["disabled_at"]
    assert robin.sign_in("robin", GOOD).status == 401
    own = kim.send("GET", "/api/v1/session").body["user"]["id"]
    assert kim.send("DELETE", f"/api/v1/users/{own}").status == 409
    assert kim.send("DELETE", f"/api/v1/users/{robin_id}").status == 204
    assert kim.send("DELETE", f"/api/v1/users/{robin_id}").status == 404


def test_a_key_is_shown_once_and_cannot_make_others(kim: Browser, shop: Served) -> None:
    """It asks without cookie and token; revoked, it opens nothing."""
    made = kim.send("POST", "/api/v1/keys", {"name": "report", "scopes": ["keys:manage", "people:manage"]})
    text = made.body["key"]
    assert text.startswith(made.body["prefix"])
    assert "key" not in kim.send("GET", "/api/v1/keys").body[0]
    program = {"authorization": f"Bearer {text}"}
    assert shop.send("GET", "/api/v1/users", **program).status == 200
    body = json.dumps({"name": "x", "scopes": ["keys:manage"]}).encode()
    assert shop.send("POST", "/api/v1/keys", body, content_type="application/json", **program).status == 403
    body = json.dumps({"current": GOOD, "password": GOOD}).encode()
    assert shop.send("PUT", "/api/v1/session/password", body, content_type="application/json", **program).status == 409
    assert shop.send("GET", "/api/v1/users", authorization="Bearer pu_wrong").status == 401
    assert shop.send("GET", "/api/v1/users", authorization="Basic a2ltOmtpbQ==").status == 401


PUBLIC = {
    ("GET", "/api/v1/session"),
    ("POST", "/api/v1/session"),
    ("POST", "/api/v1/session/ticket"),
    ("POST", "/api/v1/setup"),
    ("GET", "/api/v1/oidc/start"),
    ("GET", "/api/v1/oidc/callback"),
}


def test_every_route_of_the_api_says_who_may_call_it(service: Service) -> None:
    """By asking for its viewer; those of the way in alone do without."""
    with listening(service, Limits()) as served:
        described = served.send("GET", "/api/v1/openapi.json").body["paths"]
        for path, methods in described.items():
            if not path.startswith("/api/v1/") or path == "/api/v1/write":
                continue
            for method in methods:
                where = path.replace("{id}", "1").replace("{type}", "order").replace("{book}", "cloud")
                answer = Browser(served.address).send(method.upper(), where, {} if method != "get" else None)
                public = (method.upper(), path) in PUBLIC
                assert (answer.status == 401) is not public, (method, path, answer.status)


def test_what_is_asked_is_small(kim: Browser) -> None:
    """A body that is too long is refused before anybody has signed in."""
    answer = Browser(kim.address).sign_in("x" * (3 << 20), "x")
    assert answer.status == 413


def test_no_token_is_in_the_log(kim: Browser, shop: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Nor a password, however a request goes."""
    with caplog.at_level(logging.DEBUG):
        made = kim.send("POST", "/api/v1/keys", {"name": "k", "scopes": ["facts:write"]}).body["key"]
        shop.send("GET", "/api/v1/users", authorization=f"Bearer {made}")
        Browser(shop.address).sign_in("kim", "wrong pass words")
        Browser(shop.address).send("GET", "/api/v1/oidc/callback?code=c0de-c0de&state=st4te-st4te")
        Browser(shop.address).send("GET", "/login?ticket=t1cket-t1cket")
    perunits = [record for record in caplog.records if record.name.startswith("perunit")]
    said = "\n".join(f"{record.getMessage()} {getattr(record, 'said', '')}" for record in perunits)
    secrets = (made, "wrong pass words", "c0de-c0de", "st4te-st4te", "t1cket-t1cket", str(kim.csrf))
    assert perunits
    for secret in (*secrets, *kim.cookies.values()):
        assert secret not in said


@pytest.fixture
def identity() -> Iterator[IdentityProvider]:
    """Our own provider."""
    with provider() as running:
        yield running


@pytest.fixture
def joined(tmp_path: Path, identity: IdentityProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A perunit whose people sign in there."""
    write_project(tmp_path, "ecommerce")
    contract = tmp_path / "perunit.yaml"
    oidc: dict[str, Any] = {"issuer": identity.issuer, "client_id": CLIENT, "client_secret_env": "OIDC_SECRET"}
    access = {"access": {"oidc": oidc | {"name": "Example ID", "roles": {"finance": "finance"}}}}
    contract.write_text(contract.read_text() + yaml.safe_dump(access))
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    with in_process(tmp_path) as running, listening(running, Limits()) as served:
        yield served


def through(browser: Browser, return_to: str) -> Any:
    """The way there and back, as a browser goes it; the answer of the callback."""
    there = browser.send("GET", f"/api/v1/oidc/start?return_to={return_to}")
    assert there.status == 303
    back = urlsplit(httpx.get(there.headers["location"], follow_redirects=False).headers["location"])
    assert f"{back.scheme}://{back.netloc}" == browser.address
    return browser.send("GET", f"{back.path}?{back.query}", sec_fetch_site="cross-site", origin=None)


def test_the_provider_signs_people_in(joined: Served) -> None:
    """And the browser goes on where it wanted to; elsewhere it is not led."""
    browser = Browser(joined.address)
    assert browser.send("GET", "/api/v1/session").body["oidc"] == {"name": "Example ID"}
    answer = through(browser, "/prices%3Ff%3Dregion")
    assert (answer.status, answer.headers["location"]) == (303, "/prices?f=region")
    session = browser.send("GET", "/api/v1/session").body
    assert (session["user"]["name"], session["user"]["role"], session["has_password"]) == ("kim", "finance", False)
    assert set(browser.cookies) == {"perunit_session"}
    assert through(Browser(joined.address), "https%3A%2F%2Fevil.example").headers["location"] == "/"
    assert browser.send("PUT", "/api/v1/session/password", {"password": GOOD}).status == 409


def test_a_sign_in_that_another_browser_began_signs_nobody_in(joined: Served, identity: IdentityProvider) -> None:
    """The state must be in the browser's own cookie: its person would otherwise be somebody else unawares."""
    attacker, victim = Browser(joined.address), Browser(joined.address)
    there = attacker.send("GET", "/api/v1/oidc/start")
    back = urlsplit(httpx.get(there.headers["location"], follow_redirects=False).headers["location"])
    for cookies in ({}, {"perunit_oidc": "another"}, {"perunit_oidc": ""}):
        victim.cookies = dict(cookies)
        answer = victim.send("GET", f"{back.path}?{back.query}")
        assert (answer.status, answer.headers["location"]) == (303, "/login?error=state")
    assert "perunit_session" not in victim.cookies
    state = attacker.cookies["perunit_oidc"]
    denied = attacker.send("GET", f"/api/v1/oidc/callback?error=access_denied&state={state}")
    assert denied.headers["location"] == "/login?error=denied"
    identity.person["groups"] = []
    assert through(Browser(joined.address), "/").headers["location"] == "/login?error=role"


def test_without_a_provider_its_way_leads_nowhere(shop: Served) -> None:
    """To the sign-in page, which says so."""
    for path in ("/api/v1/oidc/start", "/api/v1/oidc/callback?code=x&state=y"):
        assert Browser(shop.address).send("GET", path).headers["location"] == "/login?error=provider"


def test_sessions_that_were_ended_are_nobodys(kim: Browser, service: Service) -> None:
    """By the command line too, which works beside the server."""
    with service.control.session() as session:
        accounts.set_password(session, accounts.find_user(session, "kim"), "nine red foxes", 12)
    assert kim.send("GET", "/api/v1/users").status == 401


def test_who_came_in_is_written_down(kim: Browser, service: Service) -> None:
    """And who did not, who went, and what was changed of whom; while that cannot be written, nothing is changed."""
    Browser(kim.address).sign_in("kim", "wrong wrong wrong")
    robin = kim.send("POST", "/api/v1/users", {"name": "robin", "role": "viewer"}).body["id"]
    kim.send("DELETE", f"/api/v1/users/{robin}")
    with service.control.reading() as session:
        entries = session.query(AuditEntry).order_by(AuditEntry.seq).all()
    assert [(entry.action, entry.actor, entry.target) for entry in entries] == [
        ("login", "kim", "kim"),
        ("login_failed", "kim", "kim"),
        ("user_create", "kim", "robin"),
        ("user_change", "kim", "robin"),
    ]
    service.audit._failed = RuntimeError("disk full")
    refused = kim.send("POST", "/api/v1/users", {"name": "sam", "role": "viewer"})
    assert (refused.status, len(kim.send("GET", "/api/v1/users").body)) == (503, 1)
