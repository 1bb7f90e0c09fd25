"""Verbs while the project is served: the server does them, and nobody sees a difference."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
import pytest
from tests.faces.serving import PERUNIT, Served, command, event, serving

from perunit.faces.cli.init import write_project
from perunit.faces.cli.main import VERBS, cli, main
from perunit.simulate.options import SimulationOptions
from perunit.simulate.run import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Verbs that open no project, or one of their own, and so never reach a server.
LOCAL = {
    "init",
    "check",
    "contract test",
    "measures",
    "simulate",
    "completion",
    "serve",
    "demo",
    "prices import",
    "privacy init",
    "export prometheus-rules",
    # The control database may be open in several processes.
    *("users add", "users list", "users set", "users disable", "users password", "users ticket"),
    *("audit list", "audit verify", "audit head", "audit export"),
    *("keys add", "keys list", "keys revoke", "annotate"),
}
DRAFT = """\
book: cloud
currency: USD
rates:
  - {meter: cpu_seconds, price: 0.06, per: 3600, effective_from: 2027-01-01}
"""
FX = "Date,USD,GBP\n2026-09-02,1.10,0.85\n2026-09-01,1.09,0.86\n"
# In this order, in a folder with a simulated company: what one leaves the next may need.
LINES = (
    "ingest events",
    "ingest events",
    "--json ingest events/part-00001.ndjson --as cloudevents",
    "ingest nowhere.ndjson",
    "query units revenue variable_cost --by plan",
    "query revenue cost_per_unit --grain day --format csv",
    "query units --format json --output answer.json",
    "query nonsense",
    "query units --as-of 2026-09-01",
    "--json query units revenue --compare previous --from 2026-09-02 --to 2026-09-03",
    "bills import bills/2026-09-v1.csv",
    "bills import bills/2026-09-v2.csv",
    "bills import invoices/2026-09.csv",
    "bills list",
    "bills show 2",
    "bills invoice Nimbus OTHER-1 12.50 --currency USD --period 2026-09",
    "bills replace 2 bills/2026-09-v1.csv",
    "prices list",
    "prices diff draft.yaml",
    "prices preview draft.yaml --by plan",
    "prices check --period 2026-09",
    'prices approve draft.yaml --actor kim --reason "of January"',
    'prices rollback cloud --to 1 --actor kim --reason "not yet"',
    "fx import rates.csv",
    "fx list",
    "fx show GBP 2026-09-02 --to USD",
    "backup copy",
    "run --from 2026-09-02",
    "export prometheus",
    "receipt order o-100000000",
    "--json receipt order o-100000000",
    "receipt order nobody",
    "reconcile",
    "reconcile accept NMB-2026-09 --cause rounding --reason cents --actor ada",
    "reconcile adjust OTHER-1 --amount 1 --reason fee --actor ada",
    "reconcile entries",
    "reconcile reverse 1 --reason wrong --actor ada",
    "reconcile lock --period 2026-09 --reason close --actor ada",
    "reconcile locks",
    "restatements --period 2026-09",
    "quality",
    "quarantine list",
    "quarantine show --limit 3",
    "quarantine replay",
    "privacy reveal order o-1 --reason asked",
    "privacy erase order o-1 --reason asked",
    "privacy rotate",
    "privacy scan",
    "privacy expire",
    "verify",
    "--json verify",
)


def leaves(command_: click.Command, words: tuple[str, ...] = ()) -> Iterator[str]:
    """The words of every command that does something."""
    if not isinstance(command_, click.Group):
        yield " ".join(words)
        return
    for verb, inner in ((verb, command_.get_command(click.Context(command_), verb)) for verb in _listed(command_)):
        assert inner is not None
        yield from leaves(inner, (*words, verb))


def _listed(group: click.Group) -> list[str]:
    return group.list_commands(click.Context(group))


def told(out: str, folder: Path) -> str:
    """Output without what differs between any two runs: the folder, the time of day, how long it took."""
    days = "|".join(f"{datetime.now(UTC) - timedelta(days=ago):%Y-%m-%d}" for ago in (0, 1))
    out = re.sub(rf"({days})[T ][0-9:.]+( UTC|Z|\+00:00)?", "NOW", out.replace(str(folder), "DIR"))
    return re.sub(r"in [0-9.]+ s\b", "in 0 s", out)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """One simulated company twice: served, and not."""
    root = tmp_path_factory.mktemp("twins")
    alone, served = root / "alone", root / "other"
    simulate(alone, SimulationOptions(events=500, days=3))
    (alone / "draft.yaml").write_text(DRAFT)
    (alone / "rates.csv").write_text(FX)
    shutil.copytree(alone, served)
    with serving(served) as running:
        yield alone, served
        assert running.stop() == 0
    assert command("-C", str(served), "verify").returncode == 0


def test_every_verb_is_tried() -> None:
    """A verb that is new gets a line above, or a reason why it does not reach the server."""
    tried = [re.sub(r"^--json ", "", line) for line in LINES]
    missing = [verb for verb in leaves(cli) if not any(line.startswith(verb) for line in tried) and verb not in LOCAL]
    assert missing == []
    assert set(VERBS) >= {verb.split()[0] for verb in LOCAL}


@pytest.mark.slow
def test_output_and_exit_code_are_the_same(
    twins: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line gives the same with a server as without one: standard output, standard error and exit code."""
    import shlex

    for line in LINES:
        said = []
        for folder in twins:
            monkeypatch.chdir(folder)
            try:
                code = main(shlex.split(line))
            except SystemExit as left:
                code = int(str(left.code))
            captured = capsys.readouterr()
            said.append((line, code, told(captured.out, folder), told(captured.err, folder)))
        assert said[1] == said[0]
    written = [json.loads((folder / "answer.json").read_text())["rows"] for folder in twins]
    assert written[0] == written[1]


def on_a_screen(folder: Path, columns: int, *words: str) -> str:
    """What a person sees who calls from a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    with subprocess.Popen([*PERUNIT, *words], stdout=theirs, stderr=theirs, cwd=folder, env=environment) as process:
        os.close(theirs)
        seen = b""
        # Linux tells the end of the other side as an error.
        with suppress(OSError):
            while part := os.read(ours, 65536):
                seen += part
        assert process.wait(60) == 0
    os.close(ours)
    return seen.decode()


@pytest.mark.parametrize("columns", [60, 200])
def test_a_screen_s_width_and_colours_are_the_caller_s(twins: tuple[Path, Path], columns: int) -> None:
    """A server has no screen; tables fit the one that asks."""
    words = ("query", "units", "revenue", "contribution_margin", "--by", "plan", "--by", "region")
    alone, served = (on_a_screen(folder, columns, *words) for folder in twins)
    assert served == alone
    assert "\x1b[" in served


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served shop, below a path that is longer than a socket's address may be."""
    project = tmp_path_factory.mktemp("shop") / ("long-" * 30)
    write_project(project, "ecommerce")
    with serving(project) as running:
        assert len(str(project / "data" / "perunit.sock")) > 108
        yield running
        assert running.stop() == 0
    assert not (project / "data" / "perunit.sock").exists()


def test_a_path_may_be_longer_than_a_socket_s_address(shop: Served) -> None:
    """And the socket is its user's alone."""
    shop.post(event("long"))
    assert shop.ask("query", "units")["rows"][0]["units"] >= 1
    assert (shop.project / "data" / "perunit.sock").stat().st_mode & 0o777 == 0o600


def test_paths_are_the_caller_s(shop: Served, tmp_path: Path) -> None:
    """A file is looked for, and written, where the verb was called."""
    (tmp_path / "mine.ndjson").write_text(json.dumps(event("of a file")))
    found = command("-C", str(shop.project), "ingest", "mine.ndjson", cwd=tmp_path)
    assert "1 received = 1 accepted" in found.stdout
    command("-C", str(shop.project), "query", "units", "--format", "csv", "--output", "out.csv", cwd=tmp_path)
    assert (tmp_path / "out.csv").read_text().startswith("units")


def test_serve_and_demo_stay_in_their_own_process(shop: Served) -> None:
    """They say who holds the project, and where it answers."""
    again = command("-C", str(shop.project), "serve", "--port", "0")
    assert again.returncode == 2
    assert f"('perunit serve') holds the project and answers at {shop.address}; stop it" in again.stderr
    options = {"events": 1000, "start": "2026-09-01", "price_change": "2026-09-15T00:00:00Z"}
    (shop.project / "truth.json").write_text(json.dumps({"options": options}))
    demo = command("demo", "--dir", str(shop.project))
    (shop.project / "truth.json").unlink()
    assert (demo.returncode, "answers at" in demo.stderr) == (2, True)


def test_figures_do_not_wait_for_each_other_nor_doors_for_them(shop: Served) -> None:
    """Events go on being acknowledged while verbs read, and each answer holds together."""
    wrong: list[Any] = []

    def ask() -> None:
        for _ in range(2):
            words = ("query", "units", "attempts", "--where", "region = 'busy'")
            row = json.loads(command("-C", str(shop.project), "--json", *words).stdout)["rows"]
            if row and row[0]["units"] != row[0]["attempts"]:
                wrong.append(row)

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for reader in readers:
        reader.start()
    sent = 0
    while any(reader.is_alive() for reader in readers):
        data = event(0)["data"] | {"region": "busy", "order_id": f"busy{sent}"}
        assert shop.post(event(f"busy-{sent}", data=data)).body["accepted"] == 1
        sent += 1
    assert sent > 0
    assert not wrong
    assert shop.ask("query", "units", "--where", "region = 'busy'")["rows"][0]["units"] == sent


def test_a_contract_that_changes_holds_from_the_next_verb_on(shop: Served) -> None:
    """As without a server: a verb reads what is written, and doors then go by it too."""
    contract = shop.project / "perunit.yaml"
    before = contract.read_text()
    other = event("renamed", type="order.done")
    assert shop.post(other).status == 422
    contract.write_text(
        before.replace("  order.completed:", "  order.done: {unit: order, outcome: success}\n  order.completed:", 1)
    )
    assert shop.ask("query", "units")
    assert shop.post(other).body["accepted"] == 1
    contract.write_text(before.replace("currency: USD", "currency: nothing", 1))
    broken = command("-C", str(shop.project), "query", "units")
    assert broken.returncode == 2
    assert "currency" in broken.stderr
    assert shop.post(event("still")).status == 200
    contract.write_text(before)
    assert shop.ask("query", "units")


def test_a_verb_ends_when_its_caller_goes_away(shop: Served) -> None:
    """Ctrl-C there is Ctrl-C here, and what the verb had borrowed is given back."""
    lines = [
        json.dumps(event(f"many-{number}", data=event(0)["data"] | {"order_id": f"y{number}"}))
        for number in range(60_000)
    ]
    (shop.project / "many.ndjson").write_text("\n".join(lines))
    words = [*PERUNIT, "-C", str(shop.project), "ingest", str(shop.project / "many.ndjson")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        # On a busy machine it may still be starting, and then dies of the signal itself.
        assert process.wait(30) in {0, 130, -signal.SIGINT}
    assert shop.post(event("after")).status == 200
    assert shop.ask("verify")["ok"]


def test_a_caller_that_does_not_read_keeps_nothing(shop: Served) -> None:
    """Its output waits with the server; the project does not."""
    request = {
        "words": ["-C", str(shop.project), "verify"], "directory": "/", "columns": 80, "lines": 24,
        "out_is_terminal": False, "err_is_terminal": False, "out_encoding": "utf-8", "environment": {},
    }  # fmt: skip
    with socket.socket(socket.AF_UNIX) as silent:
        os.chdir(shop.project / "data")
        silent.connect("perunit.sock")
        silent.sendall(json.dumps(request).encode() + b"\n")
        assert shop.ask("query", "units")
