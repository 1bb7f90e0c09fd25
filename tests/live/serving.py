"""The programs of the live tests: ``perunit serve``, Debian's Prometheus, an exporter; each ended with its test."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
import yaml
from prometheus_client import CollectorRegistry, start_http_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 60

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="Prometheus is not here: apt-get install prometheus"
)


def until(found: Callable[[], Any], wanted: Callable[[Any], bool] = bool) -> Any:
    """What is found once it is as wanted; fails with what it last was."""
    end = time.monotonic() + WAIT_SECONDS
    while True:
        last = found()
        if wanted(last):
            return last
        assert time.monotonic() < end, f"still {last!r} after {WAIT_SECONDS} s"
        time.sleep(0.1)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Exporter:
    """An exporter with its own registry."""

    registry: CollectorRegistry
    port: int

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"


@contextmanager
def exporting() -> Iterator[Exporter]:
    """An exporter of prometheus_client on a free port."""
    registry = CollectorRegistry()
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        yield Exporter(registry, server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _process(words: list[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        process = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT, **options)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def serving(project: Path) -> Iterator[str]:
    """``perunit serve`` on a free port; its address."""
    words = [sys.executable, "-m", "perunit.faces.cli.main", "-C", str(project), "--json"]
    log = project / "serve.log"
    options = {"env": os.environ | {"PYTHONPATH": str(HERE / "src")}}
    with _process([*words, "serve", "--port", "0", "--grpc-port", "0"], log, **options) as process:

        def address() -> str | None:
            assert process.poll() is None, log.read_text()
            lines = [line for line in log.read_text().splitlines() if line.startswith('{"address"')]
            return json.loads(lines[0])["address"] if lines else None

        yield until(address)


@contextmanager
def killable(project: Path, port: int) -> Iterator[None]:
    """``perunit serve`` on a port, ready to take requests; killed at the end as nothing can be prepared for."""
    words = [sys.executable, "-m", "perunit.faces.cli.main", "-C", str(project), "--json"]
    log = project / "serve.log"
    options = {"env": os.environ | {"PYTHONPATH": str(HERE / "src")}}
    with _process([*words, "serve", "--port", str(port), "--grpc-port", "0"], log, **options) as process:

        def ready() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return (
                    urllib3.request("GET", f"http://127.0.0.1:{port}/healthz", retries=False, timeout=2).status == 200
                )
            except urllib3.exceptions.HTTPError:
                return False

        until(ready)
        yield
        process.kill()


@contextmanager
def prometheus(folder: Path, config: dict[str, Any], *flags: str) -> Iterator[str]:
    """Debian's Prometheus with its data below a folder; its address."""
    folder.mkdir(exist_ok=True)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    port = free_port()
    words = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags,
    ]
    log = folder / "prometheus.log"
    with _process(words, log) as process:

        def ready() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return (
                    urllib3.request("GET", f"http://127.0.0.1:{port}/-/ready", retries=False, timeout=2).status == 200
                )
            except urllib3.exceptions.HTTPError:
                return False

        until(ready)
        yield f"http://127.0.0.1:{port}"


def perunit(project: Path, *words: str) -> Any:
    """What a verb answers in JSON, asked of the process that serves the project."""
    command = [sys.executable, "-m", "perunit.faces.cli.main", "-C", str(project), "--json", *words]
    options = {"env": os.environ | {"PYTHONPATH": str(HERE / "src")}}
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)
