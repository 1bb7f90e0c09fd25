"""What is on disk survives the process, is sent in order, and damage costs no more than what is damaged."""

from __future__ import annotations

import doctest
import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.client import server as h
from tests.client.server import QUICK, until

from perunit.client import Events, Limits, SpoolError, frames
from perunit.client.frames import FRAME_BYTES, frame, read_frames
from perunit.client.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROOM = 8 << 20
# Whatever an encoded event may hold: any text without the control characters that JSON escapes.
TEXTS = st.lists(st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"])).map(str.encode), max_size=8)


def read(data: bytes) -> list[bytes]:
    """The texts of whole records."""
    return [text for text, _ in read_frames(data)]


def test_the_worked_example_of_a_record() -> None:
    """The docstring shows the bytes."""
    assert doctest.testmod(frames) == (0, 1)


@given(TEXTS)
def test_records_are_read_as_written(texts: list[bytes]) -> None:
    """In order, each with the offset behind it."""
    data = b"".join(map(frame, texts))
    assert read(data) == texts
    assert [end for _, end in read_frames(data)][-1:] == [len(data)][: len(texts)]


@given(TEXTS, st.data())
def test_a_torn_tail_loses_only_itself(texts: list[bytes], draw: st.DataObject) -> None:
    """Cut at any byte, the records before are read and nothing else; what is appended afterwards is read too."""
    data = b"".join(map(frame, texts))
    cut = draw.draw(st.integers(0, len(data)))
    whole, size = [], 0
    for text in texts:
        size += len(text) + FRAME_BYTES
        whole += [text] if size <= cut else []
    assert read(data[:cut]) == whole
    # A tail that was torn within its last byte, the line end, is no record either.
    assert read(data[:cut] + frame(b"next")) == [*whole, b"next"]


@given(TEXTS, st.data())
def test_damage_never_yields_a_wrong_record(texts: list[bytes], draw: st.DataObject) -> None:
    """Whatever bytes are overwritten: records elsewhere are read, damaged ones are not, and none is made up."""
    data = bytearray(b"".join(map(frame, texts)))
    at = draw.draw(st.integers(0, max(0, len(data) - 1)))
    noise = draw.draw(st.binary(max_size=12))[: len(data) - at]
    before = bytes(data)
    data[at : at + len(noise)] = noise
    expected, start = [], 0
    for text in texts:
        end = start + len(text) + FRAME_BYTES
        expected += [text] if data[start:end] == before[start:end] else []
        start = end
    assert read(bytes(data)) == expected


@given(st.binary())
def test_noise_is_no_record(data: bytes) -> None:
    """Any bytes can be read without an error."""
    assert read(data) == []


def drained(spool: Spool, events: int = 7) -> list[bytes]:
    """All that waits, taken in batches and done with."""
    found: list[bytes] = []
    while lines := spool.take(events, 1 << 20):
        found += lines
        spool.done()
    return found


def files(slot: Path) -> list[str]:
    """The segments of a slot."""
    return sorted(path.name for path in slot.glob("*.events"))


def lines_of(count: int, size: int = 50, start: int = 0) -> list[bytes]:
    """Numbered lines of a length."""
    return [b"%08d" % number + b"x" * size for number in range(start, start + count)]


def test_what_was_not_sent_is_there_at_the_next_start(tmp_path: Path) -> None:
    """In the order it was put, over many segments, and what was sent is not sent again."""
    lines = lines_of(5000, 1000)
    spool = Spool(tmp_path, ROOM)
    for line in lines[:3000]:
        spool.put(line)
    first = [*spool.take(10, 1 << 20)]
    spool.done()
    taken = spool.take(10, 1 << 20)
    spool.undo()
    assert [*first, *taken] == lines[:20]
    spool.close()
    again = Spool(tmp_path, ROOM)
    assert again.entered - again.left == 2990
    for line in lines[3000:]:
        again.put(line)
    assert len(files(again.slot)) > 3
    assert drained(again) == lines[10:]
    assert again.entered == again.left
    again.close()
    assert files(again.slot) == []


def test_an_empty_slot_stays_empty(tmp_path: Path) -> None:
    """Opening and closing leaves nothing to send, however often."""
    for number in range(3):
        spool = Spool(tmp_path, ROOM)
        assert spool.take(1, 1) == []
        spool.put(b"%d" % number)
        assert drained(spool) == [b"%d" % number]
        spool.close()
    assert files(tmp_path / "0") == []


def test_two_processes_do_not_share_a_slot(tmp_path: Path) -> None:
    """Each holds its own by a lock; a later one takes over what the first has left."""
    first, second = Spool(tmp_path, ROOM), Spool(tmp_path, ROOM)
    assert first.slot != second.slot
    first.put(b"first")
    second.put(b"second")
    second.close()
    assert drained(first) == [b"first"]
    third = Spool(tmp_path, ROOM)
    assert third.slot == second.slot
    assert drained(third) == [b"second"]
    third.close()
    first.put(b"left")
    other = Spool(tmp_path, ROOM)
    first.close()
    last = Spool(tmp_path, ROOM)
    assert drained(last) == [b"left"]
    other.close()


def test_what_a_dead_process_left_in_another_slot_is_adopted(tmp_path: Path) -> None:
    """Eight workers before a restart, one after it: the one sends what all have left."""
    workers = [Spool(tmp_path, ROOM) for _ in range(8)]
    for number, spool in enumerate(workers):
        for line in lines_of(20, start=100 * number):
            spool.put(line)
        spool.take(5, 1 << 20)
        spool.done()
    for spool in workers:
        spool.forget()
    one = Spool(tmp_path, ROOM)
    assert one.entered == 8 * 15
    found = drained(one)
    assert sorted(found) == [line for number in range(8) for line in lines_of(15, start=100 * number + 5)]
    one.close()
    assert [files(slot) for slot in tmp_path.iterdir()] == [[]] * 8


def test_the_size_is_bounded_by_giving_up_the_oldest(tmp_path: Path) -> None:
    """Whole segments go, what is being sent excepted, and the count is exact."""
    spool = Spool(tmp_path, ROOM)
    lines = lines_of(20_000, 1000)
    sending: list[bytes] = []
    for number, line in enumerate(lines):
        while not spool.room(len(line)):
            assert spool.drop_oldest() > 0
        spool.put(line)
        if number == 100:
            sending = spool.take(10, 1 << 20)
    assert sum(path.stat().st_size for path in spool.slot.glob("*.events")) <= ROOM
    spool.done()
    rest = drained(spool, 500)
    assert sending == lines[:10]
    assert rest == lines[-len(rest) :]
    assert spool.lost == 20_000 - 10 - len(rest)
    assert spool.entered == spool.left == 20_000


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_damage_costs_only_what_is_damaged(tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject) -> None:
    """Segments and cursor overwritten anywhere: the next process starts, and sends only lines that were put, in order,
    and every line that lies outside of the damage.
    """
    folder = tmp_path_factory.mktemp("spool")
    lines = lines_of(40, 20)
    spool = Spool(folder, ROOM)
    for line in lines:
        spool.put(line)
    for _ in range(draw.draw(st.integers(0, 2))):
        spool.take(5, 1 << 20)
        spool.done()
    sent = spool.left
    spool.forget()
    paths = sorted(path for path in (folder / "0").iterdir() if path.name != "lock")
    path = draw.draw(st.sampled_from(paths))
    data = bytearray(path.read_bytes())
    at = draw.draw(st.integers(0, len(data) - 1))
    noise = draw.draw(st.binary(min_size=1, max_size=60))
    torn = draw.draw(st.booleans())
    data[at:] = b"" if torn else noise + data[at + len(noise) :]
    path.write_bytes(data)
    again = Spool(folder, ROOM)
    found = drained(again)
    again.close()
    assert found == [line for line in lines if line in found]
    size = len(lines[0]) + FRAME_BYTES
    if path.name == "cursor":
        assert found[-(40 - sent) :] == lines[sent:]
    else:
        last = len(lines) if torn else (at + len(noise)) // size + 1
        assert set(lines[sent : at // size] + lines[max(sent, last) :]) <= set(found)


def test_a_segment_that_vanishes_is_counted_as_lost(tmp_path: Path) -> None:
    """Someone has deleted the file: the sender goes on with the next one."""
    spool = Spool(tmp_path, ROOM)
    for line in lines_of(3000, 1000):
        spool.put(line)
    (spool.slot / files(spool.slot)[0]).unlink()
    rest = drained(spool, 500)
    assert rest == lines_of(3000, 1000)[-len(rest) :]
    assert (spool.lost, spool.left) == (3000 - len(rest), 3000)


def test_an_unusable_directory_is_refused_at_the_start(tmp_path: Path) -> None:
    """With its name and the mend."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(SpoolError, match=r"file/0: Not a directory; name a directory that can be written to"):
        Events("http://localhost:1", "/shop", spool=tmp_path / "file")


def test_a_full_disk_drops_the_new_event_and_says_so(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The application goes on, the event is counted as dropped, and the file stays readable."""
    told: list[Any] = []
    write = os.write

    def no_room(handle: int, data: bytes) -> int:
        return write(handle, data[:10])

    server.otherwise = h.status(503)
    events = Events(server.url, "/shop", spool=tmp_path, limits=QUICK, on_problem=told.append)
    first = events.emit("a", {"n": 1})
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", no_room)
        assert events.emit("a", {"n": 2}) is None
    last = events.emit("a", {"n": 3})
    assert [(problem.kind, problem.rule) for problem in told] == [("dropped", "disk")]
    server.otherwise = h.store
    assert events.close()
    assert server.ids() == [first, last]
    found = events.counters()
    assert (found.emitted, found.dropped, found.accepted, found.waiting) == (3, 1, 2, 0)


def test_an_outage_of_the_server_is_bridged(server: Any, tmp_path: Path) -> None:
    """Emitted while the server is away, kept when the service ends, sent in order by the next one."""
    server.otherwise = h.status(503)
    ids = []
    for _ in range(3):
        with Events(server.url, "/shop", spool=tmp_path, limits=QUICK) as events:
            ids += [events.emit("a", {"n": number}) for number in range(100)]
            assert not events.close(timeout=0.05)
            assert events.counters().waiting == len(ids)
    server.otherwise = h.store
    with Events(server.url, "/shop", spool=tmp_path, limits=QUICK) as events:
        assert events.flush(30)
        assert events.counters().accepted == 300
    assert server.ids() == ids
    assert files(tmp_path / "0") == []


def test_leftovers_leave_without_a_new_event(server: Any, tmp_path: Path) -> None:
    """A service that starts sends what was left, before it emits anything."""
    spool = Spool(tmp_path, ROOM)
    spool.put(json.dumps({"id": "x", "source": "s", "data": {}}).encode())
    spool.forget()
    with Events(server.url, "/shop", spool=tmp_path, limits=QUICK):
        assert until(lambda: server.ids() == ["x"])


@pytest.mark.parametrize("fsync", ["never", "second", "always"])
def test_each_fsync_policy_forces_as_often_as_it_says(
    server: Any, tmp_path: Path, fsync: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never; before `emit` returns; or once in a while from the sending thread."""
    calls: list[str] = []
    real = os.fsync

    def seen(handle: int) -> None:
        calls.append(threading.current_thread().name)
        real(handle)

    monkeypatch.setattr(os, "fsync", seen)
    monkeypatch.setattr("perunit.client.outbox._SYNC_SECONDS", 0.01)
    server.otherwise = h.status(503)
    limits = Limits(fsync=fsync, linger_seconds=60)
    events = Events(server.url, "/shop", spool=tmp_path, limits=limits)
    for number in range(20):
        events.emit("a", {"n": number})
    if fsync == "second":
        assert until(lambda: "perunit-events" in calls)
    expected = {"never": 0, "second": None, "always": 20}[fsync]
    assert expected is None or len(calls) == expected
    events.close(timeout=0)


PRODUCER = """
import sys, itertools
from perunit.client import Events, Limits
url, spool, name = sys.argv[1:]
events = Events(url, name, spool=spool, limits=Limits(linger_seconds=0.005, retry_seconds=0.01, retry_seconds_max=0.05))
for number in itertools.count():
    id_ = events.emit("a", {"n": number}, id=f"{name}-{number:08d}")
    # The id is told only after emit has returned: from here on it must not be lost.
    sys.stdout.write(id_ + "\\n")
    sys.stdout.flush()
"""


def killed_producer(url: str, spool: Path, name: str, told_min: int) -> list[str]:
    """Runs a producer, kills it -9 in the middle, and gives the ids that `emit` had returned."""
    words = [sys.executable, "-c", PRODUCER, url, str(spool), name]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(told_min)]
        os.kill(child.pid, signal.SIGKILL)
        told += child.stdout.readlines()
    return [line.strip() for line in told if line.endswith("\n")]


def test_a_killed_producer_loses_nothing(server: Any, tmp_path: Path) -> None:
    """Kill -9, eight times, with a server that fails, hangs up and loses answers: every event whose `emit` had
    returned is stored exactly once, in order.
    """
    steps = [h.store, h.status(503), h.store_and_hang_up, h.hang_up, h.status(429, retry_after="0")]
    told: dict[str, list[str]] = {}
    for round_ in range(8):
        server.script.extend(steps * 20)
        name = f"p{round_}"
        told[name] = killed_producer(server.url, tmp_path, name, 100 + 150 * round_)
    server.script.clear()
    with Events(server.url, "/last", spool=tmp_path, limits=QUICK) as events:
        assert events.flush(30)
        found = events.counters()
        assert found.emitted == found.accepted + found.duplicate
    for name, ids in told.items():
        stored = [id_ for id_ in server.ids() if id_.startswith(f"{name}-")]
        assert stored[: len(ids)] == ids
        # One more may have been written without its id having been told.
        assert len(stored) <= len(ids) + 1


def conserved(found: Any) -> bool:
    """What was emitted is somewhere."""
    ends = (found.accepted, found.duplicate, found.conflict, found.rejected, found.refused, found.dropped)
    return bool(found.emitted == sum(ends) + found.waiting)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["emit", "broken", "flush", "away", "back", "lose", "restart"]), max_size=25))
def test_every_event_is_accounted_for(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    """Any history of outages, lost answers and restarts: counters add up, and every good event is stored once."""
    folder, made = tmp_path_factory.mktemp("spool"), h.Server()
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def start() -> Events:
        return Events(made.url, "/shop", spool=folder, limits=QUICK, on_problem=lambda _: None)

    actions: dict[str, Callable[[Events], object]] = {
        "flush": lambda events: events.flush(0.02),
        "away": lambda _: setattr(made, "otherwise", h.status(503)),
        "back": lambda _: setattr(made, "otherwise", h.store),
        "lose": lambda _: made.script.append(h.store_and_hang_up),
    }
    events, good = start(), []
    for step in steps:
        if step in {"emit", "broken"}:
            id_ = events.emit("a", {"broken": step == "broken"})
            good += [id_] if step == "emit" else []
        elif step == "restart":
            events.close(timeout=0.02)
            events = start()
        else:
            actions[step](events)
        assert conserved(events.counters())
    made.otherwise = h.store
    made.script.clear()
    assert events.close(timeout=10)
    assert events.counters().waiting == 0
    assert server_ids(made) == good
    made.shutdown()
    made.server_close()


def server_ids(made: Any) -> list[str]:
    """Ids in the order they were stored."""
    return list(made.ids())
