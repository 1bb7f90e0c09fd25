"""A price book's way from draft into force: what is shown before, what is written, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from perunit import pipeline
from perunit.contract.read import read_project
from perunit.store.control.annotations import annotations_within
from perunit.wiring import open_control_of, opened

Run = Callable[..., tuple[int, str, str]]

CONTRACT = """\
version: 1
units:
  order: {owner: checkout, key: order_id, segments: [region]}
meters:
  cpu_seconds: {unit: s}
sources:
  shop:
    format: csv
    event:
      id: id
      time: time
      type: "'order.completed'"
      units: {order: order_id}
      segments: {region: region}
      amounts: {revenue: revenue}
      usage: {cpu_seconds: cpu}
"""
EVENTS = """\
id,order_id,time,region,revenue,cpu
1,a,2026-09-01T10:10:00Z,eu,10,3
2,b,2026-09-01T10:40:00Z,us,10,5
3,c,2026-09-01T10:50:00Z,eu,10,7
4,d,2026-09-02T09:00:00Z,us,10,11
"""
BOOK = """\
# the cloud's list
book: cloud
version: 1
currency: USD
rates:
  - {meter: cpu_seconds, price: 1, per: 1, unit: s, effective_from: 2026-01-01}
"""
DEARER = BOOK.replace(
    "effective_from: 2026-01-01}",
    "effective_from: 2026-01-01, effective_to: 2026-09-01T10:30:00Z}\n"
    "  - {meter: cpu_seconds, price: 2, per: 1, unit: s, effective_from: 2026-09-01T10:30:00Z}\n"
    "  - {meter: cpu_seconds, region: eu, price: 4, per: 1, unit: s, effective_from: 2026-09-01T10:45:00Z}",
)
LATER = BOOK.replace(
    "effective_from: 2026-01-01}",
    "effective_from: 2026-01-01, effective_to: 2027-01-01}\n"
    "  - {meter: cpu_seconds, price: 3, per: 1, unit: s, effective_from: 2027-01-01}",
)
WHO = ("--actor", "kim", "--reason", "the list of September: dearer")


@pytest.fixture
def shop(tmp_path: Path, run: Run) -> Path:
    """A project with four events and one price book."""
    files = {"perunit.yaml": CONTRACT, "prices/cloud.yaml": BOOK, "shop.csv": EVENTS}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "prices" / "drafts").mkdir()
    assert run("-C", tmp_path, "ingest", tmp_path / "shop.csv", "--as", "shop")[0] == 0
    return tmp_path


def draft(shop: Path, text: str, name: str = "next.yaml") -> str:
    """Writes a draft."""
    (shop / "prices" / "drafts" / name).write_text(text, encoding="utf-8")
    return name


def answer(run: Run, shop: Path, *words: Any) -> Any:
    """The JSON of a verb that must succeed."""
    code, out, err = run("-C", shop, "--json", *words)
    assert code == 0, out + err
    return json.loads(out)


def cost(run: Run, shop: Path, *words: str) -> dict[str | None, Decimal]:
    """Variable cost by region."""
    rows = answer(run, shop, "query", "variable_cost", "--by", "region", *words)["rows"]
    return {row["region"]: Decimal(row["variable_cost"]) for row in rows}


def test_a_diff_names_each_price_that_changes(shop: Path, run: Run) -> None:
    """What a draft changes, from when on, and by how much; a rate only cut in two does not change."""
    said = answer(run, shop, "prices", "diff", draft(shop, DEARER))
    found = [(each["what"], each["conditions"], each["from"], each["ratio"]) for each in said["changes"]]
    assert (said["from"], said["to"]) == ("cloud@1", "cloud@2")
    assert found == [
        ("changed", {}, "2026-09-01T10:30:00+00:00", "1"),
        ("added", {"region": "eu"}, "2026-09-01T10:45:00+00:00", None),
    ]


def test_a_preview_is_what_approval_then_gives(shop: Path, run: Run) -> None:
    """By hand: 3×1 + 5×2 + 7×4 + 11×2; a price may begin within an hour, and nothing stored changes before."""
    name = draft(shop, DEARER)
    before = cost(run, shop)
    said = answer(run, shop, "prices", "preview", name, "--by", "region")
    assert cost(run, shop) == before == {"eu": 10, "us": 16}
    assert said["total"]["variable_cost"] == {"before": "26", "after": "63", "change": "37"}
    assert said["total"]["contribution_margin"] == {"before": "14", "after": "-23", "change": "-37"}
    answer(run, shop, "prices", "approve", name, *WHO, "--reprice-past")
    after = {row["region"]: Decimal(row["variable_cost"]["after"]) for row in said["rows"]}
    assert cost(run, shop) == after == {"eu": 3 + 28, "us": 10 + 22}
    assert run("-C", shop, "verify")[0] == 0


def test_the_past_can_be_previewed_at_future_prices(shop: Path, run: Run) -> None:
    """By its own dates a draft changes nothing yet; at the rates of 2027 the same usage costs three times as much."""
    name = draft(shop, LATER)
    by_dates = answer(run, shop, "prices", "preview", name)["total"]
    at_2027 = answer(run, shop, "prices", "preview", name, "--rates-of", "2027-01-01", "--to", "2026-09-02")["total"]
    assert by_dates["variable_cost"]["change"] == "0"
    assert at_2027["variable_cost"] == {"before": "15", "after": "45", "change": "30"}


def test_prices_of_the_past_change_only_on_purpose(shop: Path, run: Run) -> None:
    """Refused with the first window and the amount; a draft whose prices begin later needs no permission."""
    name = draft(shop, DEARER)
    code, _, err = run("-C", shop, "prices", "approve", name, *WHO)
    assert code == 2
    assert "since 2026-09-01T10:00:00Z (cost +37.00 USD)" in err
    assert (shop / "prices" / "drafts" / name).read_text(encoding="utf-8") == DEARER
    said = answer(run, shop, "prices", "approve", draft(shop, LATER), *WHO)
    assert (said["book"], said["version"], said["past"], said["reprices_past"]) == ("cloud", 2, None, False)
    assert cost(run, shop) == {"eu": 10, "us": 16}


def test_an_approval_is_kept_with_actor_and_reason(shop: Path, run: Run) -> None:
    """In the file, in the store, in the list; the draft is gone, and the comment of its author is not."""
    answer(run, shop, "prices", "approve", draft(shop, LATER), *WHO)
    text = (shop / "prices" / "cloud@2.yaml").read_text(encoding="utf-8")
    assert text.startswith("# the cloud's list\nbook: cloud\nversion: 2\n")
    assert list((shop / "prices" / "drafts").iterdir()) == []
    rates = answer(run, shop, "prices", "list", "--all")
    found = [(rate["rate_id"], rate["status"], rate["approved_by"]) for rate in rates]
    assert sorted(found) == [
        ("cloud@1/rates/1", "withdrawn", None),
        ("cloud@2/rates/1", "effective", "kim"),
        ("cloud@2/rates/2", "future", "kim"),
    ]


def test_an_approval_is_noted_beside_the_figures(shop: Path, run: Run) -> None:
    """From when its first price differs, and so is a rollback."""
    answer(run, shop, "prices", "approve", draft(shop, DEARER), *WHO, "--reprice-past")
    answer(run, shop, "prices", "rollback", "cloud", "--to", "1", *WHO, "--reprice-past")
    with closing(open_control_of(shop)) as control:
        noted = annotations_within(control, None, None, ("price_change",), 10)
    began = datetime(2026, 9, 1, 10, 30, tzinfo=UTC)
    assert [(each.title, each.start, each.created_by) for each in noted] == [
        ("cloud@2", began, "kim"),
        ("cloud@3", began, "kim"),
    ]


def test_an_approval_that_was_changed_is_refused(shop: Path, run: Run) -> None:
    """It is a record of who said what."""
    answer(run, shop, "prices", "approve", draft(shop, LATER), *WHO)
    path = shop / "prices" / "cloud@2.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("kim", "lee"), encoding="utf-8")
    code, _, err = run("-C", shop, "query", "revenue")
    assert code == 2
    assert "approval" in err
    assert "was changed after it was recorded" in err


def test_a_rollback_writes_a_version_with_the_old_prices(shop: Path, run: Run) -> None:
    """Even where the old file is gone; what was in force in between is still on record, as of then."""
    answer(run, shop, "prices", "approve", draft(shop, DEARER), *WHO, "--reprice-past")
    with opened(shop, purpose="test") as project:
        between = project.engine.value("SELECT max(loaded_at) FROM price_books").isoformat() + "Z"
    (shop / "prices" / "cloud.yaml").unlink()
    words = ("prices", "rollback", "cloud", "--to", "1", "--actor", "lee", "--reason", "wrong list")
    assert run("-C", shop, *words)[0] == 2
    said = answer(run, shop, *words, "--reprice-past")
    assert (said["version"], said["rolled_back_to"], said["past"]["amounts"][0]["change"]) == (3, 1, "-37")
    assert cost(run, shop) == {"eu": 10, "us": 16}
    assert cost(run, shop, "--as-of", between) == {"eu": 31, "us": 32}
    assert answer(run, shop, "prices", "diff", "cloud@1", "cloud@3")["changes"] == []
    assert run("-C", shop, "verify")[0] == 0


def test_a_run_that_dies_between_file_and_store_is_completed(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file comes into prices/ in one rename, its approval inside; the next run records both."""
    real, calls = pipeline.start, []

    def dies(*given: Any) -> None:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*given)

    name = draft(shop, DEARER)
    monkeypatch.setattr(pipeline, "start", dies)
    assert run("-C", shop, "prices", "approve", name, *WHO, "--reprice-past")[0] == 130
    monkeypatch.undo()
    with opened(shop, purpose="test") as project:
        assert project.engine.rows("SELECT book, version, actor, reprices_past FROM price_approvals") == [
            ("cloud", 2, "kim", True)
        ]
    assert cost(run, shop) == {"eu": 31, "us": 32}


def test_a_run_that_dies_before_the_rename_leaves_a_draft(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its approval half given it is still a draft, not in force, and can be approved again."""
    name = draft(shop, LATER)
    real = Path.replace

    def dies(path: Path, target: Path) -> Path:
        if Path(target).parent.name == "prices":
            raise KeyboardInterrupt
        return real(path, target)

    monkeypatch.setattr(Path, "replace", dies)
    assert run("-C", shop, "prices", "approve", name, *WHO)[0] == 130
    monkeypatch.undo()
    assert [book.version for book in read_project(shop).price_books] == [1]
    assert answer(run, shop, "prices", "approve", name, "--actor", "lee", "--reason", "again")["version"] == 2
    assert (shop / "prices" / "cloud@2.yaml").read_text(encoding="utf-8").count("approval:") == 1


def test_where_approval_is_required_a_file_alone_is_not_in_force(shop: Path, run: Run) -> None:
    """It awaits approval, check says so, and approving it where it lies puts it in force."""
    assert answer(run, shop, "prices", "approve", draft(shop, LATER), *WHO)["version"] == 2
    (shop / "perunit.yaml").write_text(CONTRACT + "prices: {approval: required}\n", encoding="utf-8")
    dropped = LATER.replace("version: 1", "version: 3").replace("price: 1,", "price: 9,")
    (shop / "prices" / "three.yaml").write_text(dropped, encoding="utf-8")
    assert cost(run, shop) == {"eu": 10, "us": 16}
    notes = answer(run, shop, "check")["notes"]
    assert [note["got"] for note in notes] == ["cloud@1", "cloud@3"]
    statuses = {rate["status"] for rate in answer(run, shop, "prices", "list") if rate["rate_id"][:7] == "cloud@3"}
    assert statuses == {"awaiting approval"}
    said = answer(run, shop, "prices", "approve", "prices/three.yaml", *WHO, "--reprice-past")
    assert (said["file"], said["version"]) == ("prices/three.yaml", 3)
    assert cost(run, shop) == {"eu": 90, "us": 144}


def test_a_version_that_was_loaded_can_be_approved_later(shop: Path, run: Run) -> None:
    """The approval at the end of a file is no change of the version."""
    (shop / "perunit.yaml").write_text(CONTRACT + "prices: {approval: required}\n", encoding="utf-8")
    assert answer(run, shop, "query", "unpriced_usage")["rows"][0]["unpriced_usage"] == 4
    answer(run, shop, "prices", "approve", "cloud.yaml", *WHO, "--reprice-past")
    assert cost(run, shop) == {"eu": 10, "us": 16}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOOK.replace("cpu_seconds", "cpu_hours"), "must be a meter of the contract"),
        (BOOK.replace("book: cloud", "book: other"), "must not overlap cloud@1/rates/1"),
        (BOOK.replace("version: 1\n", ""), "version"),
        ("{book: cloud, version: 1, currency: USD}", "must stand once at the start of a line"),
        (BOOK.replace("price: 1,", "price: -1,"), "must be >= 0"),
    ],
)
def test_a_draft_with_a_fault_is_refused(shop: Path, run: Run, text: str, words: str) -> None:
    """By the rules of every price book, with the place; nothing is written."""
    code, _, err = run("-C", shop, "prices", "approve", draft(shop, text), *WHO, "--reprice-past")
    assert code == 2
    assert words in err
    assert [path.name for path in (shop / "prices").glob("*.yaml")] == ["cloud.yaml"]


def test_an_unknown_draft_is_named_with_those_there_are(shop: Path, run: Run) -> None:
    """A wrong name is a question of spelling."""
    draft(shop, LATER)
    code, _, err = run("-C", shop, "prices", "preview", "nxt.yaml")
    assert code == 2
    assert "it has next.yaml" in err


def test_a_list_becomes_a_draft_that_can_be_approved(shop: Path, run: Run) -> None:
    """From the vendor's file to prices in force; a second import does not write over the draft."""
    words = "meter,price,per,unit,from,region\ncpu_seconds,2,1,s,2026-01-01,eu\n"
    (shop / "list.csv").write_text(words, encoding="utf-8")
    said = answer(run, shop, "prices", "import", shop / "list.csv", "--book", "vendor")
    assert said == {"file": "prices/drafts/vendor.yaml", "rates": 1, "remarks": []}
    assert run("-C", shop, "prices", "import", shop / "list.csv", "--book", "vendor")[0] == 2
    answer(run, shop, "prices", "approve", "vendor", *WHO, "--reprice-past")
    assert cost(run, shop) == {"eu": 20, "us": 16}
