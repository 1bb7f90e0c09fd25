"""The order of things, written only here: files become facts, facts become sums, sums are priced and allocated.

Each group of rows is one transaction from staging to rollups, so whatever ends the process, the store holds whole
groups, and the next run goes on where this one stopped.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING

import duckdb

from perunit.contract.stripe import STRIPE
from perunit.economics.attribute import AllocationReport, allocate, carried_ids, read_report
from perunit.economics.fx import FxImport, import_rates
from perunit.economics.price.books import sync_books
from perunit.economics.price.tiers import charge_tiers
from perunit.economics.reconcile import cover_costs
from perunit.economics.rollup.compact import compact
from perunit.economics.rollup.compute import Scope, append, prepare, remove
from perunit.economics.verify import Finding, check_derived, check_facts
from perunit.facts.bills.columns import charge_columns, vendor_columns
from perunit.facts.bills.faults import StatementError
from perunit.facts.bills.importing import BillResult, import_bill
from perunit.facts.bills.statements import StatementResult, import_statements
from perunit.facts.cells import pin_values
from perunit.facts.cloudevents import plan_cloudevents
from perunit.facts.deliveries import compact_deliveries
from perunit.facts.fields import SAMPLE_ROWS, keep_fields
from perunit.facts.files import Group, Opened, open_json_batch, open_lines, open_source
from perunit.facts.load import Batch, Counts, load_group, seen_before, stage_group
from perunit.facts.privacy.agreement import agree, sealer_of
from perunit.facts.privacy.billed import billed_ids, with_stated_pseudonyms
from perunit.facts.privacy.pseudonyms import protected
from perunit.facts.privacy.scanning import scanned
from perunit.facts.privacy.seals import seals_of
from perunit.facts.quarantine import Selection, groups_to_replay, mark_replayed
from perunit.facts.staging import Names
from perunit.facts.stripe_files import learn_charges, open_stripe
from perunit.facts.tables import plan_lines, plan_source
from perunit.measures.closing import unbridged
from perunit.measures.restated import Restatement, restated, since_when, unreproduced
from perunit.model.errors import InputError, UsageError
from perunit.model.window import naive
from perunit.store.past import attach_past, detach_past
from perunit.store.progress import (
    is_stale,
    mark,
    marked,
    note_all_summed,
    note_change,
    note_summed,
    unmark,
    unsummed,
)  # fmt: skip

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.contract.project import Project
    from perunit.engine.duckdb import Engine
    from perunit.facts.privacy.billed import BilledIds
    from perunit.facts.staging import Plan
    from perunit.model.window import Clock, Window

__all__ = [
    "CLOUDEVENTS",
    "FileReport",
    "Progress",
    "align",
    "aware",
    "batch_of",
    "compact",
    "compute_anew",
    "import_bills",
    "import_fx",
    "ingest",
    "known_at",
    "look_back",
    "names_of",
    "newest_event",
    "planner_of",
    "recompute",
    "refresh",
    "replay",
    "restatements",
    "settle",
    "start",
    "sum_up",
    "unknown_source",
    "verify",
]

Progress = Callable[[str, int, int], None]
CLOUDEVENTS = "cloudevents"
_COUNTED = ("received", "accepted", "duplicate", "conflict", "rejected", "orphan", "late", "blank", "ignored")


@dataclass(slots=True)
class FileReport:
    """What became of one file; `already` counts rows of groups that an earlier run had committed."""

    source: str
    file: str
    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    conflict: int = 0
    rejected: int = 0
    orphan: int = 0
    late: int = 0
    blank: int = 0
    ignored: int = 0
    already: int = 0
    batches: list[int] = field(default_factory=list)

    def add(self, counts: Counts) -> None:
        """Counts one more group."""
        for name in _COUNTED:
            setattr(self, name, getattr(self, name) + getattr(counts, name))
        self.batches.append(counts.batch_id)


def names_of(engine: Engine, project: Project) -> Names:
    """The contract's names with the bits the store gave them."""
    bits = dict(engine.rows("SELECT unit_type, bit FROM unit_types ORDER BY bit"))
    contract = project.contract
    return Names({unit: bits[unit] for unit in contract.units}, contract.dimensions(), contract.meter_names())


def ingest(
    project: Project,
    engine: Engine,
    files: Iterable[tuple[str, Path]],
    *,
    clock: Clock,
    progress: Progress | None = None,
) -> list[FileReport]:
    """Ingests files of (source, path), where the source is one of the contract's or ``cloudevents``.

    Raises InputError for a file that cannot be read; files before it stay ingested.
    """
    names = names_of(engine, project)
    start(project, engine, clock)
    run_id = uuid.uuid4().hex
    reports = []
    files = list(files)
    try:
        _learn_charges(project, engine, files)
        for source, path in files:
            reports.append(_ingest_file(project, engine, names, source, path, run_id, clock, progress))
    finally:
        settle(project, engine)
    return reports


def _learn_charges(project: Project, engine: Engine, files: list[tuple[str, Path]]) -> None:
    """What Stripe's files say of charges comes first, because a file of refunds may stand before that of charges."""
    for source, path in files:
        part = project.contract.sources.get(source)
        if part and part.format == STRIPE:
            learn_charges(engine, path, project.contract.stripe, seals_of(project))


def start(project: Project, engine: Engine, clock: Clock) -> None:
    """Brings the store in line with what is written, and does what is left to be done."""
    align(project, engine, clock)
    settle(project, engine)


def align(project: Project, engine: Engine, clock: Clock) -> None:
    """Brings the store in line with the price books, notes what is to be done for that, and prepares the engine."""
    agree(project, engine)
    with engine.transaction():
        changed = sync_books(engine, project.eligible_books, clock())
        names = names_of(engine, project)
        if pin_values(engine, names, project.contract.segments.limit) or changed:
            note_change(engine)
    prepare(engine)
    compact_deliveries(engine, clock())
    _notice_rules(project, engine)


def _notice_rules(project: Project, engine: Engine) -> None:
    """Has bills allocated again where the rules are not those they were allocated by; what rules newly say is an id of
    their lines is hidden first.
    """
    rules = project.contract.model_dump_json(include={"allocation", "units", "meters", "currency", "fx"})
    digest = hashlib.sha256(rules.encode()).hexdigest()
    if engine.value("SELECT value FROM store_state WHERE key = 'allocation_rules'") != digest:
        with engine.transaction():
            engine.execute(
                "INSERT OR REPLACE INTO store_state VALUES ('allocation_rules', $digest)", {"digest": digest}
            )
            if hiding := _billed_ids(project):
                hiding.hide_stored(engine)
            mark(engine, "unallocated")


def settle(project: Project, engine: Engine) -> None:
    """Does what is left to be done: sums are brought up to date, and bills allocated over new usage."""
    sum_up(project, engine)
    if "unallocated" in marked(engine):
        refresh(project, engine)
        unmark(engine, "unallocated")


def sum_up(project: Project, engine: Engine) -> bool:
    """Brings the sums up to the facts: what came is added, or all is computed anew where a change asks for it.

    Returns whether anything was done. Facts may be committed by another connection meanwhile.
    """
    if is_stale(engine):
        recompute(project, engine)
        return True
    # Another connection may have changed prices since, and with them where windows are cut.
    prepare(engine)
    with engine.transaction():
        return _sum_fresh(project, engine, names_of(engine, project))


def _ingest_file(
    project: Project,
    engine: Engine,
    names: Names,
    source: str,
    path: Path,
    run_id: str,
    clock: Clock,
    progress: Progress | None,
) -> FileReport:
    opened = _open(project, engine, source, path)
    planner = planner_of(project, names, source, opened, clock())
    report = FileReport(source, path.name)
    before = engine.value("SELECT coalesce(max(batch_id), 0) + 1 FROM batches")
    for group in opened.groups:
        if (batch := seen_before(engine, source, group)) is not None:
            report.already += batch["received"]
            # A file that goes on where it was interrupted is judged by what came before its first group.
            before = min(before, batch["batch_id"])
        else:
            came = batch_of(project, run_id, source, path.name, clock(), newest_event(engine, source, before))
            plan = stage_group(engine, group, planner)
            with engine.transaction():
                counts = _load(project, engine, names, group, came, plan)
                _sample(engine, source, opened, counts, came.ingested_at)
            report.add(counts)
        if progress:
            progress(path.name, group.done, opened.total)
    return report


def _sample(engine: Engine, source: str, opened: Opened, counts: Counts, at: datetime) -> None:
    """Counts which fields the group that was loaded last has."""
    values = {"step": max(1, counts.received // SAMPLE_ROWS), "most": SAMPLE_ROWS}
    some = engine.arrow("SELECT * FROM incoming WHERE position % $step = 0 ORDER BY position LIMIT $most", values)
    keep_fields(engine, source, some, None, at, opened.columns if opened.text else None)


# Beyond the number of any batch.
_EVERY_BATCH = 2**31 - 1


def unknown_source(project: Project, source: str) -> str:
    """What is said of a source that the contract does not have."""
    known = ", ".join(project.contract.sources) or "none"
    return f"source {source!r} is not in perunit.yaml (it has {known}); correct the name or add it"


def newest_event(engine: Engine, source: str, before: int = _EVERY_BATCH) -> datetime | None:
    """The time of the newest event of a source, in the batches before one where that is given."""
    newest = engine.value(
        "SELECT max(watermark) FROM batches WHERE source = $source AND batch_id < $before",
        {"source": source, "before": before},
    )
    return aware(newest)


def aware(stored: datetime | None) -> datetime | None:
    """An instant of the store as Python has it."""
    return stored.replace(tzinfo=UTC) if stored else None


def batch_of(
    project: Project, run_id: str, source: str, file_name: str, now: datetime, watermark: datetime | None
) -> Batch:
    """Where a group comes from and by which limits it is judged."""
    limits, segments = project.contract.limits, project.contract.segments
    return Batch(run_id, source, file_name, now, watermark, limits.late_after_hours, segments.limit)


def _load(project: Project, engine: Engine, names: Names, group: Group, batch: Batch, plan: Plan) -> Counts:
    """One group from staged rows to sums; the caller holds the transaction."""
    counts = load_group(engine, names, group, batch, plan)
    if counts.guard_changed:
        note_change(engine)
    _sum_fresh(project, engine, names)
    return counts


def _sum_fresh(project: Project, engine: Engine, names: Names) -> bool:
    """Adds to the sums what batches have brought that no sum holds; whether there was any.

    The caller holds the transaction.
    """
    summed, last = unsummed(engine)
    if summed == last:
        return False
    with _fitting():
        append(engine, project.contract, names.unit_bits, Scope(batches=(summed, last)))
    note_summed(engine, last)
    mark(engine, "unallocated")
    return True


def replay(project: Project, engine: Engine, selection: Selection, *, clock: Clock) -> list[FileReport]:
    """Loads quarantined rows again under the contract of today; what is refused once more is quarantined anew."""
    names = names_of(engine, project)
    run_id = uuid.uuid4().hex
    reports = []
    for source, ids, opened in groups_to_replay(engine, selection, sealer_of(project)):
        planner = planner_of(project, names, source, opened, clock())
        report = FileReport(source, "quarantine")
        for group in opened.groups:
            batch = batch_of(project, run_id, source, "quarantine", clock(), None)
            plan = stage_group(engine, group, planner)
            with engine.transaction():
                counts = _load(project, engine, names, group, batch, plan)
                mark_replayed(engine, ids, counts.batch_id)
            report.add(counts)
        reports.append(report)
    settle(project, engine)
    return reports


def _open(project: Project, engine: Engine, source: str, path: Path) -> Opened:
    if source != CLOUDEVENTS:
        if source not in project.contract.sources:
            raise UsageError(unknown_source(project, source))
        part = project.contract.sources[source]
        if part.format == STRIPE:
            return open_stripe(path, project.contract.stripe, seals_of(project))
        return open_source(engine, path, part)
    if not path.is_file() or path.stat().st_size == 0:
        reason = "is empty" if path.is_file() else "is no file"
        raise InputError(f"{path}: {reason}; name a file with one CloudEvent a line")
    is_document = path.name.removesuffix(".gz").removesuffix(".zst").endswith(".json")
    return open_json_batch(path) if is_document else open_lines(path)


def planner_of(project: Project, names: Names, source: str, opened: Opened, now: datetime) -> Callable[[bool], Plan]:
    """Makes the plan of a file, once for all its groups."""

    @cache
    def plan(careful: bool) -> Plan:
        return protected(project, scanned(bare(careful), project.contract.privacy))

    def bare(careful: bool) -> Plan:
        if source == CLOUDEVENTS:
            return plan_cloudevents(project, names, now, careful=careful)
        if not opened.columns:
            return plan_lines(project, source, names, now, careful=careful)
        return plan_source(project, source, names, opened.columns, now, text=opened.text, careful=careful)

    return plan


def import_bills(
    project: Project,
    engine: Engine,
    paths: Iterable[Path],
    *,
    source: str | None = None,
    expected: str = "auto",
    replacing: int | None = None,
    clock: Clock,
    progress: Callable[[str], None] | None = None,
) -> tuple[list[BillResult | StatementResult], AllocationReport]:
    """Imports bill files one by one and allocates what is in force then; a file is in the store whole or not at all.

    A file of invoices or billing periods is kept as what its issuer states. A `source` that the contract has under
    `bills` is read by its mapping. `replacing`: the bill whose place the one file takes.
    Raises InputError or ConfigurationError for the first file that is refused; files before it stay imported.
    """
    results: list[BillResult | StatementResult] = []
    vendor = project.contract.bills.get(source) if source else None
    columns = vendor_columns(str(source), vendor, project.contract.currency) if vendor else charge_columns(expected)
    hiding = _billed_ids(project)
    waiting = marked(engine)
    mark(engine, "unallocated")
    try:
        for path in paths:
            try:
                results += import_bill(
                    *(engine, path),
                    bill_source=source,
                    columns=columns,
                    replacing=replacing,
                    hiding=hiding,
                    clock=clock,
                    progress=progress,
                )
            except StatementError as found:
                if path.is_dir() or replacing is not None or expected not in {"auto", "focus"}:
                    raise
                results += import_statements(engine, path, found.dataset, clock=clock)
        if "unallocated" not in waiting and all(result.status == "unchanged" for result in results):
            # Nothing came, so nothing is to be allocated; a process killed before this allocates once for nothing.
            unmark(engine, "unallocated")
    finally:
        settle(project, engine)
    return results, read_report(engine)


def _billed_ids(project: Project) -> BilledIds | None:
    """How ids are hidden that rules find in bill lines."""
    return billed_ids(project, carried_ids(project.contract, project.contract.privacy.pseudonymize))


def import_fx(project: Project, engine: Engine, paths: Iterable[Path], *, clock: Clock) -> list[FxImport]:
    """Takes files of reference rates in, each whole or not at all, and allocates anew where one changed something.

    Raises InputError for the first file that is refused; files before it stay imported.
    """
    waiting = marked(engine)
    # Rates may be weights of an allocation; see import_bills for the order.
    mark(engine, "unallocated")
    try:
        found = [import_rates(engine, path, clock) for path in paths]
        if "unallocated" not in waiting and not any(each.added or each.revised for each in found):
            unmark(engine, "unallocated")
    finally:
        settle(project, engine)
    return found


@contextmanager
def _fitting() -> Iterator[None]:
    """Around sums and products: what no column can hold is a fault of the data or of a price, not a bug."""
    try:
        yield
    except duckdb.OutOfRangeException as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"a quantity times its price has more than 14 digits ({reason}); correct either") from error


def compute_anew(project: Project, engine: Engine, window: Window | None = None) -> None:
    """Computes rollups, prices and allocations anew from the facts: all of them, or those of the days of `window`.

    When and where units open depends on all facts, so a window leaves that as it is.
    """
    recompute(project, engine, _whole_days(window) if window else Scope())
    settle(project, engine)


def _whole_days(window: Window) -> Scope:
    day = timedelta(days=1)
    start = naive(window.start).replace(hour=0, minute=0, second=0, microsecond=0) if window.start else None
    end = naive(window.end) if window.end else None
    if end is not None and end.time() != time():
        end = end.replace(hour=0, minute=0, second=0, microsecond=0) + day
    return Scope(start, end)


def recompute(project: Project, engine: Engine, scope: Scope | None = None) -> None:
    """Computes the rollups of a scope (every one by default) anew from the facts, in one transaction."""
    prepare(engine)
    scope = scope or Scope()
    names = names_of(engine, project)
    with engine.transaction():
        if scope != Scope():
            _sum_fresh(project, engine, names)
        remove(engine, scope)
        with _fitting():
            append(engine, project.contract, names.unit_bits, scope)
        if scope == Scope():
            note_all_summed(engine)
        mark(engine, "unallocated")


def refresh(project: Project, engine: Engine) -> None:
    """Charges what is priced by volume and allocates the bills in force, over the usage now known."""
    charge_tiers(engine)
    allocate(engine, with_stated_pseudonyms(project))
    cover_costs(engine)


def look_back(project: Project, engine: Engine, at: datetime) -> str:
    """Lets the engine's tables mean what was known at `at`: the same computation over the facts known then.

    Gives the name of the database that holds them.
    """
    past = attach_past(engine, at, project.contract.dimensions())
    names = names_of(engine, project)
    with engine.transaction():
        pin_values(engine, names, project.contract.segments.limit)
        prepare(engine)
        append(engine, project.contract, names.unit_bits, Scope())
    refresh(project, engine)
    return past


@contextmanager
def known_at(project: Project, engine: Engine, at: datetime) -> Iterator[None]:
    """Within it the engine's tables mean what was known at `at`; afterwards the store's own again."""
    own = engine.value("SELECT current_database()")
    past = look_back(project, engine, at)
    try:
        yield
    finally:
        detach_past(engine, own, past)


def restatements(
    project: Project,
    engine: Engine,
    window: Window | None,
    since: datetime | None,
    progress: Callable[[str], None] | None = None,
) -> list[Restatement]:
    """What came after a period was locked, or after `since`, and what each change did to the period's figures."""

    def looking_back(at: datetime) -> AbstractContextManager[None]:
        if progress:
            progress(f"looking back to {at:%Y-%m-%d %H:%M:%S}")
        return known_at(project, engine, at)

    compared = since_when(engine, window, since)
    return [found for each in compared for found in restated(engine, project.contract, each, looking_back)]


# Whatever a clock said that jumped, all that the store holds was known by then.
_AT_LAST = datetime(9999, 1, 1, tzinfo=UTC)


def verify(project: Project, engine: Engine) -> list[Finding]:
    """Checks every invariant, the derived tables against the same facts summed anew."""
    settle(project, engine)
    findings = check_facts(engine)
    own = engine.value("SELECT current_database()")
    past = look_back(project, engine, _AT_LAST)
    findings += check_derived(engine, own, past)
    detach_past(engine, own, past)
    bridge = unbridged(engine, project.contract)
    findings.append(Finding("conservation", "the steps of every bridge sum from computed cost to the invoice", bridge))
    lock = unreproduced(engine, project.contract, lambda at: known_at(project, engine, at))
    return [*findings, Finding("as of", "the figures of every lock come out again as of its time", lock)]
