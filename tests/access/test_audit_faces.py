"""The audit over HTTP and on the command line: found, verified, told of."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from tests.faces.serving import Served, in_process, listening

from perunit.access.audit_chain import Fact, append
from perunit.faces.api.body import Limits
from perunit.faces.cli.init import write_project
from perunit.faces.cli.main import main
from perunit.wiring import open_control_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running shop."""
    project = tmp_path_factory.mktemp("shop")
    write_project(project, "ecommerce")
    with in_process(project) as service, listening(service, Limits()) as served:
        yield served


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with three entries."""
    write_project(tmp_path, "ecommerce")
    with closing(open_control_of(tmp_path)) as control, control.session() as session:
        append(session, [Fact(NOW, name, "session", "export", "100% of_it", "{}") for name in ("kim", "robin", "kim")])
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], project: Path, *words: str) -> tuple[int, str]:
    """Exit code and standard output."""
    code = main(["-C", str(project), *words])
    return code, capsys.readouterr().out


def test_a_question_is_found_by_who_asked_it(shop: Served) -> None:
    """What was asked, by whom, with which key and from where; reading that is written down too."""
    shop.send("GET", "/api/v1/query?measure=units&filter=plan:pro")
    found: dict[str, Any] = {}
    while not found:
        page = shop.send("GET", "/api/v1/audit?action=query&q=plan:pro").body
        found = page["entries"][0] if page["entries"] else {}
    assert (found["actor"], found["via"], found["target"]) == ("key tests", "key", "units")
    assert found["address"] == "127.0.0.1"
    assert found["details"]["filters"] == ["plan:pro"]
    assert shop.send("GET", "/api/v1/audit?action=audit_read").body["entries"]


def test_pages_hold_every_entry_once(shop: Served) -> None:
    """By `next`, from the newest to the first."""
    for number in range(5):
        shop.send("GET", f"/api/v1/export?measure=units&filter=plan:p{number}")
    seen, after = [], ""
    while after is not None:
        page = shop.send("GET", f"/api/v1/audit?action=export&limit=2{after and f'&after={after}'}").body
        seen += [entry["seq"] for entry in page["entries"]]
        after = page["next"]
    assert len(seen) == 5
    assert seen == sorted(set(seen), reverse=True)


@pytest.mark.parametrize("query", ["q=%25", "q=_", "q=%27%3B%20DROP%20TABLE%20audit%3B--", "q=%00", "actor=%00"])
def test_what_is_looked_for_is_text_and_nothing_else(shop: Served, query: str) -> None:
    """Neither a pattern nor a statement."""
    answer = shop.send("GET", f"/api/v1/audit?action=login&{query}")
    assert (answer.status, answer.body["entries"]) == (200, [])


@pytest.mark.parametrize("query", ["after=x", "after=Wy0xXQ", "from=never", "limit=0"])
def test_what_does_not_fit_is_told(shop: Served, query: str) -> None:
    """With the parameter's name."""
    answer = shop.send("GET", f"/api/v1/audit?{query}")
    assert answer.status in {400, 422}
    assert query.partition("=")[0] in answer.body["detail"]


def test_the_chain_is_verified_over_http(shop: Served) -> None:
    """Whole, and against a head that was kept."""
    state = shop.send("GET", "/api/v1/audit/verify").body
    assert state["intact"] is True
    kept = f"{state['head']['seq']}:{'f' * 64}"
    assert shop.send("GET", f"/api/v1/audit/verify?head={kept}").body["broken_seq"] == state["head"]["seq"]
    assert shop.send("GET", "/api/v1/audit/verify?head=7").status == 400


def test_a_list_is_filtered(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By actor, and by text as it stands."""
    code, out = said(capsys, project, "--json", "audit", "list", "--actor", "kim", "--text", "100% of_", "--limit", "1")
    assert code == 0
    assert [entry["seq"] for entry in json.loads(out)] == [3]
    assert "robin" in said(capsys, project, "audit", "list", "--from", "2026-09-01", "--to", "2026-09-02")[1]
    assert "nothing" in said(capsys, project, "audit", "list", "--to", "2026-09-01")[1]


def test_a_head_that_was_kept_verifies_and_a_changed_entry_fails(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0 while all is whole, 1 where an entry was changed, 2 where the head is none."""
    _, head = said(capsys, project, "audit", "head")
    assert said(capsys, project, "audit", "verify", "--head", head.strip())[0] == 0
    assert said(capsys, project, "audit", "verify", "--head", "x")[0] == 2
    with closing(open_control_of(project)) as control, control.session() as session:
        session.execute(text("DROP TRIGGER audit_no_update"))
        session.execute(text("UPDATE audit SET actor = 'robin' WHERE seq = 1"))
    assert said(capsys, project, "audit", "verify")[0] == 1
    code, out = said(capsys, project, "--json", "audit", "verify")
    assert (code, json.loads(out)["broken_seq"]) == (1, 1)


def test_an_export_holds_what_the_hashes_are_made_of(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Anybody can compute them again, as docs/audit.md says how."""
    import hashlib

    _, out = said(capsys, project, "audit", "export")
    before = "0" * 64
    for line in out.splitlines():
        entry = json.loads(line)
        digest = entry.pop("hash")
        assert entry["previous_hash"] == before
        text_ = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text_.encode()).hexdigest() == digest
        before = digest
