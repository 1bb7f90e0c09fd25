"""Attacks on all of the API at once: each is tried at every operation that OpenAPI knows, and at every door.

docs/hardening.md has the list of what is tried, with the test that tries it.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from tests.access.people import GOOD, person
from tests.access.test_matrix import METHODS, PUBLIC
from tests.faces.api.browsing import Browser
from tests.faces.serving import HTTP, Served, in_process, listening

from perunit.access.permit import Role
from perunit.faces.api.body import Limits
from perunit.faces.cli.init import write_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perunit.live.service import Service

UNSAFE = ("post", "put", "patch", "delete")
LIMIT = 4 << 20


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running shop with an administrator and two engineers."""
    project = tmp_path_factory.mktemp("shop")
    write_project(project, "ecommerce")
    with in_process(project) as running:
        for name, role in (("kim", Role.admin), ("eve", Role.engineer), ("bob", Role.engineer)):
            person(running.control, name, role, password=GOOD)
        yield running


@pytest.fixture(scope="module")
def shop(service: Service) -> Iterator[Served]:
    """Its doors, whose bodies may have four megabytes."""
    with listening(service, Limits(body_bytes_max=LIMIT)) as served:
        yield served


def browser(shop: Served, name: str) -> Browser:
    """Somebody signed in."""
    found = Browser(shop.address)
    assert found.sign_in(name, GOOD).status == 200
    return found


@pytest.fixture(scope="module")
def described(shop: Served) -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = shop.send("GET", "/api/v1/openapi.json").body
    return found


def operations(described: dict[str, Any], *methods: str) -> list[tuple[str, str, str]]:
    """(operation, method, path) of those of the API with one of the methods; a number stands in its path."""
    return [
        (operation["operationId"], method, re.sub(r"\{\w+\}", "987654321", path))
        for path, by_method in described["paths"].items()
        for method, operation in by_method.items()
        if method in METHODS and method in methods and path.startswith("/api/v1/") and path != "/api/v1/write"
    ]


def test_no_change_is_made_by_another_sites_page(shop: Served, described: dict[str, Any]) -> None:
    """CSRF: with a person's cookie but without their token, or with one of somebody else, every change is refused."""
    kim, eve = browser(shop, "kim"), browser(shop, "eve")
    let = []
    for name, method, path in operations(described, *UNSAFE):
        if name in PUBLIC - {"signOut"}:
            continue
        for token in (None, "guessed", eve.csrf):
            answer = kim.send(method.upper(), path, {}, x_csrf_token=token)
            if answer.status != 403:
                let.append((name, token, answer.status))
    assert let == []


def test_what_is_anothers_is_not_to_be_had_by_its_number(shop: Served) -> None:
    """IDOR: a view that is not shared is not there for others, to read, change, share or delete."""
    eve, bob = browser(shop, "eve"), browser(shop, "bob")
    view = {"name": "mine", "page": "/debug", "state": "f=plan:pro", "shared": False}
    number = eve.send("POST", "/api/v1/views", view).body["id"]
    assert [each["id"] for each in bob.send("GET", "/api/v1/views").body["views"]] == []
    for method, body in (("PATCH", {"name": "ours"}), ("PATCH", {"shared": True}), ("DELETE", None)):
        assert bob.send(method, f"/api/v1/views/{number}", body).status in {403, 404}
    (kept,) = eve.send("GET", "/api/v1/views").body["views"]
    assert (kept["name"], kept["shared"]) == ("mine", False)
    note = {"kind": "note", "title": "eve's", "start": "2026-09-01T00:00:00Z"}
    noted = eve.send("POST", "/api/v1/annotations", note).body["id"]
    assert bob.send("DELETE", f"/api/v1/annotations/{noted}").status == 403
    for path in ("/api/v1/users/1", "/api/v1/keys/1"):
        assert bob.send("DELETE", path).status == 403


BOMBS = {
    "gzip": gzip.compress(bytes(64 << 20)),
    "zstd": zstandard.ZstdCompressor().compress(bytes(64 << 20)),
    # One bomb in another.
    "gzip, in itself": gzip.compress(gzip.compress(bytes(64 << 20)) * 200),
}
DOORS = {
    "/v1/events": "application/cloudevents-batch+json",
    "/v1/traces": "application/x-protobuf",
    "/v1/metrics": "application/json",
    "/v1/logs": "application/x-protobuf",
    "/api/v1/write": "application/x-protobuf",
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_little_that_becomes_much_is_refused(shop: Served, door: str, bomb: str) -> None:
    """Zip bombs: no more than a body may have is ever made of them; nothing of them is kept."""
    body = BOMBS[bomb]
    assert len(body) < LIMIT
    assert sent(shop, door, body, bomb.split(",")[0]) in {400, 413, 415, 422}


def sent(shop: Served, door: str, body: bytes, coding: str) -> int:
    """How a door answers; some do so in protobuf."""
    headers = {"content-type": DOORS[door], "content-encoding": coding}
    return HTTP.request("POST", f"{shop.address}{door}", body=body, headers=headers).status


def test_snappy_that_lies_about_its_length_is_refused(shop: Served) -> None:
    """Of remote write: a block that says it becomes four gigabytes, and one that copies from before its start."""
    for block in (b"\xff\xff\xff\xff\x0f" + b"\x00" * 64, b"\x40" + b"\xfe\xff\xff" * 20, zlib.compress(bytes(99))):
        assert sent(shop, "/api/v1/write", block, "snappy") in {400, 413, 415, 422}


def of_person(kim: Browser) -> dict[str, str]:
    """The headers of a person's own page."""
    cookie = "; ".join(f"{name}={value}" for name, value in kim.cookies.items())
    sent = {"cookie": cookie, "x-csrf-token": kim.csrf or "", "origin": kim.address, "sec-fetch-site": "same-origin"}
    return sent | {"content-type": "application/json"}


def test_no_body_is_read_beyond_its_limit(shop: Served, described: dict[str, Any]) -> None:
    """Oversized bodies: 413 at every operation that takes one, before it is understood."""
    kim = browser(shop, "kim")
    headers = of_person(kim)
    body = b'{"name": "' + b"x" * (2 * LIMIT) + b'"}'
    answers = {
        name: HTTP.request(method.upper(), f"{shop.address}{path}", headers=headers, body=body).status
        for name, method, path in operations(described, "post", "put", "patch")
    }
    takes = {
        each["operationId"]
        for by_method in described["paths"].values()
        for each in by_method.values()
        if "requestBody" in each
    }
    assert {name: status for name, status in answers.items() if name in takes and status not in {413, 422}} == {}


def test_what_is_nested_without_end_is_refused(shop: Served, described: dict[str, Any]) -> None:
    """Deep JSON: a problem, not the end of the process."""
    headers = of_person(browser(shop, "kim"))
    for deep in (b"[" * 50_000, b'{"a":' * 50_000, b"[" * 50_000 + b"]" * 50_000):
        for name, method, path in operations(described, "post", "patch"):
            answer = HTTP.request(method.upper(), f"{shop.address}{path}", headers=headers, body=deep)
            assert 400 <= answer.status < 500, (name, answer.status)
    door = shop.send("POST", "/v1/events", b"[" * 50_000, content_type="application/cloudevents-batch+json")
    assert 400 <= door.status < 500


def test_nobody_can_have_the_server_fetch_an_address(described: dict[str, Any]) -> None:
    """SSRF: what perunit fetches or sends to stands in perunit.yaml and the environment; of the API nothing is.

    An annotation's link is kept for people to click; it must be http or https, and nothing fetches it.
    """
    schemas = described["components"]["schemas"]
    taken: set[str] = set()
    for path, by_method in described["paths"].items():
        for method, operation in by_method.items():
            if method in UNSAFE and path.startswith("/api/v1/"):
                taken |= addresses(operation.get("requestBody", {}), schemas, set())
    assert taken == {"AnnotationBody.url"}


def addresses(found: Any, schemas: dict[str, Any], seen: set[str], owner: str = "") -> set[str]:
    """Every property whose name or form is that of an address, in a body and all that it is made of."""
    if isinstance(found, list):
        return set().union(*(addresses(each, schemas, seen, owner) for each in found))
    if not isinstance(found, dict):
        return set()
    named: set[str] = set()
    if isinstance(reference := found.get("$ref"), str) and reference not in seen:
        name = reference.rsplit("/", 1)[-1]
        named |= addresses(schemas[name], schemas, seen | {reference}, name)
    for name, part in found.get("properties", {}).items():
        if re.search(r"(?i)ur[il]|href|endpoint|webhook|host|address|link", name) or '"uri' in json.dumps(part):
            named.add(f"{owner}.{name}")
    rest = (part for name, part in found.items() if name != "$ref")
    return named.union(*(addresses(part, schemas, seen, owner) for part in rest))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.example"])
def test_a_link_that_is_kept_is_a_link(shop: Served, url: str) -> None:
    """Nothing that a click would run."""
    note = {"kind": "note", "title": url, "start": "2026-09-01T00:00:00Z", "url": url}
    assert browser(shop, "eve").send("POST", "/api/v1/annotations", note).status in {400, 422}


@pytest.mark.parametrize("name", ["k\u0456m", "kim ", "KIM", "ki\u200bm", "kim\u0000"])
def test_nobody_can_be_called_nearly_like_another(shop: Served, name: str) -> None:
    """Letters that look alike, spaces and signs without width make no second kim."""
    answer = browser(shop, "kim").send("POST", "/api/v1/users", {"name": name, "role": "viewer"})
    assert answer.status in {400, 409, 422}, answer.body
