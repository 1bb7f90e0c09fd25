"""Passwords: long, not guessable, kept as argon2id, and a bounded cost however many try at once."""

from __future__ import annotations

import threading
import time

import pytest
from argon2 import PasswordHasher

from perunit.access import passwords
from perunit.access.errors import AccessError, ThrottledError
from perunit.access.passwords import check_password_rules, fits, hash_password, outdated

GOOD = "seven blue herons"


def test_a_password_fits_its_own_hash_alone() -> None:
    """Which is argon2id with a salt of its own."""
    kept = hash_password(GOOD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3")
    assert kept != hash_password(GOOD)
    assert fits(GOOD, kept)
    assert not fits(GOOD + "s", kept)
    assert not fits(GOOD, "no hash")
    assert not outdated(kept)
    assert outdated(PasswordHasher(time_cost=1, memory_cost=8192).hash(GOOD))


def test_the_same_letters_fit_however_they_are_typed() -> None:
    """An é is one character or two, as keyboards have it."""
    assert fits("cafe\u0301 au lait, please", hash_password("caf\u00e9 au lait, please"))


def test_nobody_is_checked_as_long_as_somebody() -> None:
    """Who has no password cannot be told apart by how soon the answer comes."""
    kept = hash_password(GOOD)
    fits("nothing at all", None)
    took = []
    for which in (kept, None):
        began = time.perf_counter()
        assert not fits("wrong wrong wrong", which)
        took.append(time.perf_counter() - began)
    assert took[1] > took[0] / 4


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "has 5 characters, must have 12 or more"),
        ("password1234", "among the first that are tried"),
        ("aaaaaaaaaaaaaaaa", "among the first that are tried"),
        ("012345678901234", "among the first that are tried"),
        ("robin.hood!1", "made of the name"),
        ("perunit12345", "among the first"),
        ("x" + "äöü7" * 300, "at most 1024 bytes"),
    ],
)
def test_what_is_guessed_first_is_refused(password: str, said: str) -> None:
    """And nothing else is asked of a password."""
    with pytest.raises(AccessError, match=said):
        check_password_rules(password, "robin.hood@example.com", 12)


@pytest.mark.parametrize("password", [GOOD, "zvqmwkthpbxd", "         a b c d e f", "пароль от сейфа"])
def test_any_characters_will_do(password: str) -> None:
    """There need be no digits, capitals or signs."""
    check_password_rules(password, "kim", 12)


def test_many_at_once_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are hashed, eight wait; what is beyond costs nothing."""
    free = threading.Event()
    started = threading.Semaphore(0)

    class Slow:
        def hash(self, _: bytes) -> str:
            started.release()
            free.wait(30)
            return ""

    monkeypatch.setattr(passwords, "_HASHER", Slow())
    threads = [threading.Thread(target=hash_password, args=(GOOD,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    assert started.acquire(timeout=10)
    assert started.acquire(timeout=10)
    while passwords._PLACES._value:
        time.sleep(0.001)
    with pytest.raises(ThrottledError, match="too many sign in at once"):
        hash_password(GOOD)
    assert not started.acquire(blocking=False)
    free.set()
    for thread in threads:
        thread.join()
