"""Verbs with a key: each has a decision, is held to it here and at a server, and tells the key to nobody."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import click
import pytest
from tests.faces.serving import event, serving

from perunit.access.keys import make_key
from perunit.access.permit import OWNER, Permission, Viewer
from perunit.faces.cli.context import Settings
from perunit.faces.cli.init import write_project
from perunit.faces.cli.keyed import ALL_ROWS, DECISIONS, VARIABLE
from perunit.faces.cli.main import cli, main
from perunit.model.errors import ForbiddenError
from perunit.model.window import system_clock
from perunit.wiring import open_control_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def leaves(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Context]]:
    """Every command line's verb, and the context it is called in."""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from leaves(below, click.Context(below, context, name))
    if context.parent is not None and (not isinstance(command, click.Group) or command.invoke_without_command):
        yield context.command_path.removeprefix("perunit "), context


def called(project: Path, verb: str) -> None:
    """Does a verb without its arguments: what is decided comes before they are looked at."""
    context = dict(leaves(cli, click.Context(cli, None, "perunit", obj=Settings(project, json=False))))[verb]
    assert context.command.callback is not None
    with context:
        context.command.callback()


def key(project: Path, *scopes: Permission, rows: Mapping[str, tuple[str, ...]] | None = None) -> str:
    """A key of the project."""
    with closing(open_control_of(project)) as control, control.session() as session:
        maker = Viewer(None, "tests", None, OWNER, "owner")
        return make_key(session, maker, system_clock(), name="t", scopes=scopes, rows=rows or {})[1]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with two orders, of two plans."""
    root = tmp_path_factory.mktemp("shop")
    write_project(root, "ecommerce")
    orders = [event(1), event(2)]
    orders[1]["data"] |= {"plan": "free", "total": "3"}
    (root / "orders.ndjson").write_text("".join(json.dumps(each) + "\n" for each in orders), encoding="utf-8")
    assert main(["-C", str(root), "ingest", str(root / "orders.ndjson"), "--as", "cloudevents"]) == 0
    return root


def test_every_verb_has_a_decision() -> None:
    """A new verb is refused to keys until somebody says who may; none stands here that is gone."""
    assert set(DECISIONS) == set(dict(leaves(cli, click.Context(cli, None, "perunit"))))
    assert set(DECISIONS) >= ALL_ROWS


@pytest.mark.parametrize("verb", [verb for verb, decision in DECISIONS.items() if decision != () and verb != "query"])
def test_a_key_that_may_nothing_of_it_is_refused(project: Path, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every verb that needs something, with a key that has only the one permission that none of them needs."""
    monkeypatch.setenv(VARIABLE, key(project, Permission.SHARE))
    with pytest.raises(ForbiddenError, match=r"is needed, which|is not for keys"):
        called(project, verb)


@pytest.mark.parametrize("verb", sorted(ALL_ROWS))
def test_a_key_for_some_rows_does_not_do_what_is_of_all(
    project: Path, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole bills, raw rows and decisions belong to no segment."""
    monkeypatch.setenv(VARIABLE, key(project, *Permission, rows={"plan": ("pro",)}))
    with pytest.raises(
        ForbiddenError, match=f"perunit {verb}: belongs to no segment, and this permit is for plan: pro"
    ):
        called(project, verb)


def test_figures_are_those_of_the_keys_measures_and_rows(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The owner sees both orders; a key for a plan sees one; a key without money no revenue."""

    def asked(*words: str) -> tuple[int, str]:
        code = main(["-C", str(project), "--json", *words])
        return code, capsys.readouterr().out

    assert json.loads(asked("query", "units", "revenue")[1])["rows"][0]["units"] == 2
    monkeypatch.setenv(VARIABLE, key(project, Permission.OPERATIONAL, rows={"plan": ("pro",)}))
    assert json.loads(asked("query", "units")[1])["rows"][0]["units"] == 1
    code, out = asked("query", "revenue")
    assert (code, json.loads(out)["error"]["kind"]) == (2, "ForbiddenError")
    every = key(project, Permission.UNITS, Permission.FINANCIAL, Permission.QUALITY, rows={"plan": ("pro",)})
    monkeypatch.setenv(VARIABLE, every)
    assert asked("receipt", "order", "o1")[0] == 0
    assert asked("receipt", "order", "o2")[0] == 2
    code, out = asked("quality")
    assert "belongs to no segment" in json.loads(out)["error"]["message"]


def test_a_key_that_is_none_is_refused_and_not_repeated(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is in the variable stays there."""
    monkeypatch.setenv(VARIABLE, "pu_" + "x" * 43)
    assert main(["-C", str(project), "query", "units"]) == 2
    said = capsys.readouterr()
    assert "PERUNIT_API_KEY: the key is none" in said.err
    assert "xxx" not in said.err + said.out


def test_a_server_does_a_verb_with_its_callers_key_and_tells_it_to_nobody(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Forwarded, a verb sees what the key sees: not what the server's own environment would."""
    held = key(project, Permission.OPERATIONAL, rows={"plan": ("free",)})
    with serving(project, env={VARIABLE: ""}) as served:
        assert main(["-C", str(project), "--json", "query", "units", "revenue"]) == 0
        assert json.loads(capsys.readouterr().out)["rows"][0]["units"] == 2
        monkeypatch.setenv(VARIABLE, held)
        assert main(["-C", str(project), "--json", "query", "units", "--by", "plan"]) == 0
        rows = json.loads(capsys.readouterr().out)["rows"]
        assert [(row["plan"], row["units"]) for row in rows] == [("free", 1)]
        assert main(["-C", str(project), "query", "revenue"]) == 2
        assert served.stop() == 0
    assert held not in (project / "serve.log").read_text(encoding="utf-8")
