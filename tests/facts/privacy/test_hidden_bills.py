"""Bills in a project with pseudonyms: lines carry no raw id, and every cent goes where it goes without them."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.facts.bills.conftest import LINE
from tests.facts.privacy.test_pseudonyms import ALICE, BOB, deliver, event, holding
from tests.invariants.company import CONTRACT

from perunit import pipeline
from perunit.facts.privacy import changes
from perunit.facts.privacy.keys import make_keys
from perunit.model.errors import ConfigurationError
from perunit.wiring import Opened, opened

if TYPE_CHECKING:
    from pathlib import Path

RULES: list[dict[str, Any]] = [
    {"name": "storage", "match": "service_name = 'disks'", "method": "even", "unit": "user"},
    {
        "name": "jobs",
        "match": "starts_with(resource_id, 'job/')",
        "method": "direct",
        "unit": "user",
        "key": "split_part(resource_id, '/', 2)",
    },
    {
        "name": "tagged",
        "match": "tags['owner'] is not null",
        "method": "direct",
        "unit": "user",
        "key": "tags['owner']",
    },
]
LINES = [
    {"Tags": json.dumps({"owner": ALICE, "note": f"by {ALICE}"}), "ResourceName": f"{ALICE}'s own"},
    {"Tags": json.dumps({"owner": BOB}), "BilledCost": "3.25", "EffectiveCost": "3.10"},
    {"Tags": "", "ResourceId": f"job/{ALICE}/1", "ChargeDescription": f"for {ALICE}, nightly"},
    {"Tags": json.dumps({"owner": BOB}), "ServiceName": "disks", "ResourceId": "disk-1"},
    {"Tags": json.dumps({"team": "shop"}), "ResourceId": "i-9"},
]
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def written(root: Path, *, hidden: bool, rules: list[dict[str, Any]] = RULES, **privacy: Any) -> Path:
    """The company with rules for its bills; with keys where users are hidden."""
    root.mkdir(exist_ok=True)
    secret = {"privacy": {"pseudonymize": ["user"], **privacy}} if hidden else {}
    (root / "perunit.yaml").write_text(json.dumps(CONTRACT | {"allocation": rules} | secret), encoding="utf-8")
    if hidden and not (root / "privacy.keys").exists():
        make_keys(root / "privacy.keys")
    return root


def bill(path: Path, lines: list[dict[str, str]]) -> Path:
    """A FOCUS file outside of the project."""
    rows = [LINE | {"ServiceName": "compute", "ResourceName": "", "ChargeDescription": ""} | line for line in lines]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def take(found: Opened, path: Path) -> list[Any]:
    """Imports the bill."""
    return pipeline.import_bills(found.project, found.engine, [path], clock=lambda: NOW)[0]


WHERE = (
    "SELECT rule, kind, unit_type, unit_key, sum(billed_cost), sum(effective_cost) FROM allocations "
    "GROUP BY ALL ORDER BY ALL"
)


def borne(found: Opened, *names: str) -> list[tuple[Any, ...]]:
    """Who bears what, by name also where stored by pseudonym."""
    own = {changes.pseudonym_of(found.project, "user", name): name for name in names}
    return sorted((rule, kind, own.get(key, key), *map(str, costs)) for rule, kind, _, key, *costs in
                  found.engine.rows(WHERE))  # fmt: skip


def facts(found: Opened, folder: Path) -> None:
    """One order of each of the two."""
    deliver(found, [event(), event(id="b", data={"user_id": BOB, "order_id": "o2"})], folder)


def test_no_file_holds_a_raw_id_and_every_cent_goes_where_it_went(tmp_path: Path) -> None:
    """From tags, from within a resource's id, also on lines that another rule takes."""
    path = bill(tmp_path / "bill.csv", LINES)
    shares, held = [], []
    for hidden in (True, False):
        root = written(tmp_path / f"hidden-{hidden}", hidden=hidden)
        with opened(root, purpose="test") as found:
            facts(found, tmp_path)
            assert [result.lines for result in take(found, path)] == [5]
            shares.append(borne(found, ALICE, BOB))
            assert all(each.broken is None for each in pipeline.verify(found.project, found.engine))
            lines = found.engine.rows("SELECT line, tags['team'], service_name, billed_cost FROM charges ORDER BY line")
            assert [line[0] for line in lines] == [1, 2, 3, 4, 5]
            assert (lines[4][1], lines[3][2]) == ("shop", "disks")
            held.append(holding(root, ALICE, BOB))
        held.append(holding(root, ALICE, BOB))
    assert shares[0] == shares[1]
    direct = {(rule, who): Decimal(cost) for rule, kind, who, cost, _ in shares[0] if kind == "direct"}
    one, other = Decimal("1.5"), Decimal("3.25")
    assert direct == {("jobs", ALICE): one, ("tagged", ALICE): one, ("tagged", BOB): other}
    assert held[:2] == [[], []]
    assert held[3]


def test_the_same_file_is_known_whatever_ids_have_become(tmp_path: Path) -> None:
    """Unchanged after a rotation and after an erasure: nothing of the erased comes back, and its cost stays."""
    path = bill(tmp_path / "bill.csv", LINES)
    root = written(tmp_path / "own", hidden=True)
    with opened(root, purpose="test") as found:
        facts(found, tmp_path)
        take(found, path)
        before = borne(found, ALICE, BOB)
        changes.rotate(found.project, found.engine)
    with opened(root, purpose="test") as found:
        assert [result.status for result in take(found, path)] == ["unchanged"]
        pipeline.compute_anew(found.project, found.engine)
        assert borne(found, ALICE, BOB) == before
        changes.erase(found.project, found.engine, "user", ALICE)
        assert [result.status for result in take(found, path)] == ["unchanged"]
        pipeline.compute_anew(found.project, found.engine)
        nobody = [each[2] for each in borne(found, BOB) if each[0] == "jobs"]
        assert [key[:3] for key in nobody] == ["p0_"]
        assert found.engine.value("SELECT count(*) FROM units WHERE unit_key = $own", {"own": nobody[0]}) == 1
        own = changes.pseudonym_of(found.project, "user", ALICE)
        assert own not in repr(found.engine.rows("SELECT * FROM charges"))
    assert holding(root, ALICE) == []


BY_CASE = {"name": "folded", "match": "tags['owner'] is not null", "method": "direct", "unit": "user"}


@pytest.mark.parametrize(
    "rule",
    [
        BY_CASE | {"key": "lower(tags['owner'])"},
        BY_CASE | {"match": f"tags['owner'] = '{ALICE.title()}'", "key": "tags['owner']"},
        BY_CASE | {"key": "billing_account_id", "match": "true"},
    ],
)
def test_a_key_that_would_not_find_its_unit_is_refused_with_its_bill(tmp_path: Path, rule: dict[str, Any]) -> None:
    """The error names the key and the line, and not the id."""
    path = bill(tmp_path / "bill.csv", [{"Tags": json.dumps({"owner": ALICE.title()})}])
    root = written(tmp_path / "own", hidden=True, rules=[rule])
    with opened(root, purpose="test") as found:
        with pytest.raises(ConfigurationError, match=r"allocation\.0\.key.*on line 1") as raised:
            take(found, path)
        assert ALICE.title() not in str(raised.value)
        counted = ("bills", "charges", "identities")
        assert [found.engine.value(f"SELECT count(*) FROM {table}") for table in counted] == [0, 0, 0]
    assert holding(root / "data", ALICE, ALICE.title()) == []


def test_an_expression_that_fails_on_a_line_is_told(tmp_path: Path) -> None:
    """Before anything of the bill is kept."""
    path = bill(tmp_path / "bill.csv", LINES)
    rules = [{"name": "first", "match": "cast(tags['owner'] as integer) > 1", "method": "even", "unit": "user"}, *RULES]
    with opened(written(tmp_path / "own", hidden=True, rules=rules), purpose="test") as found:
        with pytest.raises(ConfigurationError, match=r"allocation\.0\.match.*must work on every line") as raised:
            take(found, path)
        assert ALICE not in str(raised.value)
        assert found.engine.value("SELECT count(*) FROM charges") == 0


def test_what_a_rule_newly_calls_an_id_is_hidden_in_lines_that_are_there(tmp_path: Path) -> None:
    """With the start that finds the rule; afterwards costs go as if it had been there first."""
    path = bill(tmp_path / "bill.csv", LINES)
    root = written(tmp_path / "own", hidden=True, rules=RULES[:1])
    with opened(root, purpose="test") as found:
        facts(found, tmp_path)
        take(found, path)
        assert found.engine.value("SELECT count(*) FROM charges WHERE tags['owner'] = $own", {"own": ALICE}) == 1
    written(root, hidden=True)
    with opened(root, purpose="test") as found:
        pipeline.start(found.project, found.engine, found.clock)
        texts = repr(found.engine.rows("SELECT * FROM charges"))
        assert ALICE not in texts
        assert BOB not in texts
        later = borne(found, ALICE, BOB)
    with opened(written(tmp_path / "other", hidden=True), purpose="test") as found:
        facts(found, tmp_path)
        take(found, path)
        assert borne(found, ALICE, BOB) == later


def test_stated_weights_reach_the_units_that_they_name(tmp_path: Path) -> None:
    """The contract names them by their ids; what is stored does not."""
    rules = [
        {"name": "rent", "match": "service_name = 'disks'", "method": "fixed", "unit": "user", "weights": {ALICE: 3}},
        {
            "name": "both", "method": "shapley", "unit": "user",
            "costs": [{"units": [ALICE], "cost": 1}, {"units": [BOB], "cost": 1}, {"units": [ALICE, BOB], "cost": 2}],
        },
    ]  # fmt: skip
    path = bill(tmp_path / "bill.csv", LINES)
    root = written(tmp_path / "own", hidden=True, rules=rules)
    with opened(root, purpose="test") as found:
        facts(found, tmp_path)
        take(found, path)
        assert {(rule, who) for rule, _, who, *_ in borne(found, ALICE, BOB)} == {
            ("rent", ALICE), ("both", ALICE), ("both", BOB),
        }  # fmt: skip
        assert ALICE not in repr(found.engine.rows("SELECT * FROM allocations"))


IDS = st.sampled_from([ALICE, BOB, "u-1", "7", "dead", "ü✓ x", "a'b"])
TEXTS = st.sampled_from(["", "i-9", "shop", "dead end", "7", "u-1"])


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate],
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(rows=st.lists(st.tuples(IDS, st.one_of(IDS, TEXTS), TEXTS, st.booleans()), min_size=1, max_size=6))
def test_of_any_lines_the_shares_are_those_of_the_plain_project(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str, bool]]
) -> None:
    """Whatever else of a line looks like an id; and no owner stands in a stored tag."""
    folder = tmp_path_factory.mktemp("bills")
    lines = [
        {"Tags": json.dumps({"owner": own, "other": other}) if tagged else "", "ResourceName": text}
        for own, other, text, tagged in rows
    ]
    path = bill(folder / "bill.csv", lines)
    shares = []
    for hidden in (True, False):
        with opened(written(folder / str(hidden), hidden=hidden), purpose="test") as found:
            take(found, path)
            shares.append(borne(found, *{own for own, *_ in rows}))
            if hidden:
                assert found.engine.value(
                    "SELECT count(*) FROM charges WHERE tags['owner'] IS NOT NULL "
                    "AND NOT regexp_full_match(tags['owner'], 'p1_[0-9a-f]{32}')"
                ) == 0  # fmt: skip
    assert shares[0] == shares[1]
