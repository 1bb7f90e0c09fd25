"""The verbs that show figures, on projects written from the templates."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from perunit.contract.read import read_project
from perunit.faces.cli.init import TEMPLATES, write_project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop template with its sample facts taken in."""
    from perunit.faces.cli.main import main

    root = tmp_path_factory.mktemp("project") / "shop"
    write_project(root, "ecommerce")
    assert main(["-C", str(root), "ingest"]) == 0
    return root


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_is_a_working_project(run: Any, tmp_path: Path, template: str) -> None:
    """Every template passes its own check without a note, and takes its sample facts in without a reject."""
    code, out, _ = run("--json", "init", tmp_path / "new", "--template", template)
    assert code == 0
    assert "perunit.yaml" in json.loads(out)["files"]
    assert read_project(tmp_path / "new").contract.units
    assert json.loads(run("-C", tmp_path / "new", "--json", "check")[1]) == {"ok": True, "faults": [], "notes": []}
    taken = json.loads(run("-C", tmp_path / "new", "--json", "ingest")[1])
    assert taken["files"]
    assert all(file["received"] == file["accepted"] > 0 for file in taken["files"])


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_commands_of_a_templates_readme_work(run: Any, tmp_path: Path, template: str) -> None:
    """What the README says to type works in its order, and shows some cost."""
    write_project(tmp_path / "new", template)
    page = (tmp_path / "new" / "README.md").read_text(encoding="utf-8")
    lines = [line.split()[1:] for line in page.splitlines() if line.startswith("perunit ")]
    assert len(lines) >= 4
    for words in lines:
        words = [str(tmp_path / "new" / word) if word.startswith("samples/") else word for word in words]
        code, out, err = run("-C", tmp_path / "new", *words)
        assert (code, err) == (0, ""), words
        if words[0] == "query":
            assert "costs estimated" in out


def test_init_overwrites_nothing(run: Any, tmp_path: Path) -> None:
    """A directory with anything in it is refused."""
    (tmp_path / "notes.txt").write_text("mine")
    code, _, err = run("init", tmp_path)
    assert code == 2
    assert "is not an empty directory" in err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_table_says_what_it_rests_on(run: Any, shop: Path) -> None:
    """Figures, the window, how fresh the facts are, what costs rest on, and the formulas when asked."""
    code, out, _ = run("-C", shop, "query", "revenue,units", "--by", "plan", "--explain", "--order", "-revenue")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[2:5]] == ["free", "plus", "pro"]
    assert "facts up to 2026-09-05 01:25:36 UTC" in out
    assert "revenue = gross_revenue − discounts − refunds" in out


def test_csv_json_and_parquet_carry_the_same_values(run: Any, shop: Path, tmp_path: Path) -> None:
    """The three exports agree to the digit, and the rows sum to the total."""
    words = ("-C", shop, "query", "revenue", "units", "--by", "plan", "--grain", "day")
    answer = json.loads(run(*words, "--format", "json")[1])
    page = list(csv.DictReader(io.StringIO(run(*words, "--format", "csv")[1], newline="")))
    assert [
        {**row, "units": str(row["units"]), "status": "", "complete": str(row["complete"]).lower()}
        for row in answer["rows"]
    ] == page
    target = tmp_path / "out.parquet"
    code, out, err = run(*words, "--format", "parquet", "--output", target)
    assert (code, out, err) == (0, "", f"wrote {target}\n")
    table = pq.read_table(target).to_pylist()
    assert [row["revenue"] for row in table] == [Decimal(row["revenue"]) for row in answer["rows"]]
    whole = json.loads(run("-C", shop, "--json", "query", "revenue", "units")[1])["rows"][0]
    assert sum((row["revenue"] for row in table), Decimal(0)) == Decimal(whole["revenue"])
    assert sum(row["units"] for row in table) == whole["units"]


def test_a_table_can_go_to_a_file(run: Any, shop: Path, tmp_path: Path) -> None:
    """With --output the table is written as text, without colours."""
    run("-C", shop, "query", "revenue", "--output", tmp_path / "table.txt")
    text = (tmp_path / "table.txt").read_text(encoding="utf-8")
    assert text.split()[:2] == ["revenue", "USD"]
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("query", "revnue"), "did you mean revenue"),
        (("query", "revenue", "--from", "yesterday"), "--from: got 'yesterday', must be an instant"),
        (("query", "revenue", "--from", "2026-09-02", "--to", "2026-09-01"), "must lie after --from"),
        (("query", "revenue", "--where", "plan = (select 1)"), "must not contain a query"),
        (("query", "revenue", "--format", "parquet"), "needs --output FILE"),
        (("receipt", "order", "o-99"), "did you mean o-1009"),
        (("measures", "cost_per_unt"), "did you mean cost_per_unit"),
    ],
)
def test_a_wrong_question_names_the_mend(run: Any, shop: Path, words: tuple[str, ...], message: str) -> None:
    """Exit code 2 and one line that says what to write instead."""
    code, out, err = run("-C", shop, *words)
    assert (code, out) == (2, "")
    assert message in err


def test_measures_are_listed_and_explained(run: Any, shop: Path) -> None:
    """The list has the project's meters; one measure is explained with formula and direction of good."""
    listed = json.loads(run("-C", shop, "--json", "measures")[1])
    assert {"cpu_seconds", "cpu_seconds_per_unit", "cost_per_unit"} <= {measure["name"] for measure in listed}
    out = run("-C", shop, "measures", "cost_per_unit")[1]
    assert "formula   variable_cost ÷ units" in out
    assert "good      down" in out
    assert "contribution_margin" in run("measures")[1]


def test_a_receipt_is_printed_and_given_as_json(run: Any, shop: Path) -> None:
    """The order's receipt holds its rates, and JSON the same margin exactly."""
    out = run("-C", shop, "receipt", "order", "o-1001")[1]
    assert "payments@1/fees/1/percentage" in out
    answer = json.loads(run("-C", shop, "--json", "receipt", "order", "o-1001")[1])
    margin = Decimal(answer["totals"]["revenue"]) - Decimal(answer["totals"]["variable_cost"])
    assert Decimal(answer["totals"]["contribution_margin"]) == margin
