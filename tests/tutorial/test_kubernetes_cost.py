"""The tutorial on a cluster's cost runs as it is written, with the figures it shows."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
from contextlib import chdir
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from perunit.faces.cli.main import cli

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorials" / "kubernetes-cost.md"
BILL = "aws_cur_September-2026.csv"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
QUERY = ("query", "usage_cost", "idle_cost", "billed_cost", "--by", "namespace")
REQUESTED = {
    "analytics": Decimal("66.816"),
    "catalog": Decimal("33.408"),
    "cost-management": Decimal("33.408"),
    "install-test": Decimal("33.408"),
    "kube-system": Decimal("16.704"),
    "openshift": Decimal("16.704"),
    "openshift-kube-apiserver": Decimal("16.704"),
}


@dataclass
class Cluster:
    """The tutorial's project after its last step: what each command printed, and the costs by each meter."""

    folder: Path
    bill: Path
    steps: list[tuple[str, list[str], list[str]]] = field(default_factory=list)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def run(self, *words: str) -> str:
        """What a command prints, in the project's directory."""
        with chdir(self.folder):
            result = CliRunner(env={"COLUMNS": "200"}).invoke(cli, list(words))
        assert result.exit_code == 0, f"perunit {shlex.join(words)}: {result.output}"
        return result.stdout

    def follow(self, part: str) -> None:
        """Runs every perunit command of a part of the tutorial."""
        for block in CONSOLE.findall(part):
            for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
                command, *shown = (line.rstrip() for line in step.splitlines())
                if command.startswith("perunit "):
                    printed = self.run(*shlex.split(command)[1:])
                    lines = [line for line in shown if line not in {"", "…"}]
                    self.steps.append((command, lines, [line.rstrip() for line in printed.splitlines()]))

    def keep(self, meter: str) -> None:
        """Keeps the costs by namespace under the name of the meter that they are split by."""
        self.rows[meter] = json.loads(self.run("--json", *QUERY))["rows"]


@pytest.fixture(scope="module")
def cluster(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The project with every step of the tutorial done, the rule changed where the tutorial says so."""
    sample = shared_data / "nise-ocp-on-aws"
    if not (sample / BILL).is_file():
        pytest.skip(f"{sample / BILL} is not there")
    folder = tmp_path_factory.mktemp("tutorial") / "cluster"
    shutil.copytree(TUTORIAL.with_suffix(""), folder)
    (folder / "data").mkdir()
    shutil.copyfile(next(sample.glob("*pod_usage.csv")), folder / "data" / "pods.csv")
    shutil.copyfile(sample / BILL, folder / BILL)
    done = Cluster(folder, sample / BILL)
    before, after = TUTORIAL.read_text(encoding="utf-8").split("## 5 · By use")
    done.follow(before)
    done.keep("requested")
    contract = (folder / "perunit.yaml").read_text(encoding="utf-8")
    (folder / "perunit.yaml").write_text(contract.replace("meter: requested", "meter: used"), encoding="utf-8")
    done.follow(after)
    done.keep("used")
    return done


def test_every_command_prints_what_the_tutorial_shows(cluster: Cluster) -> None:
    """Each line that the tutorial shows is printed, in that order."""
    assert len(cluster.steps) == 6
    for command, shown, printed in cluster.steps:
        rest = iter(printed)
        missing = [line for line in shown if line not in rest]
        assert not missing, f"{command} printed\n" + "\n".join(printed)


def test_namespaces_bear_what_they_requested(cluster: Cluster) -> None:
    """The published figures exactly, with 50.112 idle."""
    rows = cluster.rows["requested"]
    assert {row["namespace"]: Decimal(row["usage_cost"]) for row in rows if row["namespace"]} == REQUESTED
    assert [Decimal(row["idle_cost"]) for row in rows if row["namespace"] is None] == [Decimal("50.112")]


def test_what_was_not_used_is_idle(cluster: Cluster) -> None:
    """Split by use, 156.122991 of the nodes' 267.264 is idle."""
    rows = cluster.rows["used"]
    (idle,) = [Decimal(row["idle_cost"]) for row in rows if row["namespace"] is None]
    assert idle.quantize(Decimal("1e-6")) == Decimal("156.122991")
    assert idle + sum(Decimal(row["usage_cost"]) for row in rows if row["namespace"]) == Decimal("267.264")


def test_the_whole_bill_is_kept_by_either_meter(cluster: Cluster) -> None:
    """The file sums as the tutorial says, as written, at 18 places and at 12; the namespaces keep 18."""
    with cluster.bill.open(encoding="utf-8", newline="") as file, localcontext() as context:
        context.prec = 60
        amounts = [Decimal(line["lineItem/UnblendedCost"]) for line in csv.DictReader(file)]
        assert sum(amounts) == Decimal("1830.7885791928262983648291")
        kept = sum(amount.quantize(Decimal("1e-18"), ROUND_HALF_UP) for amount in amounts)
        assert sum(amount.quantize(Decimal("1e-12")) for amount in amounts) == Decimal("1830.788579192911")
        assert kept == Decimal("1830.788579192826298526")
        for rows in cluster.rows.values():
            assert sum(Decimal(row["billed_cost"]) for row in rows) == kept
