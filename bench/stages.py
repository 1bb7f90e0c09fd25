"""The measured stages, each in processes of its own. Enters: a company. Leaves: figures as plain values."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.measure import CommandFailedError, Run, in_page_cache, run, run_module, warm_up
from bench.peers.postgres_programs import postgres_programs

if TYPE_CHECKING:
    from bench.company import Company

__all__ = ["PEERS", "Stages"]

# Peer → its module and the packages it needs.
PEERS = {"pandas": ("pandas_way", "pandas"), "postgres": ("postgres_way", "psycopg"), "chdb": ("chdb_way", "chdb")}

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stages:
    """Runs below `work`; `repeats` is how often reading the events is repeated, of which the median counts."""

    work: Path
    repeats: int

    def bare(self, company: Company) -> Figures:
        """Bare DuckDB: reading into a typed table, then plain GROUP BYs."""
        database = self.work / "bare.duckdb"
        warm_up("bench.peers.bare_duckdb")
        in_page_cache(company.events)
        loads = [run_module("bench.peers.bare_duckdb", "load", database, *company.events) for _ in range(self.repeats)]
        grouped = run_module("bench.peers.bare_duckdb", "group", database)
        seconds = median(load.seconds for load in loads)
        return {
            "load_s": round(seconds, 3),
            "events_per_s": round(company.lines / seconds),
            "group_s": round(grouped.seconds, 3),
            "group_parts_s": grouped.answer,
            "peak_rss_mb": _peak(*loads, grouped),
            "file_mb": _megabytes(database),
        }

    def perunit(self, company: Company) -> Figures:
        """By perunit's own command line, then the standard queries; each compared with the truth."""
        project = self.work / "project"
        warm_up("perunit.wiring", "bench.queries", *(f"perunit.faces.cli.{verb}" for verb in ("main", "ingest", "run")))
        in_page_cache(company.events)
        loads = []
        for _ in range(self.repeats):
            company.project_at(project)
            loads.append(_perunit(project, "ingest", company.directory / "events"))
        # One at a time and in order: the second version restates the first.
        bills = [_perunit(project, "bills", "import", bill) for bill in company.bills]
        after_ingest = _store_error(company, project)
        recomputed = _perunit(project, "run")
        after_run = _store_error(company, project)
        queries = run_module("bench.queries", project)
        seconds = median(load.seconds for load in loads)
        return {
            "load_s": round(seconds, 3),
            "events_per_s": round(company.lines / seconds),
            "counts": _counts(loads[-1]),
            "bills_s": round(sum(bill.seconds for bill in bills), 3),
            "recompute_s": round(recomputed.seconds, 3),
            "queries": queries.answer,
            "ingest_peak_rss_mb": _peak(*loads),
            "recompute_peak_rss_mb": _peak(recomputed),
            "peak_rss_mb": _peak(*loads, *bills, recomputed, queries),
            "file_mb": _megabytes(project / "data" / "perunit.duckdb"),
            "after_ingest": after_ingest,
            "after_recompute": after_run,
        }

    def peer(self, name: str, company: Company) -> Figures:
        """One of the ways a team would do it today; ``skipped`` says why where it cannot run here."""
        module, package = PEERS[name]
        if reason := _missing(name, package):
            return {"skipped": reason}
        out = self.work / name
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        warm_up(f"bench.peers.{module}")
        in_page_cache(company.events)
        try:
            done = run_module(f"bench.peers.{module}", company.directory, out)
        except CommandFailedError as error:
            return {"skipped": f"failed: {str(error).strip().splitlines()[-1]}"}
        answer = done.answer
        seconds = answer["ready_at"] - done.began - answer.get("excluded_s", 0)
        differences = run_module("bench.truth", "pnl", company.directory, out / "pnl.csv").answer
        return {
            "events": company.lines,
            "load_s": round(seconds, 3),
            "events_per_s": round(company.lines / seconds),
            "query_ms": round(answer["query_ms"], 2),
            "peak_rss_mb": round(_peak(done) + answer.get("server_peak_mb", 0)),
            "error": differences["differing"],
            "error_largest": differences["largest"],
            "cells": differences["cells"],
            "first_difference": differences["first"],
        }


def _perunit(project: Path, *words: object) -> Run:
    return run([str(Path(sys.executable).parent / "perunit"), "-C", str(project), "--json", *map(str, words)])


def _store_error(company: Company, project: Path) -> Figures:
    answer: Figures = run_module("bench.truth", "store", company.directory, project).answer
    return answer


def _counts(load: Run) -> dict[str, int]:
    names = ("received", "accepted", "duplicate", "conflict", "rejected", "late")
    return {name: sum(file[name] for file in load.answer["files"]) for name in names}


def _peak(*runs: Run) -> int:
    return round(max(each.peak_rss_mb for each in runs))


def _megabytes(path: Path) -> int:
    return round(path.stat().st_size / 1_000_000)


def _missing(name: str, package: str) -> str | None:
    if importlib.util.find_spec(package) is None:
        return f"the package {package} is not installed; uv sync --group bench installs it"
    if name == "postgres" and postgres_programs() is None:
        return "no PostgreSQL server is installed (initdb was not found)"
    return None
