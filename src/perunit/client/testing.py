"""For the tests of a service: a client that records its events instead of sending them.

::

    recorder = Recorder("/checkout")
    checkout.events = recorder
    checkout.place("o-1")
    assert recorder.data("order.completed") == [{"order_id": "o-1", "total": "12.30"}]
    recorder.write("captured.ndjson")       # perunit contract test captured.ndjson
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perunit.client.events import Events
from perunit.client.transport import Accepted, Transport

if TYPE_CHECKING:
    import os

    from perunit.client.transport import Problem

__all__ = ["Recorder"]


class Recorder(Events):
    """`Events` without a server. `events` are the CloudEvents in order, `problems` what could be none."""

    def __init__(self, source: str = "/test") -> None:
        self.problems: list[Problem] = []
        self._kept = _Kept()
        super().__init__("http://recorder.invalid", source, on_problem=self.problems.append)

    def _new_transport(self) -> Transport:
        return self._kept

    @property
    def events(self) -> list[dict[str, Any]]:
        """What was emitted so far."""
        self.flush()
        return [json.loads(line) for line in self._kept.lines]

    def data(self, type_: str) -> list[dict[str, Any]]:
        """The data of all events of a type."""
        return [event["data"] for event in self.events if event["type"] == type_]

    def write(self, path: str | os.PathLike[str]) -> None:
        """Appends the events to a file, one a line, for `perunit contract test`."""
        self.flush()
        with Path(path).open("ab") as file:
            file.writelines(line + b"\n" for line in self._kept.lines)


class _Kept(Transport):
    """Takes the place of a server."""

    def __init__(self) -> None:
        super().__init__("http://recorder.invalid", {}, 1)
        self.lines: list[bytes] = []

    def send(self, lines: list[bytes]) -> Accepted:
        self.lines += lines
        return Accepted(len(lines))
