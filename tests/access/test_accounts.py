"""Accounts, sessions, links and keys: what they let in, and what ends them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from tests.access.people import CLI, GOOD, NOW, person

from perunit.access import accounts, keys, links
from perunit.access.errors import AccessError, ConflictError, MissingError, SignInError
from perunit.access.permit import OWNER, ROLES, Permission, Permit, Role, Viewer
from perunit.access.sessions import Lifetime, end_session, find_session, start_session
from perunit.contract.access import RoleName
from perunit.store.control.models import ApiKey, LoginSession, Ticket, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from perunit.store.control.database import ControlStore

LASTS = Lifetime()
MINUTE = timedelta(minutes=1)
permits = st.builds(
    Permit,
    st.frozensets(st.sampled_from(Permission), max_size=4),
    st.dictionaries(st.sampled_from(["region", "plan"]), st.lists(st.sampled_from("abc"), min_size=1).map(tuple)),
)


def signed_in(control: ControlStore, user_id: int) -> str:
    """A session's token."""
    with control.session() as session:
        user = accounts.user_by_id(session, user_id)
        return start_session(session, user, NOW, LASTS, address="::1", agent="x" * 999).token


def test_the_contract_knows_the_roles_there_are() -> None:
    """It cannot ask this room, so the two lists are compared here."""
    assert list(get_args(RoleName)) == [role.value for role in Role] == list(ROLES)


@pytest.mark.parametrize(
    "name", ["", " ", "-kim", "kim robin", "kím", "a" * 101, "kim\n", "<b>", "../x", "\u212aim\u200b"]
)
def test_a_name_is_of_plain_letters(control: ControlStore, name: str) -> None:
    """Two that look the same cannot be."""
    if name.strip() == "kim":
        assert accounts.clean_name(name) == "kim"
        return
    with pytest.raises(AccessError, match="name: got"):
        person(control, name)


def test_a_name_is_taken_once_however_it_is_written(control: ControlStore) -> None:
    """Lower case is what counts."""
    person(control, "Kim")
    with pytest.raises(ConflictError, match="'kim' is taken"):
        person(control, "kIM")


@given(permits, permits, permits)
def test_within_is_an_order(one: Permit, two: Permit, three: Permit) -> None:
    """What is within what is within, is; everything is within itself and the owner's."""
    assert accounts.within(one, one)
    assert accounts.within(one, OWNER)
    if accounts.within(one, two) and accounts.within(two, three):
        assert accounts.within(one, three)


def test_nobody_gives_or_touches_more_than_they_have(control: ControlStore) -> None:
    """Neither a role nor rows, by any of the ways."""
    admin = person(control, "ada", Role.admin)
    robin = person(control, "robin", Role.viewer)
    manager = Permit(ROLES[Role.viewer] | {Permission.PEOPLE}, {"region": ("eu",)})
    own: dict[str, Any] = {"rows": {"region": ["eu"]}}
    attempts: list[Callable[[Session], object]] = [
        lambda s: accounts.add_user(s, manager, NOW, name="x", role=Role.admin, **own),
        lambda s: accounts.add_user(s, manager, NOW, name="x", role=Role.viewer),
        lambda s: accounts.add_user(s, manager, NOW, name="x", role=Role.viewer, rows={"region": ["eu", "us"]}),
        lambda s: accounts.add_user(s, manager, NOW, name="x", role=Role.viewer, rows={"plan": ["pro"]}),
        lambda s: accounts.change_user(s, manager, accounts.user_by_id(s, admin), role=Role.viewer),
        lambda s: accounts.change_user(s, manager, accounts.user_by_id(s, robin), email="x@example.com"),
        lambda s: accounts.disable_user(s, manager, accounts.user_by_id(s, admin), NOW),
        lambda s: accounts.remove_user(s, manager, accounts.user_by_id(s, admin), NOW),
        lambda s: accounts.enable_user(manager, accounts.user_by_id(s, admin)),
    ]

    def refused(attempt: Callable[[Session], object]) -> None:
        with control.session() as session:
            attempt(session)

    for attempt in attempts:
        with pytest.raises(AccessError, match="must be within what you may yourself"):
            refused(attempt)
    with control.session() as session:
        accounts.add_user(session, manager, NOW, name="sam", role=Role.viewer, **own)


def test_the_last_administrator_stays(control: ControlStore) -> None:
    """One limited to rows, or disabled, is none."""
    ada = person(control, "ada", Role.admin)
    person(control, "limited", Role.admin, rows={"region": ["eu"]})

    def refused(change: Callable[[Session, User], object]) -> None:
        with control.session() as session:
            change(session, accounts.user_by_id(session, ada))

    for change in (
        lambda s, u: accounts.disable_user(s, OWNER, u, NOW),
        lambda s, u: accounts.remove_user(s, OWNER, u, NOW),
        lambda s, u: accounts.change_user(s, OWNER, u, role=Role.viewer),
        lambda s, u: accounts.change_user(s, OWNER, u, rows={"region": ["eu"]}),
    ):
        with pytest.raises(ConflictError, match="'ada' is the last administrator"):
            refused(change)
    person(control, "bo", Role.admin)
    refused(lambda s, u: accounts.disable_user(s, OWNER, u, NOW))


def test_what_takes_rights_away_ends_sessions(control: ControlStore) -> None:
    """Another role, other rows, another password, being disabled or removed; another address does not."""
    person(control, "ada", Role.admin)
    changes: dict[str, Callable[[Session, User], object]] = {
        "role": lambda s, u: accounts.change_user(s, OWNER, u, role=Role.viewer),
        "rows": lambda s, u: accounts.change_user(s, OWNER, u, rows={"region": ["eu"]}),
        "password": lambda s, u: accounts.set_password(s, u, GOOD, 12),
        "disabled": lambda s, u: accounts.disable_user(s, OWNER, u, NOW),
        "removed": lambda s, u: accounts.remove_user(s, OWNER, u, NOW),
        "email": lambda s, u: accounts.change_user(s, OWNER, u, email="kim@example.com"),
    }
    still = []
    for name, change in changes.items():
        known = person(control, name)
        token = signed_in(control, known)
        with control.session() as session:
            links.new_ticket(session, accounts.user_by_id(session, known), NOW)
        assert find_session(control, token, NOW, LASTS)
        with control.session() as session:
            change(session, accounts.user_by_id(session, known))
        if find_session(control, token, NOW, LASTS):
            still.append(name)
        with control.reading() as session:
            tickets = session.scalars(select(Ticket).where(Ticket.user_id == known)).all()
            assert len(tickets) == (name == "email")
    assert still == ["email"]


def test_a_session_ends_by_itself(control: ControlStore) -> None:
    """After two hours without a request, and after twelve in any case."""
    token = signed_in(control, person(control))
    assert find_session(control, token, NOW + 119 * MINUTE, LASTS)
    assert find_session(control, token, NOW + (119 + 119) * MINUTE, LASTS)
    assert not find_session(control, token, NOW + (119 + 119 + 120) * MINUTE, LASTS)
    other = signed_in(control, accounts_id(control))
    for minutes in range(0, 720, 60):
        assert find_session(control, other, NOW + minutes * MINUTE, LASTS)
    assert not find_session(control, other, NOW + 720 * MINUTE, LASTS)


def accounts_id(control: ControlStore) -> int:
    """The only account's."""
    with control.reading() as session:
        return session.scalars(select(User.id)).one()


def test_no_token_is_kept(control: ControlStore) -> None:
    """Whoever reads the database cannot sign in with what is there."""
    known = person(control, password=GOOD)
    with control.session() as session:
        secrets = [
            start_session(session, accounts.user_by_id(session, known), NOW, LASTS, address=None, agent=None).token,
            keys.make_key(session, CLI, NOW, name="k", scopes=[Permission.INGEST])[1][9:],
            links.new_ticket(session, accounts.user_by_id(session, known), NOW),
            GOOD,
        ]
        for table in ("users", "sessions", "api_keys", "tickets", "settings"):
            written = repr(session.execute(text(f"SELECT * FROM {table}")).all())
            assert not [secret for secret in secrets if secret in written]
        assert session.scalars(select(LoginSession.token_hash)).one() != secrets[0]


def test_signing_out_ends_that_session_alone(control: ControlStore) -> None:
    """Other browsers go on."""
    known = person(control)
    one, other = signed_in(control, known), signed_in(control, known)
    with control.session() as session:
        end_session(session, one)
        end_session(session, "nobody's")
    assert not find_session(control, one, NOW, LASTS)
    assert find_session(control, other, NOW, LASTS)


def taken(control: ControlStore, ticket: str, at: Any = NOW) -> str:
    """Whose ticket it is."""
    with control.session() as session:
        return links.take_ticket(session, ticket, at).name


def test_a_ticket_is_good_once(control: ControlStore) -> None:
    """And for its hours, and for somebody who may come in."""
    known = person(control)
    with control.session() as session:
        user = accounts.user_by_id(session, known)
        first, second, third = (links.new_ticket(session, user, NOW, 2) for _ in range(3))
    assert taken(control, first) == "kim"
    for ticket, at in ((first, NOW), (second, NOW + timedelta(hours=2)), ("none", NOW)):
        with pytest.raises(SignInError, match="ticket: it was used, is over, or never was one"):
            taken(control, ticket, at)
    with control.session() as session:
        session.get_one(User, known).disabled_at = NOW
    with pytest.raises(SignInError, match="ticket: it was used"):
        taken(control, third)


def test_the_first_account_is_made_once(control: ControlStore) -> None:
    """With the token that was printed last, while nobody has one."""

    def made(token: str, at: Any = NOW) -> User:
        with control.session() as session:
            return links.set_up(session, token, at, name="ada", password=GOOD, length_min=12)

    with control.session() as session:
        older, token = links.new_setup(session, NOW), links.new_setup(session, NOW)
    assert older
    assert token
    for given_, at in ((older, NOW), ("", NOW), (token, NOW + timedelta(hours=24))):
        with pytest.raises(SignInError, match="not the one perunit printed last"):
            made(given_, at)
    user = made(token)
    assert (user.name, user.role) == ("ada", "admin")
    with pytest.raises(ConflictError, match="setup: it is done"):
        made(token)
    with control.session() as session:
        assert links.new_setup(session, NOW) is None


def key_of(control: ControlStore, by: Viewer = CLI, **more: Any) -> tuple[ApiKey, str]:
    """A new key."""
    scopes = more.pop("scopes", [Permission.INGEST, Permission.FINANCIAL])
    with control.session() as session:
        return keys.make_key(session, by, NOW, name="k", scopes=scopes, **more)


def test_a_key_is_who_it_says_until_it_ends(control: ControlStore) -> None:
    """By its own end, or by being revoked; what a ring believes is two seconds old at most."""
    ring = keys.KeyRing(control)
    key, text_ = key_of(control, expires_at=NOW + 10 * MINUTE)
    assert text_.startswith("pu_")
    found = ring.viewer(text_, NOW)
    assert found
    assert (found.via, found.key_id, found.permit.permissions) == (
        "key",
        key.id,
        {Permission.INGEST, Permission.FINANCIAL},
    )
    assert not ring.viewer(text_, NOW + 10 * MINUTE)
    for wrong in ("", "pu_", text_[:-1], text_ + "x", text_.swapcase(), "pu_" + "a" * 43, "pu_" + "é" * 43):
        assert not ring.viewer(wrong, NOW)
    assert ring.viewer(text_, NOW)
    with control.session() as session:
        keys.revoke_key(session, key.id, NOW)
    assert ring.viewer(text_, NOW + timedelta(seconds=1))
    assert not ring.viewer(text_, NOW + timedelta(seconds=2))
    assert not ring.viewer(text_, NOW)


def test_a_key_never_may_more_than_who_made_it(control: ControlStore) -> None:
    """Neither when it is made nor later: a lesser role, rows, being disabled or removed are the key's too."""
    person(control, "ada", Role.admin)
    kim = person(control, "kim", Role.admin)
    viewer = Viewer(kim, "kim", Role.admin, OWNER, "session")
    _, text_ = key_of(control, viewer)

    def now() -> Permit | None:
        found = keys.KeyRing(control).viewer(text_, NOW)
        return None if found is None else found.permit

    def change(**what: Any) -> None:
        with control.session() as session:
            accounts.change_user(session, OWNER, accounts.user_by_id(session, kim), **what)

    assert now() == Permit(frozenset({Permission.INGEST, Permission.FINANCIAL}))
    change(role=Role.finance, rows={"region": ["eu", "us"]})
    assert now() == Permit(frozenset({Permission.FINANCIAL}), {"region": ("eu", "us")})
    with control.session() as session:
        accounts.disable_user(session, OWNER, accounts.user_by_id(session, kim), NOW)
    assert now() is None
    with control.session() as session:
        accounts.enable_user(OWNER, accounts.user_by_id(session, kim))
    assert now() is not None
    with control.session() as session:
        accounts.remove_user(session, OWNER, accounts.user_by_id(session, kim), NOW)
    assert now() is None


def test_a_key_is_made_within_its_makers_permit(control: ControlStore) -> None:
    """Scopes and rows; without rows of its own it has the maker's."""
    by = Viewer(
        None, "kim", None, Permit(frozenset({Permission.FINANCIAL, Permission.KEYS}), {"region": ("eu",)}), "session"
    )
    key, _ = key_of(control, by, scopes=[Permission.FINANCIAL])
    assert key.rows == {"region": ["eu"]}
    wrong: list[dict[str, Any]] = [
        {"scopes": [Permission.INGEST]},
        {"scopes": [Permission.FINANCIAL], "rows": {"region": ["us"]}},
        {"scopes": []},
        {"scopes": [Permission.FINANCIAL], "rows": {"region": []}},
        {"scopes": [Permission.FINANCIAL], "expires_at": NOW},
    ]
    for each in wrong:
        with pytest.raises(AccessError):
            key_of(control, by, **each)
    with control.session() as session, pytest.raises(MissingError):
        keys.revoke_key(session, 1 << 70, NOW)
