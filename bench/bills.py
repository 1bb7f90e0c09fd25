"""The bills benchmark. Enters: numbers of bill lines and usage rows. Leaves: a table, then one line of JSON.

    python -m bench.bills --lines 1000000 --usage 1000000

Everything runs one after another, each in a process of its own. See README.md for what each figure means.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.company import WORK
from bench.invoice_month import InvoiceMonth, prepared_month
from bench.measure import CommandFailedError, Run, in_page_cache, run, run_module, warm_up
from bench.peers.focus_converter_way import converter

__all__ = ["main"]

Figures = dict[str, Any]
_SECONDS_MAX, _MB_MAX = 30, 2_000


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bills", description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000, metavar="N", help="bill lines (1,000,000)")
    parser.add_argument("--usage", type=int, default=1_000_000, metavar="N", help="usage rows (1,000,000)")
    parser.add_argument("--skip-peer", action="store_true", help="leave out focus-converter")
    parser.add_argument("--keep", action="store_true", help="keep the databases in bench/work")
    return parser.parse_args(arguments)


def measured(options: argparse.Namespace) -> Figures:
    """Makes the month, then runs every stage."""
    work = WORK / f"run-{os.getpid()}"
    work.mkdir(parents=True)
    month = prepared_month(options.lines, options.usage)
    try:
        in_page_cache([month.bill])
        bare = _bare(month, work)
        perunit = _perunit(month, work / "project")
        peer = {} if options.skip_peer else _converted(month, work / "focus")
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)
    return {
        "lines": month.lines,
        "bill_mb": round(month.bill.stat().st_size / 1_000_000),
        "import_allocate_s": perunit["import_allocate_s"],
        "peak_rss_mb": perunit["peak_rss_mb"],
        "ratio_to_bare": round(bare["seconds"] / perunit["import_allocate_s"], 3),
        "sum": bare["sum"],
        "sum_kept": Decimal(perunit["billed"]) == Decimal(bare["sum"]),
        "conserved": Decimal(perunit["allocated"]) == Decimal(bare["sum"]),
        "bare": bare,
        "perunit": perunit,
        "focus_converter": peer,
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
    }


def _bare(month: InvoiceMonth, work: Path) -> Figures:
    warm_up("bench.peers.bare_bill")
    done = run_module("bench.peers.bare_bill", month.bill, work / "bare.duckdb")
    return {"seconds": round(done.seconds, 2), "peak_rss_mb": round(done.peak_rss_mb), "sum": done.answer["sum"]}


def _perunit(month: InvoiceMonth, project: Path) -> Figures:
    warm_up("perunit.wiring", "perunit.faces.cli.main", "perunit.faces.cli.bills", "perunit.faces.cli.ingest")
    month.project_at(project)
    ingested = _verb(project, "ingest")
    imported = _verb(project, "bills", "import", month.bill)
    again = _verb(project, "bills", "import", month.bill)
    shares = imported.answer["allocation"]
    return {
        "ingest_s": round(ingested.seconds, 2),
        "usage_rows": sum(file["accepted"] for file in ingested.answer["files"]),
        "import_allocate_s": round(imported.seconds, 2),
        "import_again_s": round(again.seconds, 2),
        "again": again.answer["bills"][0]["status"],
        "peak_rss_mb": round(imported.peak_rss_mb),
        "billed": str(sum(Decimal(bill["billed_cost"]) for bill in imported.answer["bills"])),
        "allocated": str(sum(Decimal(share["billed_cost"]) for share in shares)),
        "parts": sum(share["parts"] for share in shares),
        "by_kind": _by_kind(shares),
    }


def _by_kind(shares: list[Figures]) -> dict[str, str]:
    sums: dict[str, Decimal] = {}
    for share in shares:
        sums[share["kind"]] = sums.get(share["kind"], Decimal(0)) + Decimal(share["billed_cost"])
    return {kind: str(amount) for kind, amount in sorted(sums.items())}


def _verb(project: Path, *words: object) -> Run:
    return run([str(Path(sys.executable).parent / "perunit"), "-C", str(project), "--json", *map(str, words)])


def _converted(month: InvoiceMonth, out: Path) -> Figures:
    if converter() is None:
        return {"skipped": "focus-converter cannot be installed here"}
    try:
        done = run_module("bench.peers.focus_converter_way", month.bill, out)
    except CommandFailedError as error:
        return {"skipped": f"failed: {str(error).strip().splitlines()[-1]}"}
    return {"seconds": round(done.seconds, 2), "peak_rss_mb": round(done.peak_rss_mb), **done.answer}


def _shown(figures: Figures) -> str:
    perunit, bare, peer = figures["perunit"], figures["bare"], figures["focus_converter"]
    rows = [
        ("bill", f"{figures['lines']:,} lines, {figures['bill_mb']:,} MB; {perunit['usage_rows']:,} usage rows"),
        ("bare DuckDB reads and sums", f"{bare['seconds']} s, {bare['peak_rss_mb']:,} MB"),
        ("perunit imports and allocates", f"{perunit['import_allocate_s']} s (goal ≤ {_SECONDS_MAX}), "
         f"{perunit['peak_rss_mb']:,} MB (goal ≤ {_MB_MAX:,}), {perunit['parts']:,} parts"),
        ("the same file again", f"{perunit['import_again_s']} s, {perunit['again']}"),
        ("ratio to bare DuckDB", str(figures["ratio_to_bare"])),
        ("Σ kept, conserved", f"{figures['sum_kept']}, {figures['conserved']}"),
    ]  # fmt: skip
    if "seconds" in peer:
        off = Decimal(peer["sum"]) - Decimal(figures["sum"])
        rows.append(
            ("focus-converter, to FOCUS only", f"{peer['seconds']} s, {peer['peak_rss_mb']:,} MB, Σ off by {off}")
        )
    elif peer:
        rows.append(("focus-converter", peer["skipped"]))
    return "\n".join(f"{name:32}{text}" for name, text in rows)


def main(arguments: list[str] | None = None) -> int:
    """Prints the table and the line of JSON; 1 where a sum is not kept."""
    figures = measured(_options(arguments))
    print(_shown(figures))
    print(json.dumps(figures))
    return 0 if figures["sum_kept"] and figures["conserved"] else 1


if __name__ == "__main__":
    sys.exit(main())
