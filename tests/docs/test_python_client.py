"""The page on reading from Python does what it says, and names what there is."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from contextlib import redirect_stdout
from inspect import signature
from typing import TYPE_CHECKING

from tests.docs.test_docs import FENCE, page
from tests.faces.serving import event, serving

from perunit.client import Perunit
from perunit.faces.cli.init import write_project
from perunit.faces.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

PAGE = page("python-client.md")


def test_its_scripts_run(tmp_path: Path) -> None:
    """Against a real server, with a key as the page makes it; they print what was sent."""
    write_project(tmp_path, "ecommerce")
    out = io.StringIO()
    (words,) = re.findall(r"`perunit (keys add [^`]*)`", PAGE)
    with redirect_stdout(out):
        assert main(["-C", str(tmp_path), "--json", *words.split()]) == 0
    key = json.loads(out.getvalue())["key"]
    with serving(tmp_path) as served:
        assert served.post(*(event(number) for number in range(3))).body["accepted"] == 3
        served.ask("query", "units")
        for text in (text for info, text in FENCE.findall(PAGE) if info.split()[:1] == ["python"]):
            script = text.replace("http://localhost:8321", served.address).replace("pu_…", key)
            done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert re.search(r"eu 3 |'contribution_margin'|2026-09-01T12", done.stdout), done.stdout
        assert served.stop() == 0


def test_every_method_is_named() -> None:
    """With the parameters that it has."""
    public = {name for name in vars(Perunit) if not name.startswith("_")} - {"close"}
    named = {name for line in PAGE.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)\(", line)}
    assert named == public
    for name, words in re.findall(r"`(\w+)\(([^`]*)\)`", PAGE):
        known = set(signature(getattr(Perunit, name)).parameters)
        if "asked" not in known:
            assert set(re.findall(r"(\w+)=", words)) <= known, name
