"""Price books over HTTP: what is in force, what a draft would mean, and its way into force and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from perunit.model.plain import plain_value

from .workplace import office, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Running

DATED = ("effective_from", "effective_to", "approved_at")
NUMBERS = ("price", "per", "unit_price")


@pytest.fixture(scope="module")
def shop(studio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The company, whose prices may change."""
    with office(studio, tmp_path_factory.mktemp("prices")) as found:
        yield found


def draft_of(shop: Running) -> str:
    """The cloud's book in which every processor second costs more from 1 October 2030 on."""
    text: str = shop.get("/prices/cloud")["versions"][0]["content"]
    return text.replace("0.0475", "0.0575")


def post(shop: Running, path: str, who: str = "owner", **body: Any) -> Any:
    """The answer to a change."""
    return shop.send("POST", f"/api/v1/prices/{path}", body=body, who=who)


def as_api(rate: dict[str, Any]) -> dict[str, Any]:
    """A rate of the command line with exact numbers and times as the API has them."""
    found = dict(rate)
    for name in NUMBERS:
        found[name] = plain_value(Decimal(rate[name]))
    for name in DATED:
        at = rate[name] and datetime.fromisoformat(str(rate[name])).replace(tzinfo=UTC)
        found[name] = plain_value(at)
    return found


def test_every_rate_is_as_the_command_line_lists_it(shop: Running) -> None:
    """Of every book and version, with its status and approval."""
    listed = [
        rate
        for book in shop.get("/prices")["books"]
        for version in shop.get(f"/prices/{book['book']}")["versions"]
        for rate in version["listed"]
    ]
    said = [as_api(rate) for rate in told(shop, "prices", "list", "--all")]
    order = lambda rate: rate["rate_id"]  # noqa: E731
    assert sorted(listed, key=order) == sorted(said, key=order)
    cloud = next(book for book in shop.get("/prices")["books"] if book["book"] == "cloud")
    assert cloud["in_force"] == 1
    assert cloud["versions"][0]["status"] == "in force"


def test_a_draft_is_checked_compared_and_replayed(shop: Running) -> None:
    """As diff and preview of the command line say; it is kept where they look, and nothing else changes."""
    refused = post(shop, "cloud/drafts", text=draft_of(shop), **{"from": "soon"})
    assert refused.status == 400
    answer = post(shop, "cloud/drafts", text=draft_of(shop), by=["region"])
    assert answer.status == 200, answer.body
    made = answer.body
    assert (made["draft"], made["faults"]) == ("cloud.yaml", [])
    assert made["diff"] == told(shop, "prices", "diff", "cloud.yaml")
    assert made["diff"]["changes"]
    assert made["impact"] == told(shop, "prices", "preview", "cloud.yaml", "--by", "region")
    assert shop.get("/prices/cloud/diff", to="cloud.yaml") == made["diff"]
    (kept,) = shop.get("/prices")["drafts"]
    assert (kept["draft"], kept["book"], kept["digest"]) == ("cloud.yaml", "cloud", made["digest"])
    assert shop.get("/prices/cloud")["drafts"][0]["text"] == draft_of(shop)


def test_another_draft_is_not_overwritten_unseen(shop: Running) -> None:
    """Only by whoever has read it; and a draft that is only to be looked at is not kept."""
    mine = draft_of(shop) + "# mine\n"
    assert post(shop, "cloud/drafts", text=mine).status == 409
    assert post(shop, "cloud/drafts", text=mine, keep=False).body["draft"] is None
    theirs = shop.get("/prices")["drafts"][0]["digest"]
    made = post(shop, "cloud/drafts", text=mine, replaces=theirs).body
    assert shop.get("/prices")["drafts"][0]["digest"] == made["digest"] != theirs
    assert post(shop, "cloud/drafts", text=draft_of(shop), replaces=made["digest"]).status == 200


@pytest.mark.parametrize(
    "text",
    [
        "book: cloud\nversion: 1\ncurrency: USD\nrates:\n  - {meter: nonsense, price: x}\n",
        "][",
        "book: models\n",
        "a: &a [*a]",
        "book: cloud\nversion: 1\ncurrency: USD\nrates:\n"
        "  - {meter: cpu_seconds, price: 1, per: 1, unit: By, effective_from: 2026-01-01}\n",
    ],
)
def test_faults_name_their_places_and_nothing_is_kept(shop: Running, text: str) -> None:
    """Of a text that is no book, or another one."""
    before = shop.get("/prices")["drafts"]
    made = post(shop, "cloud/drafts", text=text)
    assert made.status == 200, made.body
    assert made.body["draft"] is made.body["impact"] is None
    assert made.body["faults"]
    assert all(fault["place"] and fault["mend"] for fault in made.body["faults"])
    assert {fault["file"] for fault in made.body["faults"]} == {"prices/drafts/cloud.yaml"}
    assert shop.get("/prices")["drafts"] == before


@pytest.mark.parametrize(
    "book", ["..%2Fdrafts", "%2e%2e", "cloud%00", "Cloud", "nobook", "cloud%2F..%2Fcloud", "a" * 60]
)
def test_a_book_is_one_that_is_there(shop: Running, book: str) -> None:
    """No other name comes near a file."""
    files = sorted(path for path in shop.service.project.root.rglob("*.yaml"))
    for method, path in (
        ("GET", ""),
        ("GET", "/diff"),
        ("POST", "/drafts"),
        ("POST", "/approve"),
        ("POST", "/rollback"),
    ):
        body = {"/drafts": {"text": draft_of(shop)}, "/approve": {"draft": "cloud.yaml", "reason": "x"}}.get(
            path, {"to": 1, "reason": "x"}
        )
        answer = shop.send(method, f"/api/v1/prices/{book}{path}", body=body if method == "POST" else None)
        assert answer.status in {404, 405, 422}, (path, answer.body)
    assert sorted(path for path in shop.service.project.root.rglob("*.yaml")) == files


@pytest.mark.parametrize(
    "name", ["../../perunit.yaml", "/etc/passwd", "../cloud.yaml", "no.yaml", "prices/drafts/cloud.yaml"]
)
def test_a_draft_is_one_that_is_listed(shop: Running, name: str) -> None:
    """No other file is read or approved."""
    assert post(shop, "cloud/approve", draft=name, reason="x").status == 404
    assert shop.send("GET", f"/api/v1/prices/cloud/diff?to={name}").status == 404


def test_who_may_not_changes_nothing(shop: Running) -> None:
    """Neither without the permission nor with some rows only."""
    before = told(shop, "prices", "list", "--all")
    for who in ("nobody", "european"):
        assert post(shop, "cloud/drafts", who, text=draft_of(shop)).status == 403
        assert post(shop, "cloud/approve", who, draft="cloud.yaml", reason="x").status == 403
        assert post(shop, "cloud/rollback", who, to=1, reason="x").status == 403
    assert shop.send("GET", "/api/v1/prices", who="nobody").status == 403
    assert told(shop, "prices", "list", "--all") == before


def test_approved_prices_are_in_force_for_the_command_line_too(shop: Running) -> None:
    """Past prices change only where that is said; the approval is noted beside the figures, and can be taken back."""
    digest = shop.get("/prices")["drafts"][0]["digest"]
    refused = post(shop, "cloud/approve", draft="cloud.yaml", reason="list prices")
    assert refused.status == 409, refused.body
    assert refused.body["past"]["from"] == "2026-09-29T14:00:00Z"
    assert post(shop, "cloud/approve", draft="cloud.yaml", reason="x", digest="0" * 64, reprice_past=True).status == 409
    assert post(shop, "cloud/approve", draft="cloud.yaml", reason=" ").status == 422
    assert post(shop, "cloud/approve", draft="cloud.yaml", version=2, reason="x").status == 400
    assert shop.get("/prices/cloud")["in_force"] == 1
    said = {"draft": "cloud.yaml", "reason": "list prices", "digest": digest, "reprice_past": True}
    made = post(shop, "cloud/approve", **said)
    assert made.status == 201, made.body
    assert (made.body["version"], made.body["actor"]) == (2, "owner")
    assert {rate["approved_by"] for rate in told(shop, "prices", "list") if rate["rate_id"].startswith("cloud@2")} == {
        "owner"
    }
    found = shop.get("/prices/cloud")
    assert (found["in_force"], found["drafts"]) == (2, [])
    assert shop.get("/prices/cloud/diff", from_=1, to=2) == told(shop, "prices", "diff", "cloud@1", "cloud@2")
    (noted,) = shop.get("/annotations", kind="price_change")["annotations"]
    assert (noted["title"], noted["text"], noted["created_by"]) == ("cloud@2", "list prices", "owner")
    assert datetime.fromisoformat(noted["start"]) == min(
        datetime.fromisoformat(change["from"]) for change in shop.get("/prices/cloud/diff")["changes"]
    )
    back = post(shop, "cloud/rollback", to=1, reason="too early", reprice_past=True)
    assert (back.status, back.body["version"], back.body["rolled_back_to"]) == (201, 3, 1)
    assert json.dumps(told(shop, "prices", "diff", "cloud@1", "cloud@3")["changes"]) == "[]"
    assert post(shop, "cloud/rollback", to=9, reason="x").status == 400
