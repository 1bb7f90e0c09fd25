"""The five-minute guide to CloudEvents does what it says, and the page on serving names what there is."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.docs.test_docs import FENCE, page
from tests.faces.serving import Served, serving

from perunit.faces.api.body import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GUIDE, SERVE = page("doors/cloudevents.md"), page("serve.md")


def blocks(language: str) -> list[str]:
    """The guide's fenced blocks of a language."""
    return [text for info, text in FENCE.findall(GUIDE) if info.split()[:1] == [language]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on the guide's contract."""
    project = tmp_path_factory.mktemp("guide")
    (contract,) = blocks("yaml")
    (project / "perunit.yaml").write_text(contract, encoding="utf-8")
    with serving(project) as running:
        yield running
        assert running.stop() == 0


def test_the_guide_s_events_arrive(served: Served, tmp_path: Path) -> None:
    """The two lines for a shell and the snippet, as they are written; the query has what they sent."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    line = (
        '{"specversion": "1.0", "id": "e%d", "source": "s", "type": "order.%s", "time": "2026-09-01T12:00:00Z", %s}\n'
    )
    data = '"data": {"order_id": "o%d", "plan": "pro", "total": "0.10"}'
    lines = [line % (3, "completed", data % 3), line % (4, "done", data % 4)]
    (tmp_path / "events.ndjson").write_text("".join(lines), encoding="utf-8")
    here = [text.replace("http://localhost:8321", served.address) for text in (*blocks("sh"), *blocks("python"))]
    answers = [
        subprocess.run(["sh", "-c", text], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for text in here[:2]
    ]
    subprocess.run([sys.executable, "-c", here[2]], check=True, env=os.environ)
    assert '"accepted":1' in answers[0]
    assert '"position":1' in answers[1]
    (asked,) = [words for words in re.findall(r"^\$ perunit (.*)$", GUIDE, re.M) if words.startswith("query")]
    rows = served.ask(*shlex.split(asked))["rows"]
    assert [(row["plan"], row["units"], row["revenue"], row["success_rate"]) for row in rows] == [
        ("free", 1, "0", "0"), ("pro", 2, "90", "1"),
    ]  # fmt: skip


def test_the_answer_that_is_shown_is_the_answer(served: Served) -> None:
    """Its fields, and the words of its problem."""
    import json

    (text,) = blocks("json")
    shown = json.loads(text)
    data = {"order_id": "o9", "plan": "pro", "total": "1"}
    one = {"specversion": "1.0", "source": "shown", "time": "2026-09-01T12:00:00Z", "data": data}
    answer = served.post({**one, "id": "e9", "type": "order.completed"}, {**one, "id": "e4", "type": "order.done"})
    assert answer.body["problems"] == shown["problems"]
    assert answer.body == shown


def test_every_metric_and_path_is_named(served: Served) -> None:
    """Each metric of a server stands on some page, each path of a door on that of serving."""
    pages = SERVE + "".join(page(f"doors/{name}.md") for name in ("kafka", "prometheus", "stripe", "otlp"))
    families = re.findall(r"^# TYPE (\w+) \w+$", served.send("GET", "/metrics").body, re.M)
    missing = [name for name in families if name not in pages and not name.endswith("_created")]
    assert not missing, missing
    paths = served.send("GET", "/api/v1/openapi.json").body["paths"]
    doors = [path for path in paths if not path.startswith("/api/v1/")]
    assert doors
    assert [path for path in doors if path not in pages] == []


def test_the_limits_are_those_of_the_code() -> None:
    """Sizes and times of the table."""
    limits, text = Limits(), " ".join(SERVE.split())
    for said in (
        f"{limits.body_bytes_max >> 20} MiB", f"{limits.decompressed_bytes_max >> 20} MiB",
        f"{limits.all_bodies_bytes_max >> 20} MiB", f"{limits.body_idle_seconds_max} s without a byte",
        f"{limits.body_seconds_max} s in all", f"{limits.head_bytes_max >> 10} KiB, {limits.head_seconds_max} s",
        f"{limits.connections_max:,} (`--connections`)",
    ):  # fmt: skip
        assert said in text
