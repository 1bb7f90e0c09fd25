"""Slow and hostile clients: each costs a bounded amount, and nobody else waits for it."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from tests.faces.serving import Served, event, in_process, listening

from perunit.faces.api.body import Limits
from perunit.faces.cli.init import write_project

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = Limits(
    body_bytes_max=100_000,
    all_bodies_bytes_max=250_000,
    body_idle_seconds_max=0.5,
    body_seconds_max=1.5,
    head_bytes_max=4096,
    head_seconds_max=0.5,
    connections_max=20,
)
POST = b"POST /v1/events HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/cloudevents-batch+json\r\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with small limits, so that a test does not take as long as a hostile client would."""
    project = tmp_path_factory.mktemp("shop")
    write_project(project, "ecommerce")
    with in_process(project) as service, listening(service, LIMITS) as served:
        yield served


def answered(connection: socket.socket) -> bytes:
    """All that is answered, until the connection is closed."""
    connection.settimeout(20)
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def test_a_client_that_dribbles_does_not_stall_the_others(shop: Served) -> None:
    """A dozen send a byte now and then, while others are answered; the slow ones are given up in time."""
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(shop.endpoint)) for _ in range(12)]
        for number, each in enumerate(slow):
            each.sendall(POST + b"content-length: 5000\r\n\r\n[" if number % 2 else b"POST /v1/ev")
        fine = 0
        ended = time.monotonic() + 1
        while time.monotonic() < ended:
            assert shop.post(event(f"beside-{fine}")).status == 200
            fine += 1
            for each in slow:
                with suppress(OSError):
                    each.sendall(b" ")
        answers = [answered(each) for each in slow]
    assert fine > 2
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
    assert all(b"must come within" in answer for answer in answers)


def test_a_body_that_pauses_is_given_up(shop: Served) -> None:
    """Before its time for the whole is over."""
    with socket.create_connection(shop.endpoint) as connection:
        connection.sendall(POST + b"content-length: 5000\r\n\r\n[")
        answer = answered(connection)
    assert b"408" in answer
    assert b"without a pause of 0.5 s" in answer


def test_a_silent_connection_is_closed(shop: Served) -> None:
    """Nothing was asked, so nothing is answered."""
    with socket.create_connection(shop.endpoint) as connection:
        assert answered(connection) == b""


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 6000 + b" HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 2000,
        b"GET / HTTP/1.1\r\nx: " + b"y" * 6000,
    ],
    ids=["path", "many", "long"],
)
def test_a_head_without_end_is_refused(shop: Served, head: bytes) -> None:
    """431 as soon as it is too long, whatever of it is."""
    with socket.create_connection(shop.endpoint) as connection:
        connection.sendall(head)
        answer = answered(connection)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["detail"].startswith("head: more than 4,096 bytes")


def test_chunks_that_are_mostly_not_content_are_refused(shop: Served) -> None:
    """Extensions and trailers would otherwise be kept for as long as they come."""
    head = POST + b"expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n"
    for rest in (b"1;" + b"x" * 9000, b"0\r\n" + b"a: b\r\n" * 1500):
        with socket.create_connection(shop.endpoint) as connection:
            connection.sendall(head)
            assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
            connection.sendall(rest)
            assert b"400 Bad Request" in answered(connection)


def test_a_body_may_not_grow_beyond_its_limit(shop: Served) -> None:
    """Chunked, so that no length is stated; 413 as soon as it is passed."""
    with socket.create_connection(shop.endpoint) as connection:
        connection.sendall(POST + b"transfer-encoding: chunked\r\n\r\n")
        chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
        connection.sendall(chunk * 7)
        assert b"more than 100,000 bytes" in answered(connection)


def test_all_bodies_together_have_a_limit(shop: Served) -> None:
    """Many that are fine alone are told to come again; what they took up is given back."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(shop.endpoint)) for _ in range(4)]
        for each in held:
            each.sendall(POST + b"content-length: 90000\r\n\r\n" + b" " * 80_000)
        answers = [answered(each) for each in held]
    assert sum(b"429 Too Many Requests" in each and b"retry-after: 1" in each for each in answers) >= 1
    assert sum(b"408" in each for each in answers) >= 2
    assert shop.post(event("after")).status == 200


def test_what_is_no_http_is_told_so(shop: Served) -> None:
    """As a problem like any other."""
    with socket.create_connection(shop.endpoint) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00 hello\r\n\r\n")
        answer = answered(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 400


def test_connections_beyond_the_limit_are_told_so(shop: Served) -> None:
    """503 at once; when some have gone, others are taken again."""
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(socket.create_connection(shop.endpoint)).sendall(b"G")
        extra = stack.enter_context(socket.create_connection(shop.endpoint))
        answer = answered(extra)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"20 connections are open" in answer
    while True:
        try:
            assert shop.send("GET", "/healthz").status == 200
        except AssertionError:
            continue
        break
