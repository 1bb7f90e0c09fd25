"""The audit: whole, in order, told when it is not, and never in the way of a question."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from perunit.access.audit import ACTIONS, Audit
from perunit.access.audit_chain import GENESIS, Fact, Head, append, entries, head_of, parse_head, verify
from perunit.access.permit import OWNER, Viewer
from perunit.model.errors import StoreError
from perunit.store.control.database import ControlStore, in_memory, open_control

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy.orm import Session

NOW = datetime(2026, 9, 1, 12, 0, 0, 123456, tzinfo=UTC)
KIM = Viewer(7, "kim", None, OWNER, "session")


def facts(count: int, name: str = "kim") -> list[Fact]:
    """Things that kim did."""
    return [Fact(NOW + timedelta(seconds=n), name, "session", "query", f"revenue {n}", "{}") for n in range(count)]


def filled(control: ControlStore, count: int) -> Head:
    """A chain of so many entries."""
    with control.session() as session:
        return append(session, facts(count))


def broken(control: ControlStore, *statements: str) -> tuple[int | None, str | None]:
    """What a check finds after somebody with the file has run these on it, having taken the triggers away."""
    with control.session() as session:
        for name in ("update", "delete"):
            session.execute(text(f"DROP TRIGGER IF EXISTS audit_no_{name}"))
        for statement in statements:
            session.execute(text(statement))
    with control.reading() as session:
        found = verify(session)
    return found.broken_seq, found.fault


@pytest.fixture
def memory() -> ControlStore:
    """A control database of its own."""
    return in_memory()


def test_a_chain_begins_at_nothing_and_is_whole(control: ControlStore) -> None:
    """Each entry holds the hash of the one before, the first a row of zeros; the head is the last."""
    with control.reading() as session:
        assert head_of(session) == Head(0, GENESIS)
        assert verify(session).fault is None
    head = filled(control, 3)
    with control.reading() as session:
        chain = list(entries(session))
        assert [entry.seq for entry in chain] == [1, 2, 3]
        assert [entry.previous_hash for entry in chain] == [GENESIS, chain[0].hash, chain[1].hash]
        assert head_of(session) == head == Head(3, chain[2].hash)
        assert verify(session).as_json()["intact"] is True


def test_the_database_refuses_to_change_or_delete_an_entry(control: ControlStore) -> None:
    """Whatever the program does by mistake, what is written stays."""
    filled(control, 2)
    for statement in ("UPDATE audit SET actor = 'robin' WHERE seq = 1", "DELETE FROM audit WHERE seq = 2"):
        with pytest.raises((DatabaseError, StoreError), match="only added"), control.session() as session:
            session.execute(text(statement))
    with control.reading() as session:
        assert verify(session).entries == 2


@pytest.mark.parametrize(
    ("statement", "seq", "said"),
    [
        ("UPDATE audit SET actor = 'robin' WHERE seq = 3", 3, "was changed"),
        ("UPDATE audit SET details = '{ }' WHERE seq = 1", 1, "was changed"),
        ("UPDATE audit SET at = '2026-09-01 12:00:09.000000' WHERE seq = 2", 2, "was changed"),
        ("DELETE FROM audit WHERE seq = 2", 2, "is missing"),
        ("DELETE FROM audit WHERE seq = 1", 1, "is missing"),
        ("DELETE FROM audit WHERE seq > 3", 4, "the end was cut off"),
        ("DELETE FROM audit", 1, "the end was cut off"),
        ("UPDATE audit SET previous_hash = hash WHERE seq = 4", 4, "does not hold the hash"),
        ("DELETE FROM settings WHERE name = 'audit_head'", 5, "no record of the last entry"),
    ],
)
def test_what_was_done_to_the_chain_is_found_at_its_first_entry(
    memory: ControlStore, statement: str, seq: int, said: str
) -> None:
    """A changed entry, a missing one and a cut end are each told by number."""
    filled(memory, 5)
    found, fault = broken(memory, statement)
    assert found == seq
    assert fault is not None
    assert said in fault


def test_entries_after_a_cut_do_not_hide_it(memory: ControlStore) -> None:
    """New entries follow the head that is on record, so the gap stays."""
    filled(memory, 5)
    broken(memory, "DELETE FROM audit WHERE seq > 3")
    filled(memory, 2)
    assert broken(memory)[0] == 4


def test_a_chain_made_anew_is_told_by_a_head_that_was_kept(memory: ControlStore) -> None:
    """Who owns the file can compute every hash again; only what is kept elsewhere tells."""
    kept = filled(memory, 4)
    broken(memory, "DELETE FROM audit", "DELETE FROM settings")
    with memory.session() as session:
        append(session, facts(6, "robin"))
    with memory.reading() as session:
        assert verify(session).fault is None
        found = verify(session, kept)
    assert (found.broken_seq, found.fault) == (4, "is another entry than the one whose hash was kept elsewhere")


def test_a_head_that_lies_beyond_the_chain_is_told(memory: ControlStore) -> None:
    """An older copy of the file, put back, lacks what was kept."""
    filled(memory, 2)
    with memory.reading() as session:
        assert verify(session, Head(9, "f" * 64)).broken_seq == 9


@given(st.text(max_size=80))
def test_a_head_is_read_as_it_is_written_and_nothing_else_is_one(garbage: str) -> None:
    """SEQ:HASH, and no other text."""
    head = Head(12, "ab" * 32)
    assert parse_head(str(head)) == head
    assert parse_head(garbage) is None or str(parse_head(garbage)) == garbage.strip().lower().lstrip("0")


@settings(deadline=None, max_examples=30)
@given(actor=st.text(max_size=30), target=st.text(max_size=60), value=st.text(max_size=60))
def test_any_text_is_kept_and_verified(actor: str, target: str, value: str) -> None:
    """Zero characters, halves of pairs and whatever else somebody sends break neither the chain nor the database."""
    control = in_memory()
    audit = Audit(control, lambda: NOW)
    audit.record(Viewer(None, actor, None, OWNER, "session"), "login_failed", target, {"said": value})
    with control.reading() as session:
        assert verify(session).as_json()["intact"] is True


def test_many_threads_make_one_chain(control: ControlStore) -> None:
    """Two writers on one database, many threads each: every entry once, none lost, the chain whole."""
    writers = [Audit(control, lambda: NOW) for _ in range(2)]

    def work(number: int) -> None:
        for each in range(10):
            action = "export" if each % 5 == 0 else "query"
            writers[number % 2].record(KIM, action, f"{number}/{each}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for writer in writers:
        writer.close()
    with control.reading() as session:
        assert verify(session).as_json()["intact"] is True
        assert {entry.target for entry in entries(session)} == {f"{n}/{e}" for n in range(8) for e in range(10)}


def test_several_processes_make_one_chain(tmp_path: Path) -> None:
    """The command line writes beside the server."""
    program = (
        "import sys; from pathlib import Path; from perunit.store.control.database import open_control\n"
        "from perunit.access.audit_chain import Fact, append; from datetime import UTC, datetime\n"
        "control = open_control(Path(sys.argv[1]))\n"
        "for n in range(10):\n"
        "    with control.session() as s: append(s, [Fact(datetime.now(UTC), 'kim', 'owner', 'query', str(n), '{}')])\n"
        "control.close()\n"
    )
    open_control(tmp_path).close()
    running = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(3)]
    assert [each.wait(60) for each in running] == [0, 0, 0]
    with closing(open_control(tmp_path)) as control, control.reading() as session:
        found = verify(session)
    assert (found.entries, found.fault) == (30, None)


def test_a_change_is_on_disk_before_it_is_answered_for_and_a_question_soon(memory: ControlStore) -> None:
    """What reads is gathered for at most a tenth of a second; the end of the server loses nothing."""
    audit = Audit(memory, lambda: NOW)

    def there() -> int:
        with memory.reading() as session:
            return verify(session).entries

    audit.record(KIM, "export", "revenue")
    assert there() == 1
    audit.record(KIM, "query", "revenue")
    ended = time.monotonic() + 5
    while there() < 2:
        assert time.monotonic() < ended
        time.sleep(0.01)
    for number in range(2_000):
        audit.record(KIM, "query", str(number))
    audit.close()
    assert there() == 2_002


class Failing(ControlStore):
    """A database that cannot be written while `down`."""

    def __init__(self) -> None:
        self.inner, self.down = in_memory(), True

    def session(self) -> AbstractContextManager[Session]:
        """As it is, while it can be written."""
        if self.down:
            raise StoreError("control database: disk full")
        return self.inner.session()

    def reading(self) -> AbstractContextManager[Session]:
        """As it is."""
        return self.inner.reading()


def test_what_cannot_be_written_down_is_refused_and_kept_until_it_can() -> None:
    """A change is refused while the audit cannot be written; what was done meanwhile is written when it can be."""
    control = Failing()
    audit = Audit(control, lambda: NOW)
    audit.require()
    audit.record(KIM, "query", "asked")
    with pytest.raises(StoreError, match="audit: cannot be written"):
        audit.record(KIM, "price_approve", "cloud 3")
    with pytest.raises(StoreError, match="nothing is changed while that is so"):
        audit.require()
    control.down = False
    assert audit.flush()
    audit.require()
    with control.reading() as session:
        assert [entry.target for entry in entries(session)] == ["asked", "cloud 3"]


def test_long_details_are_clipped(memory: ControlStore) -> None:
    """Nobody fills the database with one request."""
    audit = Audit(memory, lambda: NOW)
    audit.record(KIM, "export", "x" * 100_000, {"filters": ["y" * 1_000_000]})
    with memory.reading() as session:
        (entry,) = entries(session)
        assert len(entry.target) == 1_000
        assert len(entry.details) < 4_100


def test_words_of_actions_are_few() -> None:
    """What the documentation lists."""
    assert {"export", "reveal", "erase", "price_approve", "login_failed"} <= ACTIONS
