"""Text that has been kept long enough ends; facts, counts and sums do not."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.faces.serving import command, in_process
from tests.facts.privacy.test_pseudonyms import ALICE, BOB, EVENTS, deliver, event, project, sums

from perunit import pipeline
from perunit.facts.privacy import changes
from perunit.facts.privacy.expiry import EXPIRED, ended, expire
from perunit.facts.privacy.keys import make_keys
from perunit.facts.quarantine import Selection
from perunit.live.expiry import Expiry
from perunit.model.errors import UsageError
from perunit.wiring import opened

if TYPE_CHECKING:
    from pathlib import Path


def kept_for(root: Path, **ages: str) -> Path:
    """The company with hidden users, which keeps things so long."""
    found = project(root, "user")
    contract = json.loads((found / "perunit.yaml").read_text()) | {"retention": ages}
    (found / "perunit.yaml").write_text(json.dumps(contract))
    if not (root / "privacy.keys").exists():
        make_keys(root / "privacy.keys")
    return found


def test_texts_and_ids_end_after_their_days(tmp_path: Path) -> None:
    """To the day; a unit that is still met keeps its id; again, nothing more ends."""
    root = kept_for(tmp_path / "own", quarantine="30d", identities="400d")
    with opened(root, purpose="test") as found:
        deliver(found, EVENTS, tmp_path)
        came = found.clock()
        last = event(id="last", time=f"{came:%Y-%m-%d}T00:00:00Z", data={"user_id": BOB, "order_id": "o9"})
        deliver(found, [last], tmp_path)
        before = sums(found.engine)
        early, late = came + timedelta(days=29), came + timedelta(days=31)
        assert ended(found.engine, found.contract, early) == {"quarantine": 0, "identities": 0}
        assert expire(found.engine, found.contract, late) == {"quarantine": 3, "identities": 0}
        assert found.engine.rows("SELECT DISTINCT raw, got FROM quarantine") == [(EXPIRED, EXPIRED)]
        assert pipeline.replay(found.project, found.engine, Selection(), clock=found.clock) == []
        # Alice's last fact is of March, Bob's of today.
        much_later = datetime(2026, 3, 1, 12, tzinfo=came.tzinfo) + timedelta(days=401)
        assert expire(found.engine, found.contract, much_later) == {"quarantine": 0, "identities": 1}
        assert expire(found.engine, found.contract, much_later) == {"quarantine": 0, "identities": 0}
        alice, bob = (changes.pseudonym_of(found.project, "user", each) for each in (ALICE, BOB))
        assert changes.reveal(found.project, found.engine, "user", bob) == BOB
        with pytest.raises(UsageError, match="must be a pseudonym whose id is kept"):
            changes.reveal(found.project, found.engine, "user", alice)
        assert sums(found.engine) == before
        assert all(finding.broken is None for finding in pipeline.verify(found.project, found.engine))


def test_the_verb_says_how_much_and_a_server_does_it_by_itself(tmp_path: Path) -> None:
    """What a server ends stands in its audit."""
    root = kept_for(tmp_path / "own", quarantine="1d")
    with opened(root, purpose="test") as found:
        deliver(found, EVENTS, tmp_path)
        found.engine.execute("UPDATE quarantine SET quarantined_at = quarantined_at - INTERVAL 2 DAY")
    done = command("-C", str(root), "--json", "privacy", "expire", "--dry-run")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"quarantine": 3})
    with in_process(root) as service:
        loop = Expiry(service, 0.05)
        loop.start()
        for _ in range(100):
            if service.intake.run(lambda engine: engine.value("SELECT min(raw) FROM quarantine")).result() == EXPIRED:
                break
            time.sleep(0.05)
        loop.stop()
        assert service.audit.flush()
        with service.control.reading() as session:
            from perunit.access.audit_chain import entries

            (entry,) = (each for each in entries(session) if each.actor == "perunit")
            assert (entry.action, json.loads(entry.details)) == ("expire", {"quarantine": 3})
    assert json.loads(command("-C", str(root), "--json", "privacy", "expire").stdout) == {"quarantine": 0}


@pytest.mark.parametrize("age", ["0d", "30", "1h", "-1d"])
def test_an_age_is_a_number_of_days(tmp_path: Path, age: str) -> None:
    """Anything else is a fault of the contract that names the place."""
    done = command("-C", str(kept_for(tmp_path / "own", quarantine=age)), "check")
    assert done.returncode == 2
    assert "retention" in done.stdout + done.stderr
