"""The headline benchmark. Enters: a number of events. Leaves: a table for people, then one line of JSON.

    python -m bench.headline --events 1000000

Everything runs one after another, each in a process of its own. See README.md for what each figure means.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from typing import Any

from bench.company import WORK, Company, prepared
from bench.stages import PEERS, Stages
from bench.table import shown

__all__ = ["main"]

Figures = dict[str, Any]


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.headline", description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=10_000_000, metavar="N", help="unique events (10,000,000)")
    parser.add_argument("--peer-events", type=int, metavar="N", help="events for the peers, where fewer than --events")
    parser.add_argument("--repeats", type=int, default=1, metavar="K", help="read K times; the median counts (1)")
    parser.add_argument("--skip-peers", action="store_true", help="leave out pandas, PostgreSQL and chDB")
    parser.add_argument("--json-only", action="store_true", help="print only the line of JSON")
    parser.add_argument("--keep", action="store_true", help="keep the databases in bench/work")
    return parser.parse_args(arguments)


def measured(options: argparse.Namespace) -> Figures:
    """Simulates, then runs every stage."""
    # Of this process alone, so that a test and a run by hand do not meet.
    work = WORK / f"run-{os.getpid()}"
    work.mkdir(parents=True)
    stages = Stages(work, options.repeats)
    try:
        company = _company(options.events)
        _say("bare DuckDB")
        bare = stages.bare(company)
        _say("perunit")
        perunit = stages.perunit(company)
        peers = {} if options.skip_peers else _peers(stages, company, options)
    finally:
        if options.keep:
            _say(f"kept {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    return _headline(company, bare, perunit, peers)


def _company(events: int) -> Company:
    _say(f"simulating {events:,} events (once; kept in bench/work)")
    return prepared(events)


def _peers(stages: Stages, company: Company, options: argparse.Namespace) -> Figures:
    if options.peer_events and options.peer_events < options.events:
        company = _company(options.peer_events)
    peers = {}
    for name in PEERS:
        _say(name)
        peers[name] = stages.peer(name, company)
    return peers


def _headline(company: Company, bare: Figures, perunit: Figures, peers: Figures) -> Figures:
    """The figures the goals speak of, and below them all that was measured."""
    after = (perunit["after_ingest"], perunit["after_recompute"])
    return {
        "events": company.lines,
        "events_per_s": perunit["events_per_s"],
        "ratio_to_bare": round(perunit["events_per_s"] / bare["events_per_s"], 3),
        "recompute_ratio": round(perunit["recompute_s"] / bare["group_s"], 2),
        "query_p95_ms": perunit["queries"]["p95"],
        "peak_rss_mb": perunit["peak_rss_mb"],
        "error": sum(differences["differing"] for differences in after),
        "cells": sum(differences["cells"] for differences in after),
        "first_difference": next((each["first"] for each in after if each["first"]), None),
        "unique_events": int(company.truth["totals"]["events"]),
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "bare": bare,
        "perunit": perunit,
        "peers": peers,
    }


def _say(what: str) -> None:
    print(f"· {what}", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Prints the table and the line of JSON; 1 where a figure differs from the truth."""
    options = _options(arguments)
    figures = measured(options)
    if not options.json_only:
        print(shown(figures))
    print(json.dumps(figures))
    return 1 if figures["error"] else 0


if __name__ == "__main__":
    sys.exit(main())
