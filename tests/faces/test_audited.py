"""What the command line leaves in the audit: who, what, before it is done, and whether it was."""

from __future__ import annotations

import getpass
import json
import shutil
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click
import pytest
from tests.faces.serving import serving
from tests.faces.test_keyed import key, leaves

from perunit.access.audit import ACTIONS as KNOWN
from perunit.access.permit import Permission
from perunit.faces.cli.audited import ACTIONS, ITSELF, READS
from perunit.faces.cli.init import write_project
from perunit.faces.cli.keyed import VARIABLE
from perunit.faces.cli.main import cli, main
from perunit.wiring import open_control_of

if TYPE_CHECKING:
    from pathlib import Path

# What changes nothing, or nothing that anybody could be asked about; and what a server writes down by itself.
UNTOLD = {
    *("init", "check", "contract test", "measures", "simulate", "completion", "demo", "serve", "privacy init"),
    *("export prometheus-rules", "prices list", "prices diff", "fx list", "fx show", "privacy scan", "users list"),
    *("keys list", "audit list", "audit verify", "audit head", "audit export", "reconcile entries", "reconcile locks"),
}


def entries(project: Path) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(actor, action, target, details) in their order."""
    from perunit.access.audit_chain import entries as found

    with closing(open_control_of(project)) as control, control.reading() as session:
        return [(each.actor, each.action, each.target, json.loads(each.details)) for each in found(session)]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shop without facts, with a draft of its prices that names a right price."""
    write_project(tmp_path, "ecommerce")
    (tmp_path / "perunit.yaml").write_text((tmp_path / "perunit.yaml").read_text() + "\nprices: {approval: required}\n")
    drafts = tmp_path / "prices" / "drafts"
    drafts.mkdir()
    shutil.move(next((tmp_path / "prices").glob("*.yaml")), drafts / "draft.yaml")
    return tmp_path


def test_every_verb_is_decided() -> None:
    """Written down by what it does, with a key, by itself, or for a reason not."""
    verbs = {verb for verb, _ in leaves(cli, click.Context(cli, None, "perunit"))}
    told = [set(ACTIONS), set(READS), set(ITSELF), UNTOLD]
    assert set().union(*told) == verbs
    assert sum(map(len, told)) == len(verbs)
    assert {*ACTIONS.values(), *READS.values()} <= KNOWN


def test_a_change_is_written_down_with_who_made_it(shop: Path) -> None:
    """By whoever runs the command, with what they gave; what fails after it was begun, a second time, with why."""
    approve = ["-C", str(shop), "prices", "approve", "draft", "--actor", "ada", "--reason", "the list of May"]
    assert main(approve) == 0
    assert main(approve) != 0
    first, *rest = entries(shop)
    assert first[:3] == (getpass.getuser(), "price_approve", "perunit prices approve")
    assert first[3]["reason"] == "the list of May"
    assert [action for _, action, _, _ in rest] == ["price_approve"] * len(rest)
    assert all(set(details) == {"failed"} for _, _, _, details in rest[1::2])


def test_it_is_written_down_before_it_is_done(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the process while it is done, the entry is there."""

    def ends(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("perunit.pipeline.replay", ends)
    assert main(["-C", str(shop), "quarantine", "replay"]) == 130
    assert [action for _, action, _, _ in entries(shop)] == ["quarantine_replay"]


def test_reading_is_written_down_with_a_key_only(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the key's maker and the key's number; the owner of the files has the files."""
    query = ["-C", str(shop), "query", "revenue"]
    assert main(query) == 0
    assert entries(shop) == []
    monkeypatch.setenv(VARIABLE, key(shop, Permission.FINANCIAL))
    assert main(query) == 0
    ((actor, action, target, details),) = entries(shop)
    assert (actor, action, target) == ("key t", "query", "perunit query")
    assert details["key_id"] == 1
    assert "revenue" in json.dumps(details)


def test_a_server_writes_down_what_it_does_for_others_once(shop: Path) -> None:
    """The command line that finds the project held leaves it to the server."""
    with serving(shop) as served:
        assert main(["-C", str(shop), "quarantine", "replay"]) == 0
        assert served.stop() == 0
    assert [action for _, action, _, _ in entries(shop)] == ["quarantine_replay"]
