"""What it costs to hide ids, and to look for personal data, while events are taken in.

    python -m bench.privacy --events 1000000

Enters: how many events of the simulated company. Leaves: a table, and as its last line JSON: seconds of `perunit
ingest` of the same files, plain, with users as pseudonyms, with a scan, with both; each ÷ plain.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
from typing import TYPE_CHECKING, Any

import yaml

from bench.company import WORK, prepared
from bench.measure import run, warm_up
from perunit.facts.privacy.keys import make_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.company import Company

WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "pseudonyms": {"pseudonymize": ["user"]},
    "scan": {"scan": "hide"},
    "both": {"pseudonymize": ["user"], "scan": "hide"},
}


def taken_in(company: Company, privacy: dict[str, Any]) -> float:
    """Seconds of one ingest into a fresh project."""
    project = company.project_at(WORK / "privacy")
    contract = yaml.safe_load((project / "perunit.yaml").read_text(encoding="utf-8"))
    # No bills are taken in; a rule that names users would have to see their ids in them.
    contract["allocation"] = [rule for rule in contract["allocation"] if rule["method"] != "direct"]
    (project / "perunit.yaml").write_text(yaml.safe_dump(contract | {"privacy": privacy}, sort_keys=False))
    make_keys(project / "privacy.keys")
    try:
        words = ["-C", str(project), "--json", "ingest", str(company.directory / "events")]
        return run([sys.executable, "-m", "perunit.faces.cli.main", *words]).seconds
    finally:
        shutil.rmtree(project)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Medians of every way, measured in turns so that what else the machine does falls on all alike."""
    parser = argparse.ArgumentParser(prog="python -m bench.privacy", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N", help="unique events (1,000,000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="K", help="how often each (3)")
    options = parser.parse_args(arguments)
    company = prepared(options.events)
    warm_up("perunit.faces.cli.ingest")
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way, privacy in WAYS.items():
            took[way].append(taken_in(company, privacy))
    medians = {way: statistics.median(seconds) for way, seconds in took.items()}
    ratios = {way: round(seconds / medians["plain"], 3) for way, seconds in medians.items()}
    return {"lines": company.lines, "seconds": {way: round(each, 2) for way, each in medians.items()}, "ratio": ratios}


if __name__ == "__main__":
    figures = main()
    for name, seconds in figures["seconds"].items():
        print(f"{name:<12}{seconds:>8.2f} s  {figures['ratio'][name]:>6.2f}")
    print(json.dumps(figures))
