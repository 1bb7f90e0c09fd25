"""A server of the tests: it speaks the protocol of /v1/events over real sockets, and fails where it is told to."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import zstandard

from perunit.client import Limits

QUICK = Limits(linger_seconds=0.01, retry_seconds=0.01, retry_seconds_max=0.05, request_seconds=5)


class Handler(BaseHTTPRequestHandler):
    """One request. What the server is to do with it is the first of `server.script`, or to store it."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        """Stores the events, or does what the script says."""
        body = self.rfile.read(int(self.headers["content-length"]))
        coding = self.headers.get("content-encoding", "identity")
        decode = {"gzip": gzip.decompress, "zstd": lambda b: zstandard.ZstdDecompressor().decompressobj().decompress(b)}
        events = json.loads(decode.get(coding, bytes)(body))
        with self.server.lock:
            self.server.requests.append((self.path, dict(self.headers.items()), len(events)))
            step = self.server.script.popleft() if self.server.script else self.server.otherwise
        step(self, events)

    def answer(self, status: int, body: object = None, **headers: str) -> None:
        """Sends a status, a JSON body and headers."""
        text = json.dumps(body or {}).encode()
        self.send_response(status)
        for name, value in {"content-length": str(len(text)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """The store of events by (source, id), and what was asked."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        super().__init__(address, Handler)
        self.lock = threading.Lock()
        self.script: deque[Any] = deque()
        self.otherwise: Any = store
        self.requests: list[tuple[str, dict[str, str], int]] = []
        self.stored: dict[tuple[str, str], dict[str, Any]] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def ids(self) -> list[str]:
        """Ids in the order in which they were stored."""
        return [id_ for _, id_ in self.stored]

    def handle_error(self, *_: object) -> None:
        """A client that went away is not the server's fault."""


def keep(handler: Handler, events: list[dict[str, Any]]) -> dict[str, Any]:
    """Stores events; those with ``broken`` in their data are rejected."""
    counts: dict[str, Any] = {"accepted": 0, "duplicate": 0, "conflict": 0, "rejected": 0, "problems": []}
    with handler.server.lock:
        for position, event in enumerate(events):
            kind, key = "accepted", (event["source"], event["id"])
            if event["data"].get("broken"):
                kind = "rejected"
            elif (known := handler.server.stored.get(key)) is not None:
                kind = "duplicate" if known == event else "conflict"
            else:
                handler.server.stored[key] = event
            counts[kind] += 1
            if kind in {"rejected", "conflict"}:
                told = {"rule": "number", "place": "data.broken", "got": "yes", "expected": "must be false; mend it"}
                counts["problems"].append({"position": position, "kind": kind, **told})
    return counts


def store(handler: Handler, events: list[dict[str, Any]]) -> None:
    """Stores and says so."""
    handler.answer(200, keep(handler, events))


def store_and_hang_up(handler: Handler, events: list[dict[str, Any]]) -> None:
    """Stores, and the answer is lost on the way."""
    keep(handler, events)
    hang_up(handler, events)


def hang_up(handler: Handler, events: list[dict[str, Any]]) -> None:
    """Closes the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def status(code: int, **headers: str) -> Any:
    """Answers with a status and stores nothing."""
    return lambda handler, events: handler.answer(code, {"title": "no", "detail": f"status {code}"}, **headers)


def until(condition: Any, seconds: float = 30) -> bool:
    """Whether a condition becomes true within a time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True
