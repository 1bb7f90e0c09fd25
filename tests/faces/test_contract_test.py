"""`perunit contract test` says by its exit code, and by reports for people and machines, whether a service complies."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]
    from pathlib import Path

CONTRACT = """
version: 1
units:
  order: {owner: checkout, key: order_id}
events:
  order.completed: {unit: order, amounts: {revenue: data.total}}
  order.refunded: {unit: order}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project."""
    (tmp_path / "perunit.yaml").write_text(CONTRACT, encoding="utf-8")
    return tmp_path


def captured(project: Path, *totals: object) -> Path:
    """A file of orders with these totals."""
    path = project / "captured.ndjson"
    lines = [
        json.dumps({
            "specversion": "1.0", "id": f"e-{number}", "source": "/shop", "type": "order.completed",
            "time": "2026-09-01T12:00:00Z", "data": {"order_id": f"o-{number}", "total": total},
        })
        for number, total in enumerate(totals)
    ]  # fmt: skip
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_service_that_complies_passes(project: Path, run: Run) -> None:
    """Exit 0, what was seen in a table, and the verdict in words."""
    code, out, _ = run("-C", project, "contract", "test", captured(project, "1", "2"), "--expect", "order.completed")
    assert code == 0
    assert "order.completed            yes         2         2" in out
    assert out.endswith("the service emits the contract: 2 events, 0 failures, 0 warnings\n")


def test_a_service_that_does_not_comply_fails(project: Path, run: Run) -> None:
    """Exit 1; place, value, rule, mend, count and example stand under the failure."""
    code, out, _ = run("-C", project, "contract", "test", captured(project, "1", "x", "y"))
    assert code == 1
    told = "must be a finite decimal number of at most 15 digits before the point; correct it"
    assert f"amounts.revenue: got 'x', {told} (2 events, e.g. captured.ndjson:2)" in out
    assert "order.refunded: unseen" in out
    assert out.endswith("3 events, 2 failures, 0 warnings\n")


def test_json_has_the_whole_verdict(project: Path, run: Run) -> None:
    """One document with subjects and findings."""
    code, out, _ = run(
        "-C", project, "--json", "contract", "test", captured(project, "x"), "--expect", "order.completed"
    )
    answer = json.loads(out)
    assert (code, answer["status"], answer["received"]) == (1, "failed", 1)
    (finding,) = [each for each in answer["findings"] if each["severity"] == "failure"]
    assert (finding["kind"], finding["rule"], finding["got"], finding["count"]) == ("rejected", "number", "x", 1)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["empty.ndjson"], 3),
        (["gone.ndjson"], 2),
        ([], 2),
        (["captured.ndjson", "--expect", "nothing"], 2),
        (["--listen", "0"], 2),
        (["--listen", "0", "--for", "soon", "--", "true"], 2),
        (["--listen", "0", "--for", "10s", "--", "no-such-command"], 2),
        (["--listen", "0", "--", "true"], 3),
        (["--listen", "0", "--for", "0.05s"], 3),
        (["--listen", "0", "--", "false"], 1),
        (["captured.ndjson", "--junit", "no/such/folder.xml"], 2),
    ],
)
def test_each_end_has_its_exit_code(
    project: Path,
    run: Run,
    words: list[str],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """2 for what was asked wrongly, 3 where nothing was seen, 1 where the command itself failed."""
    monkeypatch.chdir(project)
    captured(project, "1")
    (project / "empty.ndjson").write_text("", encoding="utf-8")
    assert run("contract", "test", *words)[0] == code


def test_a_command_that_does_not_end_is_ended(project: Path, run: Run) -> None:
    """With all that it has started, and that is a failure."""
    code, out, _ = run(
        "-C", project, "contract", "test", "--listen", "0", "--for", "0.2s", "--", "sh", "-c", "sleep 60"
    )
    assert code == 1
    assert "time: got 'more than 0.2 s', must end by itself; raise --for" in out


def test_junit_names_each_event_type(project: Path, run: Run) -> None:
    """A failing type is a failure, one that was neither expected nor seen is left out, what is no type is an error."""
    path = captured(project, "1", "x", "\x01<&")
    lines = path.read_text(encoding="utf-8")
    path.write_text(lines + "\n" + lines.splitlines()[0].replace("order.completed", "or\u0000der<"), encoding="utf-8")
    report = project / "report.xml"
    run("-C", project, "contract", "test", path, "--junit", report, "--expect", "order.completed")
    (suite,) = ET.fromstring(report.read_text(encoding="utf-8"))
    cases = {case.get("name"): case for case in suite}
    assert suite.attrib | {"name": ""} == {"name": "", "tests": "2", "failures": "1", "errors": "1", "skipped": "0"}
    failure = cases["order.completed"].find("failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith("rejected: amounts.revenue: got 'x', must be")
    assert any(case.find("error") is not None for name, case in cases.items() if name != "order.completed")


def test_markdown_is_appended(project: Path, run: Run) -> None:
    """As a step summary of a CI job wants it; what a service sent cannot become markup."""
    summary = project / "summary.md"
    summary.write_text("# Build\n", encoding="utf-8")
    path = captured(project, "x | <img src=y> `z`")
    run("-C", project, "contract", "test", path, "--markdown", summary)
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("# Build\n### perunit: the service does not emit the contract\n")
    assert (
        "| failure | order.completed | rejected | amounts.revenue: got 'x \\| &lt;img src=y> \\`z\\`', must be" in text
    )


def test_strict_lets_warnings_fail(project: Path, run: Run) -> None:
    """A field that nobody reads is a warning, and with --strict a failure."""
    contract = CONTRACT.replace("data.total}}", "data.total, fee: data.fee}}")
    (project / "perunit.yaml").write_text(contract, encoding="utf-8")
    words = ("-C", project, "contract", "test", captured(project, "1"), "--expect", "order.completed")
    assert [run(*words)[0], run(*words, "--strict")[0]] == [0, 1]


SERVICE = """
from decimal import Decimal
from perunit.client import Events
print("the service's own output")
with Events(source="/checkout") as events:
    for number in range(1200):
        events.emit("order.completed", {"order_id": f"o-{number}", "total": Decimal("12.30")})
    events.emit("order.completed", {"total": Decimal("1")})
"""


def listened(project: Path, service: str, *words: str) -> tuple[int, Any, str]:
    """Runs the check around a service in a process of its own: exit code, answer, standard error."""
    (project / "service.py").write_text(service, encoding="utf-8")
    check = ["-m", "perunit.faces.cli.main", "-C", str(project), "--json", "contract", "test", "--listen", "0"]
    command = [sys.executable, *check, *words, "--", sys.executable, str(project / "service.py")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return ran.returncode, json.loads(ran.stdout), ran.stderr


def test_a_service_is_listened_to_while_its_tests_run(project: Path) -> None:
    """The real client finds the listener by its environment, is answered, and all it sent is judged.

    What the command prints goes to standard error, so that --json stays one document.
    """
    code, answer, err = listened(project, SERVICE, "--for", "60s", "--expect", "order.completed")
    assert code == 1
    assert "the service's own output" in err
    (subject,) = answer["subjects"]
    assert (subject["received"], subject["accepted"]) == (1201, 1201)
    (finding,) = [each for each in answer["findings"] if each["severity"] == "failure"]
    assert (finding["kind"], finding["place"], finding["count"]) == ("missing key", "data.order_id", 1)
