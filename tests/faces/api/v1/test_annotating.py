"""Annotations, saved views, the contract, the glossary and the tour."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from perunit.access.permit import OWNER, Permission, Permit, Viewer
from perunit.faces.api.v1 import views
from perunit.faces.api.v1.contract import glossary_words, redacted
from perunit.facts.arrivals import DoorError
from perunit.store.control.models import User

from .workplace import office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Running


@pytest.fixture(scope="module")
def desk(studio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The company, with a control database to write to."""
    with office(studio, tmp_path_factory.mktemp("desk")) as found:
        yield found


def note(desk: Running, who: str = "owner", headers: dict[str, str] | None = None, **body: Any) -> Any:
    """The answer to an annotation."""
    return desk.send("POST", "/api/v1/annotations", body=body, who=who, **(headers or {}))


def test_what_happened_is_noted_once(desk: Running) -> None:
    """The same kind, title and start, or the same key, are the same annotation, whatever else is said."""
    said = {"kind": "deployment", "title": "v9", "start": "2026-09-25T10:00:00Z", "segments": {"region": "eu-west-1"}}
    made = note(desk, **said, url="https://ci.example/9")
    assert made.status == 201, made.body
    assert note(desk, **said).status == 200
    assert note(desk, **said).body == made.body
    keyed = {"idempotency_key": "build-10"}
    first = note(desk, headers=keyed, kind="flag", title="new checkout")
    again = note(desk, headers=keyed, kind="flag", title="new checkout, sent again")
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    found = desk.get("/annotations", from_="2026-09-25", to="2026-09-26", kind="deployment")["annotations"]
    assert [each["id"] for each in found if not each["derived"]] == [made.body["id"]]
    assert desk.send("DELETE", f"/api/v1/annotations/{made.body['id']}").status == 204
    assert desk.send("DELETE", f"/api/v1/annotations/{made.body['id']}").status == 404
    assert note(desk, **said).status == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "party"}, 422), ({"title": ""}, 422), ({"url": "javascript:alert(1)"}, 400), ({"start": "soon"}, 400),
        ({"url": "https://ada:pw@x.example/"}, 400), ({"segments": {"colour": "red"}}, 400), ({"by": "eve"}, 422),
        ({"start": "2026-09-02", "end": "2026-09-01"}, 400), ({"text": "x" * 6_000}, 422),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(desk: Running, body: dict[str, Any], status: int) -> None:
    """And leaves nothing."""
    before = desk.get("/annotations")
    assert note(desk, **({"kind": "note", "title": "x"} | body)).status == status
    assert note(desk, "operational", kind="note", title="x").status == 403
    assert note(desk, "nobody", kind="note", title="x").status == 403
    assert desk.get("/annotations") == before


def test_many_are_clustered(desk: Running) -> None:
    """At most as many as are asked for, which stand for all."""
    start = datetime(2027, 1, 1, tzinfo=UTC)
    for number in range(40):
        at = (start + timedelta(minutes=number * number)).isoformat()
        assert note(desk, kind="note", title=f"n{number}", start=at).status == 201
    found = desk.get("/annotations", from_="2027-01-01", to="2027-02-01", limit=7)
    assert found["total"] == 40
    assert 1 < len(found["annotations"]) <= 7
    assert sum(1 + each["clustered"] for each in found["annotations"]) == 40


def test_new_releases_are_deployments(desk: Running) -> None:
    """As far as facts name them, but those that were there from the start."""
    found = [each for each in desk.get("/annotations")["annotations"] if each["derived"]]
    assert found
    assert {each["kind"] for each in found} == {"deployment"}
    assert all(each["id"] is None and "release" in each["segments"] for each in found)


def test_annotations_of_other_segments_are_not_seen(desk: Running) -> None:
    """By a viewer who sees only some; nor any by who sees no figure."""
    for region in ("eu-west-1", "sa-east-1"):
        assert note(desk, kind="incident", title=region, segments={"region": region}).status == 201
    titles = {each["title"] for each in desk.get("/annotations", kind="incident", who="european")["annotations"]}
    assert titles == {"eu-west-1"}
    assert desk.send("GET", "/api/v1/annotations", who="nobody").status == 403


def person(desk: Running, name: str, permit: Permit = OWNER) -> Viewer:
    """A viewer with an account."""
    with desk.service.control.session() as session:
        made = User(name=name, role="viewer", created_at=desk.service.clock())
        session.add(made)
        session.flush()
        return Viewer(made.id, name, None, permit, "session")


def test_views_are_ones_own_until_they_are_shared(desk: Running) -> None:
    """Another's view is not there; a shared one is, and cannot be changed by others."""
    plain = Permit(frozenset({Permission.OPERATIONAL}))
    ada, eve = person(desk, "ada"), person(desk, "eve", plain)
    service = desk.service
    body = views.ViewBody(name="mine", page="/executive", state="range=7d", shared=False)
    mine = views._save(service, ada, body)
    assert [each["id"] for each in views._listed(service, ada)] == [mine["id"]]
    assert views._listed(service, eve) == []
    for attempt in (
        lambda: views._change(service, eve, mine["id"], views.ViewChange(name="hers")),
        lambda: views._delete(service, eve, mine["id"]),
    ):
        with pytest.raises(DoorError) as refused:
            attempt()
        assert refused.value.status == 404
    views._change(service, ada, mine["id"], views.ViewChange(shared=True))
    (seen,) = views._listed(service, eve)
    assert (seen["name"], seen["own"], seen["owner"]) == ("mine", False, "ada")
    with pytest.raises(DoorError) as refused:
        views._change(service, eve, mine["id"], views.ViewChange(name="hers"))
    assert refused.value.status == 403
    views._delete(service, ada, mine["id"])
    assert views._listed(service, eve) == []


def test_views_over_http(desk: Running) -> None:
    """Saved, listed, renamed, taken away; shared only with the permission; a page is one of here."""
    body = {"name": "week", "page": "/units/order", "state": "?range=7d", "shared": True}
    made = desk.send("POST", "/api/v1/views", body=body)
    assert made.status == 201, made.body
    number = made.body["id"]
    assert [each["id"] for each in desk.get("/views")["views"]] == [number]
    assert desk.send("PATCH", f"/api/v1/views/{number}", body={"name": "month"}).body["name"] == "month"
    for page in ("//evil.example", "https://evil.example", "javascript:alert(1)", "/\\evil", ""):
        assert desk.send("POST", "/api/v1/views", body=body | {"page": page}).status == 422, page
    assert desk.send("POST", "/api/v1/views", body=body, who="operational").status == 403
    assert desk.send("PATCH", f"/api/v1/views/{number}", body={"shared": True}, who="nobody").status == 403
    assert desk.send("DELETE", f"/api/v1/views/{number}").status == 204
    assert desk.get("/views") == {"views": []}


def test_the_contract_is_told_without_its_secrets(desk: Running) -> None:
    """Its text and its parts."""
    found = desk.get("/contract")
    assert found["text"].startswith("#")
    assert found["units"]["order"]["owner"] == "checkout"
    assert found["rules"]
    text = "kafka:\n  options:\n    sasl.password: |\n      hunter2\n      more\nscrape: {url: 'http://ada:pw@x/'}\n"
    shown = redacted(text + "secrets: {sasl.password: KAFKA_PASSWORD}\nmeters: {input_tokens: {unit: x}}\n")
    assert not any(secret in shown for secret in ("hunter2", "more", "ada:pw"))
    assert "KAFKA_PASSWORD" in shown
    assert "input_tokens: {unit: x}" in shown


def test_the_glossary_is_that_of_the_documentation(desk: Running) -> None:
    """Every word of it; a wheel carries the same file."""
    root = __import__("pathlib").Path(__file__).parents[4]
    text = (root / "docs/glossary.md").read_text()
    words = desk.get("/glossary")["words"]
    assert [each["words"] for each in words] == [each for each, *_ in glossary_words(text)]
    assert len(words) == sum(line.startswith("| **") for line in text.splitlines())
    assert '"docs/glossary.md" = "perunit/faces/api/glossary.md"' in (root / "pyproject.toml").read_text()


def test_a_tour_is_told_where_there_is_one(desk: Running) -> None:
    """404 where there is none, or its file is not one."""
    assert desk.send("GET", "/api/v1/tour").status == 404
    path = desk.service.project.root / "tour.json"
    path.write_text("[]")
    assert desk.send("GET", "/api/v1/tour").status == 404
    step = {"title": "t", "text": "x", "link": "/debug", "highlight": "segments"}
    stories = {"stories": [{"id": "a", "title": "A", "intro": "i", "steps": [step]}]}
    path.write_text(json.dumps(stories))
    assert desk.get("/tour") == stories
