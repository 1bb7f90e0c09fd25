"""A project with pseudonyms: no raw id in any of its files, the same sums as without, and what may become of ids."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.invariants.company import CONTRACT

from perunit import pipeline
from perunit.engine.duckdb import Engine
from perunit.facts.privacy import changes
from perunit.facts.privacy.keys import key_path, keys_of, make_keys
from perunit.facts.privacy.sealing import Sealer
from perunit.facts.quarantine import Selection, quarantined
from perunit.measures.receipt import receipt
from perunit.model.errors import ConfigurationError, InputError, UsageError
from perunit.wiring import Opened, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALICE = "alice.liddell@wonder.example"
BOB = "bob-of-the-hill-7731"


def event(**given: Any) -> str:
    """One order of Alice's, but for what is given."""
    data = {"order_id": "o1", "user_id": ALICE, "plan": "pro", "total": "12.50"} | given.pop("data", {})
    usual = {"specversion": "1.0", "source": "shop", "type": "order.completed", "time": "2026-03-01T10:00:00Z"}
    return json.dumps({**usual, "id": "e1", "data": data, **given}, ensure_ascii=False)


EVENTS = [
    event(),
    event(),
    event(data={"total": "99"}),
    event(id=f"visit-{ALICE}", data={"order_id": f"{ALICE}/2", "plan": ALICE, "region": f"home of {BOB}x"}),
    event(id=f"seen-{BOB}", data={"user_id": BOB, "order_id": "o3", "total": "3.25", "region": f"home of {BOB}"}),
    event(id="late", data={"total": f"a lot, says {ALICE}"}),
    event(id="try", type="order.attempted", data={"intent": f"{ALICE}#1", "outcome": "failure"}),
    event(id="call", type="api.called", data={"host": f"pod-{ALICE}", "cpu_seconds": "2"}),
    f"no event at all, from {ALICE}",
]


def project(root: Path, *secret: str, **privacy: Any) -> Path:
    """The company of the invariants as a directory."""
    root.mkdir(exist_ok=True)
    contract = CONTRACT | ({"privacy": {"pseudonymize": list(secret), **privacy}} if secret else {})
    (root / "perunit.yaml").write_text(json.dumps(contract), encoding="utf-8")
    return root


@contextmanager
def secret(root: Path) -> Iterator[Opened]:
    """The same with users hidden, and open."""
    project(root, "user")
    if not (root / "privacy.keys").exists():
        make_keys(root / "privacy.keys")
    with opened(root, purpose="test") as found:
        yield found


def deliver(found: Opened, lines: list[str], folder: Path) -> pipeline.FileReport:
    """Ingests lines from outside of the project."""
    path = folder / f"{hashlib.sha256(repr(lines).encode()).hexdigest()[:8]}.ndjson"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return pipeline.ingest(found.project, found.engine, [(pipeline.CLOUDEVENTS, path)], clock=found.clock)[0]


def holding(root: Path, *texts: str) -> list[str]:
    """The files below a directory that hold one of the texts."""
    files = [path for path in root.rglob("*") if path.is_file()]
    return [f"{path.name}: {text}" for path in files for text in texts if text.encode() in path.read_bytes()]


SUMS = "SELECT count(*), sum(revenue), sum(discount), sum(fee), sum(refund), count(DISTINCT unit_user) FROM events"
DAYS = (
    "SELECT unit_type, count(DISTINCT unit_key), sum(revenue), sum(attempts) FROM unit_days GROUP BY ALL ORDER BY ALL"
)


def sums(engine: Engine) -> tuple[Any, ...]:
    """What must not change, whatever units are called."""
    return engine.rows(SUMS), engine.rows(DAYS), engine.rows("SELECT sum(opened) FROM rollup_units")


def test_no_file_holds_a_raw_id(tmp_path: Path) -> None:
    """Neither the database nor its log nor anything beside it, for accepted, repeated, contradicting, refused rows."""
    root, given_ = tmp_path / "own", tmp_path / "sent"
    given_.mkdir()
    with secret(root) as found:
        report = deliver(found, EVENTS, given_)
        assert (report.accepted, report.duplicate, report.conflict, report.rejected) == (5, 1, 1, 2)
        # The log is not written into the database yet.
        assert [name for name in holding(root, ALICE) if "duckdb" in name] == []
        assert ALICE not in repr(quarantined(found.engine, Selection(), 100))
    assert holding(root, ALICE) == []
    assert holding(root, ALICE, "alice.liddell") == []


def test_a_search_of_bytes_would_find_a_raw_id(tmp_path: Path) -> None:
    """Without pseudonyms the same search finds what it looks for; so the test above can fail."""
    root = project(tmp_path / "own")
    with opened(root, purpose="test") as found:
        deliver(found, EVENTS, tmp_path)
    assert holding(root, ALICE)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_sql_makes_the_pseudonym_that_python_makes(tmp_path_factory: pytest.TempPathFactory, raw: str) -> None:
    """Both are HMAC-SHA-256 of the unit type and the id, of any length and in any script."""
    raw = raw.encode("utf-8", "replace").decode()
    root = tmp_path_factory.mktemp("keys")
    keys = make_keys(root / "privacy.keys")
    inner, outer = keys.pads()
    engine = Engine()
    sql = "SELECT sha256($outer || unhex(sha256($inner || encode($raw))))"
    made = engine.value(sql, {"inner": inner + b"user\0", "outer": outer, "raw": raw})
    engine.close()
    key = bytes(byte ^ 0x36 for byte in inner)
    assert made == hmac.new(key, f"user\0{raw}".encode(), "sha256").hexdigest()
    assert keys.pseudonym("user", raw) == f"p1_{made[:32]}"


USERS = st.sampled_from([ALICE, BOB, "u1", "7", "ä", ""])
ROWS = st.lists(st.tuples(st.integers(1, 6), USERS, st.integers(0, 9), st.sampled_from(["pro", "free"])), max_size=12)


@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(rows=ROWS)
def test_sums_are_those_of_the_plain_project(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    """The same events give the same counts and amounts, with the same units told apart; verify holds."""
    folder = tmp_path_factory.mktemp("both")
    lines = [event(id=str(i), data={"user_id": user, "total": str(t), "plan": plan}) for i, user, t, plan in rows]
    found_sums = []
    with opened(project(folder / "plain"), purpose="test") as plain:
        report = deliver(plain, lines or [event()], folder)
        found_sums.append((report.accepted, report.duplicate, report.conflict, sums(plain.engine)))
    with secret(folder / "own") as own:
        report = deliver(own, lines or [event()], folder)
        found_sums.append((report.accepted, report.duplicate, report.conflict, sums(own.engine)))
        assert all(finding.broken is None for finding in pipeline.verify(own.project, own.engine))
    assert found_sums[0] == found_sums[1]


def test_what_was_refused_is_replayed(tmp_path: Path) -> None:
    """Its text is sealed, opened for the replay, and sealed once more where it is refused again."""
    with secret(tmp_path / "own") as found:
        deliver(found, EVENTS, tmp_path)
        reports = pipeline.replay(found.project, found.engine, Selection(kind="rejected"), clock=found.clock)
        assert [(report.received, report.rejected) for report in reports] == [(2, 2)]
        raws = [raw for (raw,) in found.engine.rows("SELECT raw FROM quarantine WHERE kind = 'rejected'")]
        sealer = Sealer(keys_of(found.project))  # type: ignore[arg-type]
        opened_ = {sealer.open(raw, "quarantine").strip() for raw in raws}
        assert opened_ == {EVENTS[5], EVENTS[8]}


def test_a_receipt_is_found_by_the_raw_id_and_by_the_pseudonym(tmp_path: Path) -> None:
    """The id goes the way it went when the facts came in."""
    with secret(tmp_path / "own") as found:
        deliver(found, EVENTS, tmp_path)
        pseudonym = changes.pseudonym_of(found.project, "user", ALICE)
        assert changes.pseudonym_of(found.project, "user", pseudonym) == pseudonym
        assert ALICE not in json.dumps(receipt(found.engine, found.contract, "user", pseudonym).as_json())
        assert changes.reveal(found.project, found.engine, "user", pseudonym) == ALICE
        assert changes.pseudonym_of(found.project, "order", "o1") == "o1"


def test_an_erased_unit_is_nobody_and_every_sum_stays(tmp_path: Path) -> None:
    """Its pseudonym leads to no id, by key or store; refused rows that name it go; again it does nothing."""
    with secret(tmp_path / "own") as found:
        deliver(found, EVENTS, tmp_path)
        before, pseudonym = sums(found.engine), changes.pseudonym_of(found.project, "user", ALICE)
        assert changes.erase(found.project, found.engine, "user", ALICE) == 4
        assert changes.erase(found.project, found.engine, "user", ALICE) == 0
        assert sums(found.engine) == before
        assert all(finding.broken is None for finding in pipeline.verify(found.project, found.engine))
        with pytest.raises(UsageError, match="must be a pseudonym whose id is kept"):
            changes.reveal(found.project, found.engine, "user", pseudonym)
        raws = [raw for (raw,) in found.engine.rows("SELECT raw FROM quarantine")]
        assert raws == ["erased"] * 3
        texts = (
            "SELECT count(*) FROM events e JOIN cells c USING (cell_id) WHERE contains(e::VARCHAR || c::VARCHAR, $own)"
        )
        assert found.engine.value(texts, {"own": pseudonym}) == 0
        bob = changes.pseudonym_of(found.project, "user", BOB)
        assert changes.reveal(found.project, found.engine, "user", bob) == BOB


def test_what_is_delivered_again_of_an_erased_unit_brings_nothing_back(tmp_path: Path) -> None:
    """Neither a fact nor her id nor a row that waits; what she does anew is somebody else's."""
    with secret(tmp_path / "own") as found:
        deliver(found, EVENTS, tmp_path)
        pseudonym = changes.pseudonym_of(found.project, "user", ALICE)
        changes.erase(found.project, found.engine, "user", ALICE)
        waiting = "SELECT count(*) FROM quarantine"
        before, waited = sums(found.engine), found.engine.value(waiting)
        again = deliver(found, [EVENTS[0], EVENTS[2], EVENTS[6], EVENTS[7]], tmp_path)
        assert (again.accepted, again.duplicate, again.conflict) == (0, 4, 0)
        assert (sums(found.engine), found.engine.value(waiting)) == (before, waited)
        kept = "SELECT count(*) FROM identities WHERE pseudonym = $own"
        assert found.engine.value(kept, {"own": pseudonym}) == 0
        assert deliver(found, [event(id="later")], tmp_path).accepted == 1
        assert found.engine.value(kept, {"own": pseudonym}) == 1
        assert all(finding.broken is None for finding in pipeline.verify(found.project, found.engine))


def cells_of(found: Opened) -> tuple[Any, ...]:
    """What must fit together of cells: none twice, every fact in one, and what texts there are."""
    engine = found.engine
    twice = engine.value("SELECT count(*) - count(DISTINCT cell_hash) FROM cells")
    lost = engine.value("SELECT count(*) FROM events ANTI JOIN cells USING (cell_id)")
    return twice, lost, repr(engine.rows("FROM segment_values") + engine.rows("FROM cells"))


def test_a_segment_that_named_an_erased_unit_takes_facts_on(tmp_path: Path) -> None:
    """Delivered again it brings no pseudonym back; a new fact that says the same is of another cell."""
    with secret(tmp_path / "own") as found:
        deliver(found, EVENTS, tmp_path)
        own, before = changes.pseudonym_of(found.project, "user", ALICE), sums(found.engine)
        changes.erase(found.project, found.engine, "user", ALICE)
        again = deliver(found, [EVENTS[3], EVENTS[4]], tmp_path)
        assert (again.accepted, again.duplicate, again.conflict) == (0, 2, 0)
        twice, lost, texts = cells_of(found)
        assert (twice, lost, own in texts) == (0, 0, False)
        assert sums(found.engine) == before
        new = json.loads(EVENTS[3]) | {"id": "another visit"}
        assert deliver(found, [json.dumps(new)], tmp_path).accepted == 1
        twice, lost, texts = cells_of(found)
        assert (twice, lost, own in texts) == (0, 0, True)
        assert all(finding.broken is None for finding in pipeline.verify(found.project, found.engine))


def test_cells_that_say_the_same_become_one(tmp_path: Path) -> None:
    """As those of a store that was changed while cells kept their hashes: no sum changes, nothing is lost."""
    cells = "SELECT count(*) FROM cells WHERE regexp_matches(segment_plan, 'p[12]_')"
    new = json.dumps(json.loads(EVENTS[3]) | {"id": "another visit"})
    with secret(tmp_path / "own") as found:
        deliver(found, EVENTS, tmp_path)
        found.engine.execute("UPDATE cells SET cell_hash = 1 WHERE regexp_matches(segment_plan, 'p1_')")
    with secret(tmp_path / "own") as found:
        assert deliver(found, [new], tmp_path).accepted == 1
        assert found.engine.value(cells) == 2
        before = sums(found.engine)
        changes.rotate(found.project, found.engine)
        assert found.engine.value(cells) == 1
        assert cells_of(found)[:2] == (0, 0)
        assert sums(found.engine) == before
        assert all(finding.broken is None for finding in pipeline.verify(found.project, found.engine))
        assert sums(found.engine) == before
        again = deliver(found, [EVENTS[3], new], tmp_path)
        assert (again.accepted, again.duplicate, again.conflict) == (0, 2, 0)


CHANGING = """
import sys
from pathlib import Path
from perunit.facts.privacy import changes
from perunit.wiring import opened
with opened(Path(sys.argv[1]), purpose="test") as found:
    print("begins", flush=True)
    if sys.argv[2] == "rotate":
        changes.rotate(found.project, found.engine)
    else:
        changes.erase(found.project, found.engine, "user", sys.argv[3])
    print("done", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("change", ["rotate", "erase"])
def test_killed_at_any_moment_it_is_done_or_not_done(tmp_path: Path, change: str) -> None:
    """Keys and data agree at the next start, whatever had been written, and no raw id is in any file."""
    root = tmp_path / "own"
    with secret(root) as found:
        deliver(found, EVENTS, tmp_path)
        others = [event(id=f"n{n}", data={"user_id": f"somebody-{n}", "order_id": f"x{n}"}) for n in range(400)]
        deliver(found, others, tmp_path)
        before = sums(found.engine)
    ended = Counter[bool]()
    for wait in (0.0, 0.02, 0.06, 0.15):
        process = subprocess.Popen(
            [sys.executable, "-c", CHANGING, str(root), change, ALICE], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "begins"
        time.sleep(wait)
        process.kill()
        ended["done" in process.communicate()[0]] += 1
        assert holding(root, ALICE) == []
        with secret(root) as found:
            assert sums(found.engine) == before
            assert all(finding.broken is None for finding in pipeline.verify(found.project, found.engine))
            bob = changes.pseudonym_of(found.project, "user", BOB)
            assert changes.reveal(found.project, found.engine, "user", bob) == BOB
            own = {"own": changes.pseudonym_of(found.project, "user", ALICE)}
            facts = found.engine.value("SELECT count(*) FROM events WHERE unit_user = $own", own)
            known = found.engine.value("SELECT count(*) FROM identities WHERE pseudonym = $own", own)
            assert (facts, known) in ({(4, 1)} if change == "rotate" else {(4, 1), (0, 0)})
    assert ended[False], "killed too late to say anything"


def test_keys_rotate_and_every_sum_stays(tmp_path: Path) -> None:
    """The old key may go afterwards: pseudonyms, refused rows and later events all stand under the new one."""
    root = tmp_path / "own"
    with secret(root) as found:
        deliver(found, EVENTS, tmp_path)
        before, old = sums(found.engine), changes.pseudonym_of(found.project, "user", ALICE)
        assert changes.rotate(found.project, found.engine) == ("v2", 2)
        assert sums(found.engine) == before
    said = json.loads((root / "privacy.keys").read_text())
    assert said["active"] == "v2"
    del said["keys"]["v1"]
    (root / "privacy.keys").write_text(json.dumps(said))
    with secret(root) as found:
        new = changes.pseudonym_of(found.project, "user", ALICE)
        assert new.startswith("p2_")
        assert changes.reveal(found.project, found.engine, "user", new) == ALICE
        again = deliver(found, [*EVENTS, ""], tmp_path)
        # Two have a pseudonym within a segment; their cells are found by what they say now.
        assert (again.accepted, again.duplicate, again.conflict) == (0, 6, 1)
        assert sums(found.engine) == before
        assert all(finding.broken is None for finding in pipeline.verify(found.project, found.engine))
        assert found.engine.value("SELECT count(*) FROM events WHERE unit_user = $old", {"old": old}) == 0


def test_a_rotation_cut_short_is_finished_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it ended before the store was changed or after."""
    root = tmp_path / "own"
    with secret(root) as found:
        deliver(found, EVENTS, tmp_path)
        writes = [changes.write_keys, None]

        def once(*arguments: Any) -> None:
            write = writes.pop(0)
            if write is None:
                raise InterruptedError
            write(*arguments)

        monkeypatch.setattr(changes, "write_keys", once)
        with pytest.raises(InterruptedError):
            changes.rotate(found.project, found.engine)
    assert json.loads((root / "privacy.keys").read_text())["active"] == "v1"
    with secret(root) as found:
        keys = keys_of(found.project)
        assert keys is not None
        assert keys.active == "v2"
        assert changes.reveal(found.project, found.engine, "user", keys.pseudonym("user", ALICE)) == ALICE


def test_a_project_without_its_keys_takes_nothing_in(tmp_path: Path) -> None:
    """Missing, open to others, another one's: each is named with its mend."""
    root = project(tmp_path / "own", "user")
    with pytest.raises(ConfigurationError, match="perunit privacy init"), opened(root, purpose="test"):
        pass
    with secret(root) as found:
        deliver(found, EVENTS, tmp_path)
        path = key_path(found.project)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="is there already"):
        make_keys(path)
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"), opened(root, purpose="test"):
        pass
    path.unlink()
    make_keys(path)
    with pytest.raises(ConfigurationError, match="that the data was made with"), opened(root, purpose="test"):
        pass


@pytest.mark.parametrize(("first", "then"), [((), ("user",)), (("user",), ())])
def test_data_is_either_with_pseudonyms_or_without(tmp_path: Path, first: tuple[str], then: tuple[str]) -> None:
    """Switched on or off over data that is there, a unit would be two."""
    root = project(tmp_path / "own", *first)
    make_keys(root / "privacy.keys")
    with opened(root, purpose="test") as found:
        deliver(found, EVENTS, tmp_path)
    project(root, *then)
    with pytest.raises(ConfigurationError, match="must be what the data was made with"), opened(root, purpose="test"):
        pass


def test_sealed_text_is_bound_to_its_purpose(tmp_path: Path) -> None:
    """What was sealed as one unit's id cannot be passed off as another's."""
    sealer = Sealer(make_keys(tmp_path / "privacy.keys"))
    sealed = sealer.seal("text", "identity user a")
    assert sealer.open(sealed, "identity user a") == "text"
    with pytest.raises(InputError, match="cannot be opened"):
        sealer.open(sealed, "identity user b")


def test_without_revealing_no_id_is_kept(tmp_path: Path) -> None:
    """`reveal: false` keeps nothing that could be opened, and a rotation says so."""
    root = project(tmp_path / "own", "user", reveal=False)
    make_keys(root / "privacy.keys")
    with opened(root, purpose="test") as found:
        deliver(found, EVENTS, tmp_path)
        assert found.engine.value("SELECT count(*) FROM identities") == 0
        with pytest.raises(UsageError, match="no id is kept"):
            changes.rotate(found.project, found.engine)
