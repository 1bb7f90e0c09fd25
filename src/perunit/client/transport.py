"""One request to the server and what its answer means. Enters: encoded events. Leaves: a verdict on them."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Accepted", "Problem", "Refused", "Retry", "Transport", "event_of"]

_PLAIN_BYTES_MAX = 1024
_RETRY_AFTER_SECONDS_MAX = 300
# What says nothing of the events: the way to the server, its load, or the credentials. 413 and 422 do, and so does 400.
_ABOUT_EVENTS = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class Problem:
    """An event that is not what the contract says, or cannot be sent: which, the rule, what was there, what must hold.

    `kind` is ``rejected`` (the server keeps it in quarantine), ``conflict`` (another event has its id), ``refused``
    (no server could take it), ``invalid`` (it was never sent) or ``dropped`` (there was no room, or the time was up).
    """

    kind: str
    event_id: str | None
    event_type: str | None
    rule: str
    place: str
    got: str | None
    expected: str

    def __str__(self) -> str:
        """``rejected order.completed 3f2…: data.total: got 'x', must be a number [number]``."""
        got = "" if self.got is None else f"got {self.got!r}, "
        return f"{self.kind} {self.event_type} {self.event_id}: {self.place}: {got}{self.expected} [{self.rule}]"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server has the events: all of them are stored, known already, or kept in its quarantine."""

    accepted: int
    duplicate: int = 0
    conflict: int = 0
    rejected: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Retry:
    """The server does not have them now; `after_seconds` is what it asks for."""

    reason: str
    after_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """The server will never take this request as it is."""

    status: int
    detail: str


class Transport:
    """POSTs batches of CloudEvents, compressed where the server takes that."""

    def __init__(self, url: str, headers: Mapping[str, str], timeout_seconds: float) -> None:
        self._url = url.rstrip("/") + "/v1/events"
        self._headers = {"content-type": "application/cloudevents-batch+json", **headers}
        self._timeout = urllib3.Timeout(connect=min(5, timeout_seconds), read=timeout_seconds)
        self._pool = urllib3.PoolManager(num_pools=1, maxsize=1, retries=False)
        self._codings = [*_codings()]

    def send(self, lines: list[bytes]) -> Accepted | Retry | Refused:
        """One request; an answer that never came is a Retry, for the server may or may not have them."""
        body = b"[" + b",".join(lines) + b"]"
        coding, compress = self._codings[0] if len(body) > _PLAIN_BYTES_MAX else ("identity", bytes)
        headers = self._headers if coding == "identity" else {**self._headers, "content-encoding": coding}
        try:
            answer = self._pool.request(
                "POST", self._url, body=compress(body), headers=headers, timeout=self._timeout, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            return Retry(f"{type(error).__name__}: {error}")
        if answer.status == 415 and coding != "identity":
            self._codings.pop(0)
            return Retry(f"the server does not take {coding}")
        return verdict(answer.status, answer.headers, answer.data, lines)

    def close(self) -> None:
        """Closes the connection."""
        self._pool.clear()


def verdict(status: int, headers: Mapping[str, str], body: bytes, lines: list[bytes]) -> Accepted | Retry | Refused:
    """What an answer says of the events that were sent.

    422 with counts says that the server has rejected every event and keeps them, so they are not sent again.
    """
    answer = _object(body)
    if (status == 422 or 200 <= status < 300) and (counted := _accepted(answer, lines)) is not None:
        return counted
    if 200 <= status < 300:
        # Another receiver of CloudEvents, which only says that it has them.
        return Accepted(len(lines))
    detail = str(answer.get("detail") or answer.get("title") or body[:200].decode(errors="replace"))
    if status in _ABOUT_EVENTS:
        return Refused(status, detail)
    return Retry(f"HTTP {status} {detail}".strip(), _retry_after(headers.get("retry-after", "")))


def _accepted(answer: dict[str, Any], lines: list[bytes]) -> Accepted | None:
    counts = [answer.get(name) for name in ("accepted", "duplicate", "conflict", "rejected")]
    accepted, duplicate, conflict, rejected = (count if isinstance(count, int) else -1 for count in counts)
    if -1 in (accepted, duplicate, conflict, rejected):
        return None
    problems = [_problem(each, lines) for each in answer.get("problems") or () if isinstance(each, dict)]
    return Accepted(accepted, duplicate, conflict, rejected, problems)


def _problem(told: dict[str, Any], lines: list[bytes]) -> Problem:
    position, got = told.get("position"), told.get("got")
    event = event_of(lines[position]) if isinstance(position, int) and 0 <= position < len(lines) else {}
    kind, rule, place, expected = (str(told.get(name) or "") for name in ("kind", "rule", "place", "expected"))
    return Problem(kind, event.get("id"), event.get("type"), rule, place, None if got is None else str(got), expected)


def event_of(line: bytes) -> dict[str, Any]:
    """An encoded event as it was."""
    return _object(line)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after(text: str) -> float:
    """Seconds, or an HTTP date; 0 where it says neither."""
    try:
        seconds = float(text) if text.strip().isdigit() else _until(text)
    except (TypeError, ValueError):
        return 0
    return min(max(seconds, 0), _RETRY_AFTER_SECONDS_MAX)


def _until(text: str) -> float:
    return (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()


def _codings() -> list[tuple[str, Callable[[bytes], bytes]]]:
    """How a body may be compressed, the best first."""
    found: list[tuple[str, Callable[[bytes], bytes]]] = [
        ("gzip", lambda body: gzip.compress(body, 1)),
        ("identity", bytes),
    ]
    try:
        import zstandard
    except ImportError:
        return found
    return [("zstd", zstandard.ZstdCompressor(level=1).compress), *found]
