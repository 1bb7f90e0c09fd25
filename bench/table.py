"""Shows the figures to a person. Enters: what was measured. Leaves: text of at most a screen or two."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["shown"]

Figures = dict[str, Any]

_GOALS = (
    ("events/s, file to queryable", "events_per_s", "≥", 250_000),
    ("ratio to bare DuckDB's reading", "ratio_to_bare", "≥", 0.5),
    ("recompute ÷ bare GROUP BYs", "recompute_ratio", "≤", 3),
    ("standard queries, p95 ms", "query_p95_ms", "≤", 100),
    ("peak RSS, MB", "peak_rss_mb", "≤", 2_000),
    ("cells that differ from the truth", "error", "=", 0),
)
# What each way does, of what perunit does; in the order of the columns.
_WAYS = ("perunit", "pandas", "postgres", "chdb")
_DOES = (
    ("duplicates dropped by (source, id)", "yes", "yes", "yes", "yes"),
    ("duplicates counted by day and segment", "yes", "no", "no", "no"),
    ("conflicts found, kept and counted", "yes", "no", "no", "no"),
    ("lines checked against a JSON Schema, rejects kept", "yes", "no", "no", "no"),
    ("late events and orphans counted", "yes", "no", "no", "no"),
    ("dated prices", "yes", "yes", "yes", "yes"),
    ("bills allocated, restatements kept", "yes", "no", "no", "no"),
    ("a single order's receipt", "yes", "no", "no", "no"),
    ("latency histograms, unit-days", "yes", "no", "no", "no"),
    ("P&L follows late events by itself", "yes", "no", "no", "no"),
    ("run again on the same files, nothing changes", "yes", "starts over", "yes", "yes"),
)


def shown(figures: Figures) -> str:
    """The goals, then perunit in detail, then the peers."""
    parts = (_goals(figures), _detail(figures), _peers(figures), _does() if figures["peers"] else "")
    return "\n\n".join(part for part in parts if part) + "\n"


def _goals(figures: Figures) -> str:
    rows = [("goal", "measured", "must be", "")]
    for text, name, relation, goal in _GOALS:
        value = figures[name]
        met = {"≥": value >= goal, "≤": value <= goal, "=": value == goal}[relation]
        rows.append((text, _number(value), f"{relation} {_number(goal)}", "met" if met else "missed"))
    return f"{figures['events']:,} events ({figures['unique_events']:,} unique)\n" + _aligned(rows)


def _detail(figures: Figures) -> str:
    bare, own = figures["bare"], figures["perunit"]
    rows = [
        ("", "bare DuckDB", "perunit"),
        ("reading, s", _number(bare["load_s"]), _number(own["load_s"])),
        ("reading, events/s", _number(bare["events_per_s"]), _number(own["events_per_s"])),
        ("GROUP BYs / recompute, s", _number(bare["group_s"]), _number(own["recompute_s"])),
        ("bills, s", "", _number(own["bills_s"])),
        ("peak RSS, MB", _number(bare["peak_rss_mb"]), _number(own["peak_rss_mb"])),
        ("database, MB", _number(bare["file_mb"]), _number(own["file_mb"])),
    ]
    counts = ", ".join(f"{name} {count:,}" for name, count in own["counts"].items())
    queries = own["queries"]
    lines = [
        _aligned(rows),
        f"counts: {counts}",
        f"queries: p50 {queries['p50']} ms, p95 {queries['p95']} ms, p99 {queries['p99']} ms of {queries['runs']} runs",
        *(f"  {took:>8} ms  {name}" for name, took in queries["median_ms"].items()),
        f"truth: {figures['cells']:,} cells compared, {figures['error']:,} differ",
    ]
    if figures["first_difference"]:
        lines.append(f"  first: {figures['first_difference']}")
        wrong = own["after_ingest"]["figures"] | own["after_recompute"]["figures"]
        lines += [f"  {count:>8,}  {name}" for name, count in wrong.items()]
    return "\n".join(lines)


def _peers(figures: Figures) -> str:
    rows: list[tuple[str, ...]] = [
        ("daily P&L by segment", "events", "events/s", "query ms", "peak MB", "cells wrong", "largest error")
    ]
    notes = []
    for name, peer in figures["peers"].items():
        if reason := peer.get("skipped"):
            notes.append(f"{name}: skipped, {reason}")
            continue
        measured = (peer[key] for key in ("events", "events_per_s", "query_ms", "peak_rss_mb"))
        wrong = f"{peer['error']:,} of {peer['cells']:,}"
        rows.append((name, *map(_number, measured), wrong, f"{Decimal(peer['error_largest']):.2g}"))
    table = [_aligned(rows)] if len(rows) > 1 else []
    return "\n".join([*table, *notes])


def _does() -> str:
    return _aligned([("what it does", *_WAYS), *_DOES])


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
