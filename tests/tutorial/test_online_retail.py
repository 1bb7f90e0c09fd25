"""The tutorial runs as it is written, on the real data, with the totals it shows."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
from contextlib import chdir
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from perunit.faces.cli.main import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).resolve().parents[2] / "docs"
TUTORIAL = DOCS / "tutorials" / "online-retail.md"
BILL = "focus_1_3_cost_and_usage_aws.csv"
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)


@dataclass
class Shop:
    """The tutorial's project after its last step, and what each of its commands printed."""

    folder: Path
    bill: Path
    steps: list[tuple[str, list[str], list[str]]] = field(default_factory=list)

    def run(self, words: list[str]) -> str:
        """What a command prints, in the project's directory."""
        with chdir(self.folder):
            result = CliRunner(env={"COLUMNS": "200"}).invoke(cli, words)
        assert result.exit_code == 0, f"perunit {shlex.join(words)}: {result.output}"
        return result.stdout

    def ask(self, *words: str) -> Any:
        """What a command answers in JSON."""
        return json.loads(self.run(["--json", *words]))

    def row(self, *words: str) -> dict[str, Any]:
        """The only row of a query."""
        rows: list[dict[str, Any]] = self.ask("query", *words)["rows"]
        assert len(rows) == 1
        return rows[0]


@pytest.fixture(scope="module")
def shop(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The project with every step of the tutorial done, in its order."""
    folder = tmp_path_factory.mktemp("tutorial") / "shop"
    shutil.copytree(TUTORIAL.with_suffix(""), folder)
    (folder / "data").mkdir()
    lines = shared_data / "online-retail-ii-2009" / "data" / "online_retail.parquet"
    bill = shared_data / "focus-1.2-1.3-toolkit" / "generated" / "aws_1.3" / BILL
    for sample in (lines, bill):
        if not sample.is_file():
            pytest.skip(f"{sample} is not there")
    shutil.copyfile(lines, folder / "data" / lines.name)
    shutil.copyfile(bill, folder / BILL)
    done = Shop(folder, bill)
    for info, block in FENCE.findall(TUTORIAL.read_text(encoding="utf-8")):
        if info == "console":
            for command, shown in consoles(block):
                printed = done.run(shlex.split(command)).splitlines()
                done.steps.append((command, shown, [line.rstrip() for line in printed]))
        elif block.startswith("  - {name:"):
            with (folder / "perunit.yaml").open("a", encoding="utf-8") as contract:
                contract.write(block)
    return done


def consoles(block: str) -> Iterator[tuple[str, list[str]]]:
    """The perunit commands of a console with the lines shown below each; lines left out are not among them."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, *shown = part.splitlines()
        if command.startswith("perunit "):
            yield command.removeprefix("perunit "), [line.rstrip() for line in shown if line.strip() not in {"", "…"}]


def test_every_command_prints_what_the_tutorial_shows(shop: Shop) -> None:
    """Each line that the tutorial shows is printed, in that order; only how long a run took may differ."""
    assert len(shop.steps) > 15
    wrong = []
    for command, shown, printed in shop.steps:
        rest = iter([re.sub(r"in [\d.]+ s$", "in 1.2 s", line) for line in printed])
        if [line for line in shown if line not in rest]:
            wrong.append(f"perunit {command} printed\n" + "\n".join(printed))
    assert not wrong, "\n\n".join(wrong)


def test_revenue_is_exact(shop: Shop) -> None:
    """Net revenue, gross revenue and cancellations equal the control totals of the file to the last digit."""
    row = shop.row("gross_revenue", "refunds", "revenue")
    assert Decimal(row["gross_revenue"]) == Decimal("10169340.0040")
    assert Decimal(row["refunds"]) == Decimal("629855.3700")
    assert Decimal(row["revenue"]) == Decimal("9539484.6340")


def test_countries_and_months_sum_to_the_total(shop: Shop) -> None:
    """Cut by country or by month, nothing is lost."""
    for cut in (("--by", "country"), ("--grain", "month")):
        rows = shop.ask("query", "revenue", *cut)["rows"]
        assert sum(Decimal(row["revenue"]) for row in rows) == Decimal("9539484.6340")


def test_every_cent_of_the_bill_is_in_a_kind(shop: Shop) -> None:
    """The kinds of each bill sum to it, and the bills to the lines of the file, with nothing rounded."""
    with shop.bill.open(encoding="utf-8", newline="") as file:
        lines = [Decimal(line["BilledCost"]) for line in csv.DictReader(file)]
    bills = shop.ask("bills", "list")
    for bill in bills:
        shares = shop.ask("bills", "show", str(bill["bill_id"]))["allocation"]
        assert {share["kind"] for share in shares} <= {"direct", "usage", "shared", "fixed", "idle", "unallocated"}
        for cost in ("billed_cost", "effective_cost"):
            assert sum(Decimal(share[cost]) for share in shares) == Decimal(bill[cost])
    assert sum(Decimal(bill["billed_cost"]) for bill in bills) == sum(lines) == Decimal("21680.581928138869135")
    # The control total of the sample was summed from lines rounded to 12 places.
    place = Decimal("1e-12")
    assert sum(line.quantize(place) for line in lines) == Decimal("21680.581928138870")


def test_dollars_are_not_added_to_pounds(shop: Shop) -> None:
    """The bill stands on its own in dollars; a query in pounds leaves it out and says so."""
    kinds = ("shared_cost", "idle_cost", "unallocated_cost")
    dollars = shop.row("billed_cost", "effective_cost", *kinds, "--currency", "USD")
    assert Decimal(dollars["billed_cost"]) == Decimal("21680.581928138869135")
    assert sum(Decimal(dollars[kind]) for kind in kinds) == Decimal(dollars["effective_cost"])
    pounds = shop.ask("query", "revenue", "billed_cost")
    assert pounds["rows"][0]["billed_cost"] is None
    assert any("21680.581928138869135 USD" in note for note in pounds["notes"])


def test_the_receipt_of_a_real_invoice(shop: Shop) -> None:
    """Invoice 489434 has eight lines, 505.30 of revenue, and picking at the price of its day."""
    receipt = shop.ask("receipt", "order", "489434")
    assert len(receipt["events"]) == 8
    assert receipt["totals"]["revenue"] == "505.3"
    seconds = sum(Decimal(use["quantity"]) for event in receipt["events"] for use in event["usage"])
    assert Decimal(receipt["totals"]["variable_cost"]) == seconds * Decimal("0.001688888888889")


def test_doing_it_again_changes_nothing(shop: Shop) -> None:
    """The same files once more are recognised, and no figure moves."""
    question = ("query", "revenue", "variable_cost", "shared_cost", "--by", "country")
    before = shop.ask(*question)
    again = shop.ask("ingest")["files"]
    assert [(file["received"], file["accepted"], file["already"]) for file in again] == [(0, 0, 525_461)]
    assert [bill["status"] for bill in shop.ask("bills", "import", BILL)["bills"]] == ["unchanged", "unchanged"]
    assert shop.ask(*question) == before
    assert shop.ask("verify")["ok"]
