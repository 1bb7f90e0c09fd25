"""What docs/api.md shows is answered as it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.faces.api.v1.conftest import AS, made, running
from tests.faces.serving import HTTP

from perunit.faces.api.v1.asking import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faces.api.v1.conftest import Running

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^curl .*?(?=^curl |\Z)", "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.S)), re.S | re.M)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A small simulated company, running."""
    with running(made(tmp_path_factory.mktemp("guide"))) as found:
        yield found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_answered(company: Running, command: str) -> None:
    """With 200 and something in it, and no question of several refused."""
    words = shlex.split(command.replace("\\\n", " "))
    (url,) = [word for word in words if word.startswith("$PERUNIT")]
    body = words[words.index("-d") + 1].encode() if "-d" in words else None
    headers = {AS: "owner"} | ({"content-type": "application/json"} if body else {})
    address = url.replace("$PERUNIT", company.address)
    method = "POST" if body else "GET"
    answer = HTTP.request(method, address, body=body, headers=headers, preload_content="-N" not in words)
    assert answer.status == 200, answer.data
    if "-N" in words:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.read1(20).startswith(b"event: data\n")
        answer.close()
        return
    assert answer.data
    assert b'"problem"' not in answer.data


def test_every_parameter_of_a_question_is_described() -> None:
    """By the name it has in a URL."""
    table = PAGE[PAGE.index("| Parameter |") :].split("\n\n")[0]
    named = {name for cell in re.findall(r"^\| (.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", cell)}
    fields = {field.alias or name for name, field in Asked.model_fields.items()}
    asked = {{"measures": "measure", "filters": "filter"}.get(name, name) for name in fields}
    assert asked - {"compare_from", "compare_to"} <= named
    assert "`compare_from` and `compare_to`" in table
