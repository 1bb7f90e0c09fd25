"""Calls out: certificates are checked as the contract says, and nobody is followed elsewhere."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from perunit.contract.shape import Endpoint
from perunit.live.calls import Answer, Caller, CallError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here to make a certificate")


class Hello(BaseHTTPRequestHandler):
    """Answers every request alike."""

    def do_GET(self) -> None:
        """Says hello."""
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def over_tls(folder: Path) -> Iterator[str]:
    """A server with a certificate of its own for localhost, in cert.pem; its URL."""
    words = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    out = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(["openssl", *words, *out], cwd=folder, check=True, capture_output=True)
    server = HTTPServer(("127.0.0.1", 0), Hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def called(folder: Path, url: str, **endpoint: Any) -> Answer:
    """One call of an endpoint."""
    caller = Caller(Endpoint(**endpoint), folder)
    try:
        return caller.call("GET", url, seconds_max=10, bytes_max=100, headers={})
    finally:
        caller.close()


@needs_openssl
def test_a_certificate_is_checked_unless_it_is_said_not_to_be(tmp_path: Path) -> None:
    """By the system's own, by those of a file, or not at all."""
    with over_tls(tmp_path) as url:
        with pytest.raises(CallError, match="certificate verify failed"):
            called(tmp_path, url)
        assert called(tmp_path, url, ca_file="cert.pem").body == b"hello"
        assert called(tmp_path, url, verify=False).body == b"hello"
        with pytest.raises(CallError, match="does not answer"):
            called(tmp_path, url, ca_file="none.pem")


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Before anything is called."""
    with pytest.raises(CallError, match=r"token_file none: cannot be read"):
        called(tmp_path, "http://127.0.0.1:1/", token_file="none")
