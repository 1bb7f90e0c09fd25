"""CloudEvents over HTTP, sent by the SDK to a real server: stored, then answered for."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import zstandard
from cloudevents.core.bindings.http import to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from tests.faces.serving import event

if TYPE_CHECKING:
    from tests.faces.serving import Answer, Served

FINE = {"duplicate": 0, "conflict": 0, "rejected": 0, "problems": []}
BATCH = "application/cloudevents-batch+json"


def of_sdk(number: int | str) -> CloudEvent:
    """An event as a producer makes it."""
    plain = event(number)
    data = plain.pop("data")
    return CloudEvent({**plain, "time": datetime(2026, 9, 1, 12, tzinfo=UTC)}, data)


def sent(shop: Served, message: Any) -> Answer:
    """A message of the SDK, as it would be sent."""
    return shop.send("POST", "/v1/events", bytes(message.body), **message.headers)


def test_the_sdk_s_structured_event_is_stored(shop: Served) -> None:
    """One event, acknowledged after it is in the store; sent again it changes nothing and is fine too."""
    message = to_structured(of_sdk("structured"), JSONFormat())
    answer = sent(shop, message)
    assert (answer.status, answer.body) == (200, {"received": 1, "accepted": 1, **FINE})
    again = sent(shop, message)
    assert (again.status, again.body) == (200, {"received": 1, "accepted": 0, **FINE, "duplicate": 1})


def test_the_sdk_s_binary_event_is_the_same_event(shop: Served) -> None:
    """Attributes in headers, data in the body: once it is stored, the structured form of it is a duplicate."""
    first = sent(shop, to_binary(of_sdk("binary"), JSONFormat()))
    assert (first.status, first.body["accepted"]) == (200, 1)
    other_form = sent(shop, to_structured(of_sdk("binary"), JSONFormat()))
    assert other_form.body == {"received": 1, "accepted": 0, **FINE, "duplicate": 1}


def test_the_sdk_s_events_as_a_batch_and_as_lines(shop: Served) -> None:
    """An array, or one a line: the same events."""
    texts = [bytes(JSONFormat().write(of_sdk(f"batch-{number}"))) for number in range(50)]
    batch = shop.send("POST", "/v1/events", b"[" + b",".join(texts) + b"]", content_type=BATCH)
    assert batch.body == {"received": 50, "accepted": 50, **FINE}
    lines = shop.send("POST", "/v1/events", b"\n".join(texts), content_type="application/x-ndjson")
    assert lines.body == {"received": 50, "accepted": 0, **FINE, "duplicate": 50}


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_bodies_may_be_compressed(shop: Served, coding: str) -> None:
    """Content-Encoding says how."""
    compress = gzip.compress if coding == "gzip" else zstandard.ZstdCompressor().compress
    body = compress(json.dumps([event(f"{coding}-{number}") for number in range(20)]).encode())
    answer = shop.send("POST", "/v1/events", body, content_type=BATCH, content_encoding=coding)
    assert answer.body == {"received": 20, "accepted": 20, **FINE}
    assert shop.send("POST", "/v1/events", body[:-6], content_type=BATCH, content_encoding=coding).status == 400


def test_each_event_that_is_refused_is_named(shop: Served) -> None:
    """Which one, its id, the rule, the place, what was there and what must hold; the others are stored."""
    other = event("named", time="2026-09-01T13:00:00Z")
    answer = shop.post(event("named"), other, event("b", time="yesterday"), {"id": 5}, event("named"))
    counts = {"received": 5, "accepted": 1, "duplicate": 1, "conflict": 1, "rejected": 2}
    problems = answer.body.pop("problems")
    assert (answer.status, answer.body) == (200, counts)
    assert [(each["position"], each["id"], each["kind"], each["place"]) for each in problems] == [
        (1, "enamed", "conflict", "id"),
        (2, "eb", "rejected", "time"),
        (3, None, "rejected", "specversion"),
    ]
    assert problems[1]["got"] == "yesterday"
    assert problems[1]["expected"].startswith("must end with Z or an offset")
    waiting = shop.ask("quarantine", "show", "--rule", problems[1]["rule"])
    assert any('"eb"' in row["raw"] for row in waiting)


def test_a_request_of_which_nothing_can_be_kept_is_unprocessable(shop: Served) -> None:
    """422 as a problem, with the counts and reasons as extension members."""
    answer = shop.post({"specversion": "1.0"}, {"specversion": "0.3"})
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {name: answer.body[name] for name in ("title", "status", "received", "rejected")} == {
        "title": "Every event was rejected", "status": 422, "received": 2, "rejected": 2,
    }  # fmt: skip
    assert answer.body["detail"] == "id: got nothing, must be there; send it (event 0)"
    assert len(answer.body["problems"]) == 2


def test_an_empty_batch_is_fine(shop: Served) -> None:
    """Nothing came, and nothing is wrong."""
    assert shop.post().body == {"received": 0, "accepted": 0, **FINE}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "said"),
    [
        ("POST", "/v1/event", b"{}", {}, 404, "/v1/event: is no path here"),
        ("GET", "/v1/events", None, {}, 405, "got GET, must be POST"),
        ("POST", "/v1/events", b"a,b", {"content_type": "text/csv"}, 415, "got 'text/csv', must be one of"),
        ("POST", "/v1/events", b"{}", {"content_type": BATCH}, 400, "must be a JSON array"),
        ("POST", "/v1/events", b"", {"content_type": BATCH}, 400, "is empty"),
        ("POST", "/v1/events", b"[]", {"content_type": BATCH, "content_encoding": "br"}, 415, "got 'br', must be gzip"),
        ("POST", "/v1/events", b"[]", {"content_type": BATCH, "content_encoding": "gzip"}, 400, "is no whole gzip"),
        ("POST", "/v1/events", bytes(17 << 20), {"content_type": BATCH}, 413, "more than 16,777,216 bytes"),
        (
            "POST", "/v1/events", gzip.compress(bytes(65 << 20), 1),
            {"content_type": BATCH, "content_encoding": "gzip"},
            413, "more than 67,108,864 bytes when decompressed",
        ),
    ],
)  # fmt: skip
def test_every_refusal_is_a_problem(
    shop: Served, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int, said: str
) -> None:
    """RFC 9457, with the place, the value, the rule and the mend; nothing of it is kept."""
    before = shop.rows()
    answer = shop.send(method, path, body, **headers)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["status"] == status
    assert said in answer.body["detail"]
    assert answer.headers["x-request-id"]
    assert shop.rows() == before


def test_a_405_says_what_is_allowed(shop: Served) -> None:
    """In the header too, as HTTP asks."""
    assert shop.send("DELETE", "/v1/events").headers["allow"] == "POST"


def test_what_is_acknowledged_can_be_queried(shop: Served) -> None:
    """The figure moves by just what was sent, as soon as it is acknowledged."""
    asked = ("query", "revenue", "--where", "region = 'mars'")
    data = event(0)["data"] | {"region": "mars", "total": "0.10"}
    for number in range(3):
        assert shop.post(event(f"mars-{number}", data={**data, "order_id": f"m{number}"})).status == 200
    assert [row["revenue"] for row in shop.ask(*asked)["rows"]] == ["0.3"]
