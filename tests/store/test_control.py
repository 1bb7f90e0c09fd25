"""The control database: the same on SQLite and PostgreSQL, safe with several processes, its owner's alone."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from perunit.model.errors import StoreError
from perunit.store.control import migrate
from perunit.store.control.database import CONTROL_NAME, ControlStore, hold, in_memory, open_control
from perunit.store.control.models import Base, LoginSession, Setting, User

NOW = datetime(2026, 9, 1, 12, 0, 0, 123456, tzinfo=UTC)


def kim(name: str = "kim") -> User:
    """A person."""
    return User(name=name, role="finance", created_at=NOW, rows={"region": ["eu"]})


def test_the_migrations_make_what_the_models_say(control: ControlStore) -> None:
    """Nothing is left for Alembic to do, and both name the same newest version."""
    with control.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == migrate.HEAD
    scripts = Path(migrate.__file__).with_name("migrations").glob("versions/*.py")
    assert max(path.name for path in scripts).startswith(migrate.HEAD)


def test_what_was_written_is_read_back(control: ControlStore) -> None:
    """Values and times come back as they were, in UTC, whatever zone they were given in."""
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    with control.session() as session:
        session.add(User(name="kim", role="finance", created_at=there, rows={"region": ["eu", ""]}))
    with control.reading() as session:
        found = session.scalars(select(User)).one()
    assert (found.created_at, found.created_at.tzinfo, found.rows) == (NOW, UTC, {"region": ["eu", ""]})
    assert found.password_hash is None


def test_a_time_without_a_zone_is_refused(control: ControlStore) -> None:
    """It could be any."""
    with pytest.raises(Exception, match="without a zone"), control.session() as session:
        session.add(User(name="kim", role="finance", created_at=NOW.replace(tzinfo=None)))


def test_an_exception_undoes_what_was_written(control: ControlStore) -> None:
    """A session is one transaction."""

    def fail() -> None:
        with control.session() as session:
            session.add(kim())
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with control.session() as session:
        assert session.scalars(select(User)).all() == []


def test_what_is_written_while_only_reading_is_not_kept(control: ControlStore) -> None:
    """`reading` does not commit."""
    with control.reading() as session:
        session.add(kim())
    with control.reading() as session:
        assert session.scalars(select(User)).all() == []


def test_a_person_takes_their_sessions_along(control: ControlStore) -> None:
    """Foreign keys hold on both databases."""
    with control.session() as session:
        session.add(kim())
        session.flush()
        one = LoginSession(token_hash="a", user_id=1, csrf_token="b", created_at=NOW, last_seen_at=NOW, expires_at=NOW)
        session.add(one)
    with control.session() as session:
        session.delete(session.scalars(select(User)).one())
    with control.reading() as session:
        assert session.scalars(select(LoginSession)).all() == []
    with pytest.raises(IntegrityError), control.session() as session:
        session.add(
            LoginSession(token_hash="a", user_id=99, csrf_token="b", created_at=NOW, last_seen_at=NOW, expires_at=NOW)
        )


def test_threads_that_read_and_then_write_lose_nothing(control: ControlStore) -> None:
    """Each of many increments counts, though each reads before it writes."""
    with control.session() as session:
        session.add(Setting(name="count", value=0))

    def count() -> None:
        for _ in range(10):
            with control.session() as session:
                hold(session, "count")
                session.get_one(Setting, "count").value += 1

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with control.reading() as session:
        assert session.get_one(Setting, "count").value == 80


OPEN = """
import sys
from pathlib import Path
from perunit.store.control.database import open_control
from perunit.store.control.models import Setting
with open_control(Path(sys.argv[1]), sys.argv[2] or None).session() as session:
    session.add(Setting(name=sys.argv[3], value=1))
"""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_processes_that_open_a_new_one_at_once_all_can(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """One of them makes the tables, the others wait for it."""
    url = ""
    if database == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
        with closing(open_control(tmp_path, url)) as old, old.session() as session:
            session.execute(text("DROP SCHEMA public CASCADE"))
            session.execute(text("CREATE SCHEMA public"))
    words = [sys.executable, "-c", OPEN, str(tmp_path / "new"), url]
    started = [subprocess.Popen([*words, str(number)], stderr=subprocess.PIPE) for number in range(5)]
    assert [(process.communicate()[1], process.returncode) for process in started] == [(b"", 0)] * 5
    with closing(open_control(tmp_path / "new", url or None)) as store, store.reading() as session:
        assert len(session.scalars(select(Setting)).all()) == 5


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Also what the database puts beside it, and also when it was made otherwise."""
    (tmp_path / CONTROL_NAME).touch(0o666)
    store = open_control(tmp_path)
    with store.session() as session:
        session.add(kim())
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert len(modes) == 3
    store.close()


def test_a_later_version_is_refused(control: ControlStore) -> None:
    """What it means is not guessed at."""
    with control.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    control.close()
    with pytest.raises(StoreError, match=r"got version 9999, must be \d+ or earlier; use a later perunit"):
        control.open()


def test_a_url_that_cannot_be_used_says_why_without_its_password(tmp_path: Path) -> None:
    """Nor does a server that is not there."""
    with pytest.raises(StoreError, match="got 'mysql', must be postgresql"):
        open_control(tmp_path, "mysql://kim:hunter22@db/x")
    with pytest.raises(StoreError) as caught:
        open_control(tmp_path, f"postgresql://kim:hunter22@/x?host={tmp_path}&connect_timeout=2")
    assert "hunter22" not in str(caught.value)
    with pytest.raises(StoreError) as unread:
        open_control(tmp_path, "kim:hunter22@db")
    assert "hunter22" not in str(unread.value)


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    """As any other fault of the store."""
    (tmp_path / CONTROL_NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=r"control\.db: file is not a database"):
        open_control(tmp_path)


def test_one_in_memory_serves_several_threads() -> None:
    """It is one database, not one a thread."""
    store = in_memory()
    with store.session() as session:
        session.add(kim())
    found: list[str] = []

    def look() -> None:
        with store.reading() as session:
            found.extend(session.scalars(select(User.name)))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    store.close()
    assert found == ["kim"]
