"""Personal data in what is about to be stored: found, refused or hidden, and nowhere in the files."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.faces.serving import command
from tests.facts.privacy.test_pseudonyms import deliver, event, holding, project

from perunit import pipeline
from perunit.engine.duckdb import Engine
from perunit.facts.privacy.keys import make_keys
from perunit.facts.privacy.personal import KINDS_OF_KEYS, kind_sql
from perunit.facts.privacy.scanning import Kept, kept
from perunit.facts.quarantine import Selection, quarantined
from perunit.wiring import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAIL, CARD, PHONE = "alice.liddell@wonder.example", "4111 1111 1111 1111", "+49 30 901820"
IBAN = "DE89 3704 0044 0532 0130 00"
WORDS = st.sampled_from(["", "of ", "see: ", "(", "x/"]), st.sampled_from(["", " now", ")", ", and more"])


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One that holds nothing."""
    found = Engine()
    yield found
    found.close()


def kind(engine: Engine, text: str) -> str | None:
    """What is found in a text."""
    found: str | None = engine.value(f"SELECT {kind_sql('$text')}", {"text": text})
    return found


def luhn(digits: str) -> int:
    """The check sum of a card's number; 0 where it is right."""
    return sum(sum(divmod(int(d) * (1 + n % 2), 10)) for n, d in enumerate(reversed(digits))) % 10


def iban(country: str, account: str) -> str:
    """An account's number with its check digits (ISO 13616)."""
    number = "".join(str(int(sign, 36)) for sign in f"{account}{country}00")
    return f"{country}{98 - int(number) % 97:02}{account}"


@settings(max_examples=80, deadline=None)
@given(
    body=st.text("0123456789", min_size=11, max_size=17),
    first=st.integers(2, 6),
    gap=st.sampled_from(["", " ", "-"]),
    before=WORDS[0],
    after=WORDS[1],
)
def test_a_card_is_what_its_check_digit_says(
    engine: Engine, body: str, first: int, gap: str, before: str, after: str
) -> None:
    """Of every ten numbers that differ in the last digit, one is a card."""
    cards = [f"{first}{body}{last}" for last in range(10)]
    spaced = [gap.join(number[at : at + 4] for at in range(0, len(number), 4)) for number in cards]
    found = [kind(engine, f"{before}{number}{after}") for number in spaced]
    assert found == ["card" if luhn(number) == 0 else None for number in cards]


@settings(max_examples=60, deadline=None)
@given(
    country=st.sampled_from(["DE", "GB", "MT", "NO"]),
    account=st.text(string.digits + string.ascii_uppercase, min_size=11, max_size=30),
    before=WORDS[0],
    after=WORDS[1],
)
def test_an_account_is_what_its_check_digits_say(
    engine: Engine, country: str, account: str, before: str, after: str
) -> None:
    """Written together or in fours."""
    number = iban(country, account)
    for written in (number, " ".join(number[at : at + 4] for at in range(0, len(number), 4))):
        assert kind(engine, f"{before}{written}{after}") == "iban"


@settings(max_examples=80, deadline=None)
@given(
    st.from_regex(r"[a-z0-9][a-z0-9._%+-]{0,20}@([a-z0-9]{1,12}\.){1,3}[a-z]{2,10}", fullmatch=True),
    *WORDS,
)
def test_an_address_is_found_in_any_text(engine: Engine, address: str, before: str, after: str) -> None:
    """Also in the middle of one."""
    assert kind(engine, f"{before}{address}{after}") == "email"


@settings(max_examples=60, deadline=None)
@given(numbers=st.lists(st.integers(0, 300), min_size=4, max_size=4))
@example(numbers=[1, 2, 3, 4])
@example(numbers=[255, 255, 255, 256])
def test_an_ip_address_has_four_numbers_of_a_byte(engine: Engine, numbers: list[int]) -> None:
    """More is a version."""
    text = ".".join(map(str, numbers))
    assert kind(engine, text) == ("ip" if max(numbers) <= 255 else None)
    assert kind(engine, f"{text}.7") is None


ORDINARY = [
    *("us-east-1", "vm-sa-east-1-4", "starter", "v4.5.12", "2026-11-25T10:20:30Z", "10:20:30", "o-100029633"),
    *(
        "550e8400-e29b-41d4-a716-446655440000",
        "sha256:9f86d081884c7d659a2feaa0c55ad015",
        "1764061234567",
        "std::vector",
    ),
    *(
        "arn:aws:ec2:eu-west-1:123456789012:instance/i-0abcd1234",
        "00:1a:2b:3c:4d:5e",
        "café",
        "a@b",
        "4111111111111112",
    ),
    *("DE88370400440532013000", "HTTP/1.1", "10.0.0", "cpu@2.4", "+1", "C++", "SKU US12 ABCD", ""),
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_values_pass(engine: Engine, text: str) -> None:
    """What services say every day."""
    assert kind(engine, text) is None


@pytest.mark.parametrize("text", ["2001:db8::1", "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "to 2001:DB8::", PHONE])
def test_other_forms_are_found(engine: Engine, text: str) -> None:
    """IPv6 in its forms, and a phone number as people write it."""
    assert kind(engine, text) == ("phone" if text == PHONE else "ip")


def test_a_key_is_no_card(engine: Engine) -> None:
    """One in ten long numbers would be."""
    assert engine.value(f"SELECT {kind_sql('$text', KINDS_OF_KEYS)}", {"text": CARD.replace(" ", "")}) is None


SENT = [
    event(),
    event(id="e2", data={"order_id": "o2", "region": f"home of {MAIL}"}),
    event(id="e3", data={"order_id": "o3", "region": CARD}),
    event(id="e4", data={"order_id": f"o-{MAIL}", "region": "eu"}),
    event(id=f"seen-{MAIL}", data={"order_id": "o5"}),
    event(id="e6", data={"order_id": "o6", "total": f"a lot, {IBAN}"}),
    event(id="e7", data={"order_id": "o7", "region": "10.4.0.2", "total": "1"}),
]
RAW = (MAIL, "wonder.example", CARD, IBAN)


def in_order(lines: list[str]) -> list[str]:
    """The same of users without a name."""
    return [line.replace(f'"user_id": "{MAIL}"', '"user_id": "u1"') for line in lines]


@pytest.mark.parametrize(("way", "accepted"), [("reject", 1), ("hide", 4)])
def test_personal_data_is_nowhere_in_the_files(tmp_path: Path, way: str, accepted: int) -> None:
    """Neither as a segment nor in the quarantine, of whichever rule; what is accepted adds up."""
    root = with_scan(tmp_path / "own", scan=way)
    with opened(root, purpose="test") as found:
        report = deliver(found, in_order(SENT), tmp_path)
        assert (report.accepted, report.rejected) == (accepted, len(SENT) - accepted)
        assert all(finding.broken is None for finding in pipeline.verify(found.project, found.engine))
        rows = quarantined(found.engine, Selection(), 100)
        told = {row["place"]: (row["rule"], row["got"], row["raw"]) for row in rows}
        assert told["order"] == told["id"] == ("personal_data", "(hidden: email)", "(hidden: email)")
        assert told["amounts.revenue"] == ("number", "(hidden: iban)", "(hidden: iban)")
        regions = {region for (region,) in found.engine.rows("SELECT segment_region FROM cells")}
        hidden = {"(hidden: email)", "(hidden: card)", "(hidden: ip)"}
        assert regions - {None} == (hidden if way == "hide" else set())
        assert pipeline.replay(found.project, found.engine, Selection(), clock=found.clock) == []
    assert holding(root, *RAW) == []


def test_what_is_allowed_is_stored(tmp_path: Path) -> None:
    """Of the places that the contract names only."""
    root = with_scan(tmp_path / "own", scan="reject", allow=["region", "id"])
    with opened(root, purpose="test") as found:
        report = deliver(found, in_order(SENT), tmp_path)
        assert (report.accepted, report.rejected) == (5, 2)
    assert holding(root, MAIL)


def test_pseudonyms_and_the_scan_work_together(tmp_path: Path) -> None:
    """A hidden id is not looked at; what is refused is sealed and can be replayed."""
    root = project(tmp_path / "own", "user", scan="reject")
    make_keys(root / "privacy.keys")
    with opened(root, purpose="test") as found:
        report = deliver(found, SENT, tmp_path)
        # The ids of e1 and e5 are hidden; what is said of an order, a region or an amount is looked at as ever.
        assert (report.accepted, report.rejected) == (2, 5)
        rows = quarantined(found.engine, Selection(), 100)
        assert {row["rule"] for row in rows} == {"personal_data", "number"}
        assert all(row["raw"].startswith("s:v") for row in rows)
        again = pipeline.replay(found.project, found.engine, Selection(), clock=found.clock)
        assert [(each.received, each.rejected) for each in again] == [(5, 5)]
    assert holding(root, *RAW) == []


def with_scan(root: Path, **privacy: Any) -> Path:
    """The company of the invariants without pseudonyms."""
    found = project(root)
    contract = json.loads((found / "perunit.yaml").read_text())
    (found / "perunit.yaml").write_text(json.dumps(contract | {"privacy": privacy}))
    return found


def test_what_is_stored_already_is_found(tmp_path: Path) -> None:
    """By place and kind; the verb ends with 1, and with 0 once it is allowed."""
    root = project(tmp_path / "own")
    with opened(root, purpose="test") as found:
        deliver(found, in_order(SENT), tmp_path)
        names = pipeline.names_of(found.engine, found.project)
        seen = kept(found.engine, names, found.contract.privacy)
        assert seen == (
            Kept("id", "email", 1, 1), Kept("order", "email", 1, 1), Kept("region", "card", 1, 1),
            Kept("region", "email", 1, 1), Kept("region", "ip", 1, 1),
        )  # fmt: skip
    done = command("-C", str(root), "privacy", "scan")
    assert done.returncode == 1
    assert "region" in done.stdout
    assert MAIL not in done.stdout
    with_scan(root, scan="reject", allow=["id", "order", "region"])
    assert command("-C", str(root), "--json", "privacy", "scan").returncode == 0


def test_a_place_that_is_not_there_cannot_be_allowed(tmp_path: Path) -> None:
    """The fault names it, and what may stand there."""
    root = with_scan(tmp_path / "own", scan="hide", allow=["regoin"])
    done = command("-C", str(root), "check")
    assert done.returncode == 2
    assert "region" in done.stdout + done.stderr
