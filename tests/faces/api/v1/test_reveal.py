"""The id behind a pseudonym over HTTP, and that nothing else over HTTP has it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from tests.faces.serving import Served, event, serving

from perunit.contract.read import read_project
from perunit.faces.cli.init import write_project
from perunit.facts.privacy.keys import key_path, make_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALICE = "alice.liddell@wonder.example"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The template's shop whose users have pseudonyms, with an order of Alice's."""
    project = tmp_path_factory.mktemp("shop")
    write_project(project, "ecommerce")
    contract = project / "perunit.yaml"
    contract.write_text(contract.read_text() + "\nprivacy: {pseudonymize: [user]}\n")
    make_keys(key_path(read_project(project)))
    with serving(project) as served:
        order = event("alice")
        order["data"]["user_id"] = ALICE
        assert served.post(order).body["accepted"] == 1
        yield served
        assert served.stop() == 0


def pseudonym(shop: Served) -> str:
    """Alice's."""
    for _ in range(100):
        if units := shop.send("GET", "/api/v1/units/user").body["units"]:
            return str(units[0]["id"])
        time.sleep(0.1)
    raise AssertionError("no user came up within 10 s")


def said(body: dict[str, str]) -> bytes:
    """A body."""
    return json.dumps(body).encode()


def units(shop: Served, count: int) -> list[dict[str, str]]:
    """The users, once they are as many."""
    for _ in range(100):
        found: list[dict[str, str]] = shop.send("GET", "/api/v1/units/user").body["units"]
        if len(found) == count:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not {count} users within 10 s")


def test_it_is_shown_for_a_reason_and_written_down(shop: Served) -> None:
    """By the pseudonym alone."""
    key = pseudonym(shop)
    path = f"/api/v1/units/user/{key}/reveal"
    assert shop.send("POST", path, said({"reason": " "}), content_type="application/json").status == 422
    answer = shop.send("POST", path, said({"reason": "a refund"}), content_type="application/json")
    assert (answer.status, answer.body) == (200, {"id": ALICE})
    (entry,) = shop.send("GET", "/api/v1/audit?action=reveal").body["entries"]
    assert (entry["target"], entry["details"]["reason"]) == (f"user/{key}", "a refund")


def test_a_receipt_is_found_by_the_id_that_services_know(shop: Served) -> None:
    """And shows the pseudonym."""
    answer = shop.send("GET", f"/api/v1/units/user/{ALICE}")
    assert answer.status == 200
    assert (ALICE in json.dumps(answer.body), pseudonym(shop) in json.dumps(answer.body)) == (False, True)
    assert shop.send("GET", "/api/v1/units/user/nobody@wonder.example").status == 404


def test_no_file_has_the_id(shop: Served) -> None:
    """Neither data nor audit nor log, whoever was asked for by it."""
    shop.send("GET", f"/api/v1/units/user/{ALICE}")
    shop.send("GET", "/api/v1/audit")
    files = [path for path in shop.project.rglob("*") if path.is_file()]
    assert any(path.name == "serve.log" for path in files)
    assert [path for path in files if ALICE.encode() in path.read_bytes()] == []


def test_backups_leave_the_keys_where_they_are(shop: Served, tmp_path: Path) -> None:
    """They are kept apart."""
    shop.ask("backup", str(tmp_path / "copy"))
    secret = key_path(read_project(shop.project)).read_bytes().splitlines()
    copied = b"".join(path.read_bytes() for path in (tmp_path / "copy").rglob("*") if path.is_file())
    assert (tmp_path / "copy" / "perunit.yaml").is_file()
    assert not any(line.strip() and len(line) > 40 and line in copied for line in secret)


def test_somebody_is_erased_while_facts_come_in(shop: Served) -> None:
    """Her page is no more, the sums stay, and the log does not say who it was."""
    alice, order = pseudonym(shop), event("carol")
    order["data"] |= {"user_id": "carol-of-the-other-shop", "region": "carol-of-the-other-shop"}
    assert shop.post(order).body["accepted"] == 1
    (key,) = {each["id"] for each in units(shop, 2)} - {alice}
    total = shop.send("GET", "/api/v1/query?measure=revenue").body["rows"]
    path = f"/api/v1/units/user/{key}/erase"
    answer = shop.send("POST", path, said({"reason": "request of 3 May"}), content_type="application/json")
    assert (answer.status, answer.body) == (200, {"facts": 1})
    assert shop.send("GET", f"/api/v1/units/user/{key}").status == 404
    assert shop.send("GET", "/api/v1/query?measure=revenue").body["rows"] == total
    assert shop.send("POST", path, said({"reason": "again"}), content_type="application/json").status == 404
    # The writer remembers nothing of her: what she does next is of a new unit, in the same segments.
    again = event("carol-2")
    again["data"] |= {"user_id": "carol-of-the-other-shop", "region": "carol-of-the-other-shop"}
    assert shop.post(order).body["accepted"] == 0
    assert shop.post(again).body["accepted"] == 1
    assert {each["id"][:3] for each in units(shop, 3)} == {"p0_", "p1_"}
    asked = shop.ask("privacy", "erase", "user", "carol-of-the-other-shop", "--reason", "again")
    assert asked["facts"] == 1
    entries = shop.send("GET", "/api/v1/audit?action=erase").body["entries"]
    assert {each["target"] for each in entries} == {"user"}
    assert key not in json.dumps(entries)
    assert "carol" not in json.dumps(entries)
