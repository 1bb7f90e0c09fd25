"""The guide to Stripe: its files, taken in, give what it says."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.docs.test_docs import page, perunit, written_out

if TYPE_CHECKING:
    from pathlib import Path


def figures(folder: Path, *words: str) -> dict[str, tuple[Decimal, ...]]:
    """Month (booked, or of the charge) → revenue, refunds and fees."""
    window = ("--from", "2026-09-01", "--to", "2026-11-01")
    rows = perunit(folder, "query", "gross_revenue", "refunds", "fees", *window, *words)["rows"]
    return {
        (row.get("charge_month") or row["month"][:7]): tuple(
            Decimal(row[name] or 0) for name in ("gross_revenue", "refunds", "fees")
        )
        for row in rows
    }


def test_the_files_of_the_guide_are_taken_in_and_linked(tmp_path: Path) -> None:
    """A refund ten days later and a fee belong to the order of the charge, though they stand before it."""
    folder = written_out(page("doors/stripe.md"), tmp_path)
    (report,) = perunit(folder, "ingest", str(folder / "exports"), "--as", "stripe")["files"]
    assert (report["accepted"], report["orphan"]) == (3, 0)
    receipt = perunit(folder, "receipt", "order", "A-1")
    told = {each["id"]: each["event_time"][:10] for each in receipt["events"]}
    assert told == {"ch_1": "2026-09-01", "re_1": "2026-09-11", "txn_1:fee": "2026-09-01"}


def test_what_comes_later_changes_no_closed_window_and_adjusts_the_charges_month(tmp_path: Path) -> None:
    """A refund in the next month leaves the month of the charge as it was; by the charge's month both are told."""
    folder = written_out(page("doors/stripe.md"), tmp_path)
    objects = folder / "exports" / "objects.json"
    perunit(folder, "ingest", str(folder / "exports"), "--as", "stripe")
    before = figures(folder, "--grain", "month")
    later = '{"object": "refund", "id": "re_2", "amount": 500, "currency": "usd", "charge": "ch_1", '
    objects.with_name("later.json").write_text(later + '"status": "succeeded", "created": 1790850600}')
    perunit(folder, "ingest", str(folder / "exports"), "--as", "stripe")
    after = figures(folder, "--grain", "month")
    assert after["2026-09"] == before["2026-09"] == (50, 20, Decimal("1.75"))
    assert after["2026-10"] == (0, 5, 0)
    assert figures(folder, "--by", "charge_month") == {"2026-09": (50, 25, Decimal("1.75"))}
    told = [each["id"] for each in perunit(folder, "receipt", "order", "A-1")["events"]]
    assert sorted(told) == ["ch_1", "re_1", "re_2", "txn_1:fee"]
