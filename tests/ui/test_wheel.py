"""What a person with only Python gets: the wheel, in an environment of its own, with every page in it."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import urllib3
from tests.ui.browsing import PAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
UI_BYTES_MAX = 1_500_000


def run(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    """A command that must succeed."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=500, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return done  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sources alone."""
    if UV is None:
        pytest.skip("no uv here, which builds the wheel")
    out = tmp_path_factory.mktemp("wheel")
    run(UV, "build", "--wheel", "--quiet", "--out-dir", str(out), str(ROOT))
    (built,) = out.glob("*.whl")
    return built


def test_it_carries_the_web_app(wheel: Path) -> None:
    """Every file of the build, within the size that was promised."""
    with zipfile.ZipFile(wheel) as archive:
        inside = {each.filename: each for each in archive.infolist() if each.filename.startswith("perunit/ui/")}
    kept = {
        path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src/perunit/ui").rglob("*") if path.is_file()
    }
    assert set(inside) == kept
    assert "perunit/ui/index.html" in inside
    assert sum(each.compress_size for each in inside.values()) <= UI_BYTES_MAX


@pytest.fixture(scope="module")
def address(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A project served by the installed wheel, with neither Node nor this checkout in reach."""
    assert UV
    room = tmp_path_factory.mktemp("installed")
    run(UV, "venv", "--quiet", "--python", sys.executable, str(room / "venv"))
    python = room / "venv" / "bin" / "python"
    run(UV, "pip", "install", "--quiet", "--python", str(python), str(wheel))
    perunit = str(room / "venv" / "bin" / "perunit")
    environment = {"PATH": str(room / "venv" / "bin"), "HOME": str(room), "LANG": "C.UTF-8"}
    run(perunit, "init", "shop", cwd=room, env=environment)
    with subprocess.Popen(
        [perunit, "-C", "shop", "--json", "serve", "--port", "0", "--grpc-port", "0"],
        cwd=room, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        yield json.loads(process.stdout.readline())["address"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_every_asset_and_deep_link_is_served(address: str) -> None:
    """By what the pages name, all the way down; a deep link answers with the page that reads it."""
    http = urllib3.PoolManager(retries=False)
    index = http.request("GET", f"{address}/")
    assert index.headers["cache-control"] == "no-cache"
    for path in (*PAGES.values(), "/units/order/o-1", "/units/order/a%2Fb?from=2026-09-01", "/login", "/setup"):
        answer = http.request("GET", f"{address}{path}")
        assert (answer.status, answer.data) == (200, index.data), path
    built = ROOT / "src" / "perunit" / "ui"
    for file in (path for path in built.rglob("*") if path.is_file() and path.name != "index.html"):
        answer = http.request("GET", f"{address}/{file.relative_to(built).as_posix()}", decode_content=True)
        assert answer.status == 200, file
        assert answer.data == file.read_bytes(), file
        packed = http.request(
            "GET", f"{address}/{file.relative_to(built).as_posix()}", headers={"Accept-Encoding": "gzip"},
            decode_content=False,
        )  # fmt: skip
        if file.suffix in {".js", ".css"} and file.stat().st_size > 1_000:
            assert packed.headers["content-encoding"] == "gzip", file
            assert packed.headers["vary"] == "Accept-Encoding", file
            assert gzip.decompress(packed.data) == file.read_bytes(), file
    for named in re.findall(r'(?:src|href)="([^"]+)"', index.data.decode()):
        assert named.startswith("/"), named
        assert http.request("GET", f"{address}{named}").status == 200
    assert http.request("GET", f"{address}/assets/none.js").status == 404
