"""A project with pseudonyms: no raw id in any of its files, the same sums as without, and what may become of ids."""

from __future__ import annotations

import hashlib
import hmac
import json
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
        # Two have a pseudonym within a segment; they stand in another cell than what comes now.
        assert (again.accepted, again.duplicate, again.conflict) == (0, 4, 3)
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
