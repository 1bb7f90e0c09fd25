"""What guards every answer: headers for browsers, hosts that are answered for, and keys at the doors."""

from __future__ import annotations

import json
import socket
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.access.people import GOOD, person
from tests.faces.api.browsing import Browser
from tests.faces.serving import HTTP, Served, event, in_process, listening

from perunit.access.keys import make_key
from perunit.access.permit import OWNER, Permission, Role, Viewer
from perunit.faces.api.body import Limits
from perunit.faces.api.headers import CSP
from perunit.faces.cli.init import write_project
from perunit.live.service import is_loopback
from perunit.model.window import system_clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from perunit.live.service import Service


@contextmanager
def guarded(where: Path, host: str = "127.0.0.1", **access: Any) -> Iterator[tuple[Service, Served]]:
    """A perunit that believes to listen to `host`."""
    write_project(where, "ecommerce")
    contract = where / "perunit.yaml"
    contract.write_text(contract.read_text() + yaml.safe_dump({"access": access}))
    with in_process(where) as running:
        service = replace(running, settings=replace(running.settings, host=host))
        with listening(service, Limits()) as served:
            yield service, served


def key_of(service: Service, *scopes: Permission, **more: Any) -> dict[str, str]:
    """The header of a key."""
    with service.control.session() as session:
        by = Viewer(None, "tests", None, OWNER, "owner")
        text = make_key(session, by, system_clock(), name="k", scopes=scopes, **more)[1]
    return {"authorization": f"Bearer {text}"}


def status(served: Served, path: str, **headers: str) -> int:
    """Of a GET as such, with no key that the helper would add."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HTTP.request("GET", f"{served.address}{path}", headers=named).status


def test_every_answer_tells_a_browser_what_it_may(tmp_path: Path) -> None:
    """Pages, answers, refusals, unknown paths and hosts alike; answers of the API are not kept."""
    with guarded(tmp_path) as (_, served):
        for path in ("/healthz", "/api/v1/session", "/api/v1/users", "/api/v1/none", "/none", "/executive", "/metrics"):
            found = HTTP.request("GET", f"{served.address}{path}").headers
            assert found["content-security-policy"] == CSP, path
            assert found["x-content-type-options"] == "nosniff"
            assert found["x-frame-options"] == "DENY"
            assert found["referrer-policy"] == "no-referrer"
            assert found["cross-origin-opener-policy"] == found["cross-origin-resource-policy"] == "same-origin"
            assert "strict-transport-security" not in found
            assert ("no-store" in found.get("cache-control", "")) is path.startswith("/api/"), path
        assert "unsafe" not in CSP
        assert HTTP.request("GET", f"{served.address}/", headers={"host": "x"}).headers["x-frame-options"] == "DENY"


def test_behind_https_cookies_and_browsers_keep_to_it(tmp_path: Path) -> None:
    """Where people reach it is said by the contract: what a client says of a proxy is not believed."""
    with guarded(tmp_path, url="https://perunit.example.com") as (service, served):
        person(service.control, "kim", Role.admin, password=GOOD)
        browser = Browser(served.address)
        own: dict[str, str | None] = {"origin": "https://perunit.example.com", "host": "perunit.example.com"}
        answer = browser.sign_in("kim", GOOD, **own)
        assert answer.status == 200
        assert "Secure" in browser.set_cookies[0]
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        path = "/api/v1/users/1/ticket"
        assert browser.send("POST", path, **own).body["url"].startswith("https://perunit.example.com/")
        assert browser.send("POST", path, **own | {"origin": "http://perunit.example.com"}).status == 403
        assert Browser(served.address).sign_in("kim", GOOD, **own | {"origin": "https://evil.example"}).status == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8321", "127.0.0.1.evil.example", "localhost.evil", "192.0.2.1", ""]
)
def test_a_strangers_name_for_this_machine_is_not_answered(tmp_path: Path, host: str) -> None:
    """On loopback none but its own, not even at the doors: a page of theirs could otherwise send and read."""
    with guarded(tmp_path) as (_, served):
        for path in ("/", "/api/v1/session", "/metrics", "/v1/events", "/healthz"):
            assert status(served, path, host=host) == 421, path
        for own in ("127.0.0.1", "localhost:99", "LOCALHOST", "[::1]:8321"):
            assert status(served, "/api/v1/session", host=own) == 200


def test_two_hosts_are_none(tmp_path: Path) -> None:
    """A proxy might look at one and perunit at the other."""
    with guarded(tmp_path) as (_, served), socket.create_connection(served.endpoint) as raw:
        raw.sendall(b"GET /api/v1/session HTTP/1.1\r\nhost: localhost\r\nhost: evil\r\nconnection: close\r\n\r\n")
        assert raw.recv(1000).split()[1] in {b"400", b"421"}


def test_elsewhere_it_answers_for_its_names_and_addresses(tmp_path: Path) -> None:
    """Programs may call the doors by whatever name their network has, for there keys let them in."""
    with guarded(tmp_path, "0.0.0.0", hosts=["perunit.internal"]) as (_, served):
        for host, known in (("perunit.internal", 200), ("10.1.2.3:80", 200), ("[fd00::1]", 200), ("evil.example", 421)):
            assert status(served, "/api/v1/session", host=host) == known, host
        assert status(served, "/healthz", host="pod-7.svc") == 200
        assert status(served, "/metrics", host="pod-7.svc") == 401


DOORS = ("/v1/events", "/v1/traces", "/v1/metrics", "/v1/logs", "/api/v1/write")


@pytest.mark.parametrize(("host", "access"), [("0.0.0.0", {}), ("10.0.0.1", {}), ("127.0.0.1", {"doors": "keys"})])
def test_where_others_reach_it_doors_need_a_key(tmp_path: Path, host: str, access: dict[str, Any]) -> None:
    """With the right to send; a browser that is signed in has none."""
    with guarded(tmp_path, host, **access) as (service, served):
        person(service.control, "kim", Role.admin, password=GOOD)
        browser = Browser(served.address)
        browser.sign_in("kim", GOOD)
        for door in DOORS:
            plain = {"authorization": ""}
            for headers in (plain, {"authorization": "Bearer pu_" + "a" * 43}, {"authorization": "pu_"}):
                answer = served.send("POST", door, b"", **headers)
                assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer"), door
                assert "perunit keys add" in answer.body["detail"]
            assert browser.send("POST", door, {}).status == 401
            assert served.send("POST", door, b"", **key_of(service, Permission.OPERATIONAL)).status == 403
            assert served.send("POST", door, b"", **key_of(service, Permission.INGEST)).status not in {401, 403}
        sent = served.post(event(1), **key_of(service, Permission.INGEST))
        assert (sent.status, sent.body["accepted"]) == (200, 1)
        assert served.send("POST", "/v1/stripe", b"").status == 404
        assert [status(served, path) for path in ("/healthz", "/readyz")] == [200, 200]


def test_metrics_need_a_key_and_money_one_for_money(tmp_path: Path) -> None:
    """Of every segment: so a key that is limited to rows is not enough."""
    with guarded(tmp_path, doors="keys") as (service, served):
        sends, looks = key_of(service, Permission.INGEST), key_of(service, Permission.OPERATIONAL)
        money = key_of(service, Permission.FINANCIAL)
        some = key_of(service, Permission.FINANCIAL, rows={"region": ["eu"]})
        found = {
            path: [status(served, path, **headers) for headers in ({}, sends, looks, some, money)]
            for path in ("/metrics", "/metrics/segments")
        }
    assert found == {"/metrics": [401, 200, 200, 403, 403], "/metrics/segments": [401, 403, 403, 403, 200]}


def test_on_this_machine_or_where_it_is_said_doors_are_open(tmp_path: Path) -> None:
    """Figures never are."""
    for number, (host, access) in enumerate((("::1", {}), ("0.0.0.0", {"doors": "open"}))):
        with guarded(tmp_path / str(number), host, **access) as (_, served):
            assert served.post(event(1)).status == 200
            assert status(served, "/metrics/segments") == 200
            assert status(served, "/api/v1/project") == 401


def test_the_key_is_looked_at_before_the_body(tmp_path: Path) -> None:
    """Whoever has none cannot make perunit hold what they send."""
    with guarded(tmp_path, doors="keys") as (_, served), socket.create_connection(served.endpoint) as raw:
        raw.settimeout(10)
        raw.sendall(b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9000000\r\n\r\n[")
        assert raw.recv(1000).startswith(b"HTTP/1.1 401 ")


ALONE = {"127.0.0.1", "127.9.9.9", "::1", "localhost"}


@pytest.mark.parametrize("host", [*sorted(ALONE), "0.0.0.0", "::", "127.0.0.1.evil", "10.0.0.1", ""])
def test_loopback_is_what_this_machine_alone_reaches(host: str) -> None:
    """Doors are open there by default, so a name that only looks like it is not."""
    assert is_loopback(host) is (host in ALONE)


def test_problems_say_what_is_wrong_in_json(tmp_path: Path) -> None:
    """Also to whoever came by a wrong name."""
    with guarded(tmp_path) as (_, served):
        answer = HTTP.request("GET", f"{served.address}/api/v1/session", headers={"host": "evil.example"})
        body = json.loads(answer.data)
        assert (body["title"], body["type"]) == ("Another host", "urn:perunit:problem:another-host")
        assert "add the name to access.hosts" in body["detail"]
