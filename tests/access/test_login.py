"""Signing in with a password: who may, how slow guessing is, and what a stranger learns."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher
from tests.access.people import GOOD, NOW, person

from perunit.access import accounts, passwords
from perunit.access.errors import SignInError, ThrottledError
from perunit.access.login import sign_in
from perunit.access.permit import OWNER
from perunit.store.control.models import LoginAttempt, User

if TYPE_CHECKING:
    from perunit.store.control.database import ControlStore

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost next to nothing: what they cost is tested elsewhere."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    monkeypatch.setattr(passwords, "_NOBODY", [])


def tried(control: ControlStore, name: str, password: str, at: datetime = NOW, address: str = HOME) -> str:
    """What came of a try: in, wrong, or wait."""
    try:
        sign_in(control, name, password, at, address=address)
    except SignInError:
        return "wrong"
    except ThrottledError as error:
        return f"wait {error.retry_after_seconds}"
    return "in"


def test_the_right_password_lets_its_owner_in(control: ControlStore) -> None:
    """However the name is written."""
    known = person(control, "kim", password=GOOD)
    assert sign_in(control, " KIM ", GOOD, NOW, address=HOME) == known


def test_a_stranger_learns_nothing(control: ControlStore) -> None:
    """No such name, no password, disabled, another password: one answer."""
    person(control, "kim", password=GOOD)
    person(control, "robin")
    gone = person(control, "sam", password=GOOD)
    with control.session() as session:
        accounts.disable_user(session, OWNER, accounts.user_by_id(session, gone), NOW)
    said = set()
    for name, password in (("nobody", GOOD), ("robin", GOOD), ("sam", GOOD), ("kim", "wrong"), ("", ""), ("'--", "x")):
        with pytest.raises(SignInError) as caught:
            sign_in(control, name, password, NOW, address=HOME)
        said.add(str(caught.value))
    assert len(said) == 1


def test_each_failure_makes_the_next_try_wait_twice_as_long(control: ControlStore) -> None:
    """After five; a minute at most, so that nobody is locked out for long; the same for a name that is nobody's."""
    person(control, "kim", password=GOOD)
    for name in ("kim", "nobody"):
        at, waited = NOW, []
        for number in range(13):
            address = f"192.0.2.{number}"
            while (said := tried(control, name, "wrong", at, address)) != "wrong":
                waited.append(int(said.split()[1]))
                at += timedelta(seconds=waited[-1])
        assert waited == [1, 2, 4, 8, 16, 32, 60, 60]
    assert tried(control, "kim", GOOD, at + timedelta(seconds=61)) == "in"
    assert tried(control, "kim", "wrong", at + timedelta(seconds=62)) == "wrong"
    assert tried(control, "kim", "wrong", at + timedelta(seconds=62)) == "wrong"


def test_waiting_is_not_counted_as_a_try(control: ControlStore) -> None:
    """Whoever knows a name cannot make its owner wait for ever."""
    person(control, "kim", password=GOOD)
    for _ in range(6):
        tried(control, "kim", "wrong")
    for _ in range(50):
        assert tried(control, "kim", "wrong").startswith("wait")
    assert tried(control, "kim", GOOD, NOW + timedelta(seconds=3)) == "in"


def test_an_address_that_tries_many_names_has_to_wait_too(control: ControlStore) -> None:
    """Also when it signs in as itself in between, and also from all over its network of version 6."""
    person(control, "mallory", password=GOOD)
    for number in range(20):
        assert tried(control, f"name{number}", "wrong", address=f"2001:db8::{number:x}") == "wrong"
        if number < 19:
            assert tried(control, "mallory", GOOD, address="2001:db8::ff") == "in"
    assert tried(control, "name99", "wrong", address="2001:db8::1234") == "wait 1"
    assert tried(control, "name99", "wrong", address="2001:db8:0:1::1") == "wrong"
    assert tried(control, "name98", "wrong", NOW + timedelta(minutes=61), "2001:db8::1") == "wrong"


def test_many_tries_at_once_do_not_slip_through(control: ControlStore) -> None:
    """Each is noted before it is made."""
    person(control, "kim", password=GOOD)
    results: list[str] = []
    barrier = threading.Barrier(8)

    def run() -> None:
        barrier.wait()
        results.extend(tried(control, "kim", "wrong") for _ in range(3))

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with control.reading() as session:
        made = session.query(LoginAttempt).count()
    # A few may have been sent away for being too many at once, after they were noted.
    assert made <= 6
    assert sum(each.startswith("wait") for each in results) >= 18


def test_what_is_noted_is_forgotten_after_a_day(control: ControlStore) -> None:
    """So the table stays small."""
    for number in range(10):
        tried(control, f"n{number}", "wrong")
    tried(control, "later", "wrong", NOW + timedelta(hours=25))
    with control.reading() as session:
        assert session.query(LoginAttempt).count() == 1


def test_a_hash_of_earlier_parameters_is_made_anew(control: ControlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its owner signs in, for then the password is known."""
    known = person(control, "kim", password=GOOD)
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=2, memory_cost=128, parallelism=1))
    assert tried(control, "kim", "wrong") == "wrong"
    with control.reading() as session:
        assert "m=64," in (session.get_one(User, known).password_hash or "")
    assert tried(control, "kim", GOOD) == "in"
    with control.reading() as session:
        assert "m=128," in (session.get_one(User, known).password_hash or "")
    assert tried(control, "kim", GOOD) == "in"
