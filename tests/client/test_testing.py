"""A service can be tested without a server, and what it emits be checked against the contract."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from perunit.client.testing import Recorder

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_emitted_is_there_at_once(tmp_path: Path) -> None:
    """Events in order, their data by type, problems apart, and a file of them for the check of the contract."""
    recorder = Recorder("/checkout")
    with recorder.track("payment.attempted", {"order_id": "o-1"}):
        recorder.emit("order.completed", {"order_id": "o-1"})
    recorder.emit("order.completed", {"order_id": object()})
    assert [event["type"] for event in recorder.events] == ["order.completed", "payment.attempted"]
    assert recorder.data("order.completed") == [{"order_id": "o-1"}]
    assert [problem.place for problem in recorder.problems] == ["data"]
    recorder.write(tmp_path / "captured.ndjson")
    lines = (tmp_path / "captured.ndjson").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == recorder.events
