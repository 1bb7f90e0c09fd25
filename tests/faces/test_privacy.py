"""``perunit privacy`` as a person uses it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.faces.serving import command as run
from tests.invariants.company import CONTRACT

if TYPE_CHECKING:
    from pathlib import Path


def command(root: Path, *words: str) -> tuple[int, str]:
    """The exit code and the answer of one verb."""
    done = run("-C", str(root), *words)
    return done.returncode, done.stdout


def test_an_id_is_hidden_revealed_and_erased_and_the_audit_says_so(tmp_path: Path) -> None:
    """From the key file to the erasure; what is written down names no id."""
    root = tmp_path / "own"
    root.mkdir()
    (root / "perunit.yaml").write_text(json.dumps(CONTRACT | {"privacy": {"pseudonymize": ["user"]}}))
    sent = tmp_path / "events.ndjson"
    data = {"order_id": "o1", "user_id": "alice-4711", "total": "2"}
    event = {"specversion": "1.0", "id": "a", "source": "shop", "type": "order.completed", "data": data}
    sent.write_text(json.dumps(event | {"time": "2026-03-01T00:00:00Z"}) + "\n")
    assert command(root, "ingest", str(sent))[0] == 2
    assert command(root, "privacy", "init")[0] == 0
    assert command(root, "ingest", str(sent))[0] == 0
    receipt = json.loads(command(root, "--json", "receipt", "user", "alice-4711")[1])
    pseudonym = receipt["unit_key"]
    assert command(root, "privacy", "reveal", "user", pseudonym, "--reason", "asked")[1].strip() == "alice-4711"
    assert command(root, "privacy", "erase", "user", "alice-4711", "--reason", "request")[0] == 0
    assert command(root, "privacy", "reveal", "user", pseudonym, "--reason", "asked")[0] == 2
    audit = command(root, "--json", "audit", "list")[1]
    assert "reveal" in audit
    assert "erase" in audit
    assert "alice-4711" not in audit
