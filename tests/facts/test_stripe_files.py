"""Export files of Stripe: tables and JSON of the same objects give the same facts, and the totals are exact."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.facts.doors.stripe_events import balance_transaction, charge, dispute, event, refund
from tests.facts.said import refusals
from tests.invariants.company import Company

from perunit import pipeline
from perunit.contract.shape import Contract
from perunit.contract.stripe import with_stripe
from perunit.facts.doors.stripe_tables import reader_of
from perunit.model.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from perunit.pipeline import FileReport

CONTRACT = {
    "version": 1,
    "currency": "USD",
    "units": {"order": {"owner": "shop", "key": "order_id", "parent": "user"}, "user": {"owner": "x", "key": "u"}},
    "stripe": {
        "units": {"order": "metadata['order_id']", "user": "customer"},
        "segments": {"charge_month": "strftime(charged_at, '%Y-%m')"},
    },
}
SUMS = "SELECT id, unit_order, unit_user, revenue, refund, fee, currency, segment_charge_month FROM events"


def shop(folder: Path, **stripe: Any) -> Company:
    """A shop that takes its revenue from Stripe, its store in memory."""
    contract = with_stripe(Contract.model_validate(CONTRACT | {"stripe": {**CONTRACT["stripe"], **stripe}}))
    return Company(folder, contract)


def taken_in(company: Company, *paths: Path) -> list[FileReport]:
    """What became of files of Stripe's."""
    files = [("stripe", path) for path in paths]
    return pipeline.ingest(company.project(), company.engine, files, clock=late_clock)


def late_clock() -> datetime:
    """A clock after everything that the files tell of."""
    return datetime(2027, 1, 1, tzinfo=UTC)


def facts(company: Company) -> list[tuple[Any, ...]]:
    """Every fact that was accepted."""
    return company.engine.rows(f"{SUMS} JOIN cells USING (cell_id) ORDER BY id")


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A CSV file of rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


CHARGES = [charge(1), charge(2, 1234, currency="eur"), charge(3, 700, status="failed", captured=False)]
OTHERS = [refund(1, 1500), refund(2, 500), dispute(of=2), balance_transaction("txn_9", 5000, 175, "ch_1", "charge")]
TOLD = [
    ("ch_1", "A1", "cus_1", Decimal(50), None, None, "USD", "2026-09"),
    ("ch_2", "A2", "cus_1", Decimal("12.34"), None, None, "EUR", "2026-09"),
    ("ch_3", "A3", "cus_1", None, None, None, "USD", "2026-09"),
    ("re_1", "A1", "cus_1", None, Decimal(15), None, "USD", "2026-09"),
    ("re_2", "A1", "cus_1", None, Decimal(5), None, "USD", "2026-09"),
    ("txn_9:fee", "A1", "cus_1", None, None, Decimal("1.75"), "USD", "2026-09"),
    ("txn_du1", "A2", "cus_1", None, Decimal(50), None, "USD", "2026-09"),
    ("txn_du1:fee", "A2", "cus_1", None, None, Decimal(15), "USD", "2026-09"),
]


@pytest.mark.parametrize("shape", ["lines", "array", "list", "events", "gzip"])
def test_json_of_any_shape_gives_the_same_facts(tmp_path: Path, shape: str) -> None:
    """Lines, an array, the API's list, events; what follows a charge belongs to its unit though it stands first."""
    things = [*OTHERS, *CHARGES]
    brings = {"charge": "charge.succeeded", "refund": "refund.created", "dispute": "charge.dispute.created"}
    texts = {
        "lines": "\n".join(json.dumps(thing) for thing in things) + "\n\n",
        "array": json.dumps(things, indent=1),
        "list": json.dumps({"object": "list", "has_more": False, "data": things}),
        "events": "\n".join(
            json.dumps(event(brings[thing["object"]], thing) if thing["object"] in brings else thing)
            for thing in things
        ),
    }
    path = tmp_path / "export"
    raw = texts.get(shape, texts["lines"]).encode()
    path.write_bytes(gzip.compress(raw) if shape == "gzip" else raw)
    company = shop(tmp_path)
    (report,) = taken_in(company, path)
    assert (report.received, report.accepted, report.orphan) == (8, 8, 0)
    assert facts(company) == sorted(TOLD)


def api_rows(things: list[dict[str, Any]], **renamed: str) -> list[dict[str, Any]]:
    """Objects as the rows of an exporter's table."""
    return [
        {
            renamed.get(name, name): json.dumps(value) if isinstance(value, dict) else value
            for name, value in thing.items()
            if name != "object"
        }
        for thing in things
    ]


def test_tables_give_the_facts_of_their_objects(tmp_path: Path) -> None:
    """Tables of the API's fields, ``charge_id`` for ``charge``, in any order; taken in twice they add nothing."""
    refunds = written(tmp_path / "a_refunds.csv", api_rows(OTHERS[:2], charge="charge_id"))
    charges = written(tmp_path / "b_charges.csv", api_rows(CHARGES))
    fees = written(tmp_path / "c_balance.csv", api_rows(OTHERS[3:]))
    company = shop(tmp_path)
    reports = taken_in(company, refunds, charges, fees)
    assert [report.accepted for report in reports] == [2, 3, 1]
    assert facts(company) == sorted(row for row in TOLD if not row[0].startswith("txn_du"))
    assert [report.already for report in taken_in(company, charges)] == [3]
    again = written(tmp_path / "again.csv", [*api_rows(CHARGES[1:])])
    assert [report.duplicate for report in taken_in(company, again)] == [2]


def test_a_balance_report_is_in_major_units(tmp_path: Path) -> None:
    """The same fee and dispute as the API tells, with the payment's metadata in columns of their own."""
    rows = [
        {
            "balance_transaction_id": id_, "created_utc": created, "currency": "usd", "gross": gross, "fee": fee,
            "net": "0", "reporting_category": category, "source_id": source, "charge_id": of, "customer_id": "cus_1",
            "payment_metadata[order_id]": f"A{of[-1:]}",
        }
        for id_, created, gross, fee, category, source, of in [
            ("txn_9", "2026-09-01 11:00:00", "50.00", "1.75", "charge", "ch_1", "ch_1"),
            ("txn_du1", "2026-09-21 10:00:00", "-50,00", "15.00", "dispute", "du_1", "ch_2"),
            ("txn_po", "2026-09-22 10:00:00", "-1,234.56", "0.00", "payout", "po_1", ""),
        ]
    ]  # fmt: skip
    company = shop(tmp_path)
    (report,) = taken_in(company, written(tmp_path / "report.csv", rows))
    assert report.accepted == 3
    unknown = [(*row[:-1], None) for row in TOLD if row[0].startswith("txn")]
    assert facts(company) == sorted(unknown)


def test_the_dashboards_export_gives_its_charges(tmp_path: Path) -> None:
    """Its amounts are in major units, and what failed is an attempt."""
    row = {
        "id": "ch_1", "Created date (UTC)": "2026-09-01 10:00:00", "Amount": "50.00", "Currency": "usd",
        "Captured": "true", "Status": "Paid", "Customer ID": "cus_1", "order_id (metadata)": "A1",
    }  # fmt: skip
    rows = [row, row | {"id": "ch_3", "Amount": "7.00", "Status": "Failed", "order_id (metadata)": "A3"}]
    company = shop(tmp_path)
    taken_in(company, written(tmp_path / "payments.csv", rows))
    assert facts(company) == [TOLD[0], TOLD[2]]


def test_what_cannot_be_read_is_refused_row_by_row(tmp_path: Path) -> None:
    """The other rows count; the refused one is kept with what it was."""
    company = shop(tmp_path)
    rows = api_rows([charge(1), charge(2, amount_captured="12,5")])
    (report,) = taken_in(company, written(tmp_path / "charges.csv", rows))
    assert (report.accepted, report.rejected) == (1, 1)
    ((position, rule, place, got, _),) = refusals(company.engine)
    assert (position, rule, place) == (1, "stripe", "line")
    assert got.startswith("charge amount_captured: got '12,5', must be a whole number of minor units")
    assert "ch_2" in company.engine.value("SELECT raw FROM quarantine")


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "id,amount\r\n\x00\n"])
def test_a_file_that_is_none_of_stripes_is_refused_whole(tmp_path: Path, content: str) -> None:
    """With what it should have been."""
    path = tmp_path / "x.csv"
    path.write_text(content)
    with pytest.raises(InputError, match="export"):
        taken_in(shop(tmp_path), path)


@given(st.lists(st.text(max_size=12), max_size=8), st.lists(st.text(max_size=12), max_size=8))
@settings(max_examples=200)
def test_no_table_breaks_a_reader(more: list[str], cells: list[str]) -> None:
    """Whatever stands in a header or a cell, a reader gives an object to judge."""
    for header in (
        ["id", "amount", "captured", "amount_refunded", "created", "currency", "metadata", *more],
        ["balance_transaction_id", "reporting_category", "gross", "fee", "currency", "created", *more],
        ["id", "Created (UTC)", "Amount", "Currency", *more],
    ):
        reader = reader_of(header)
        assert reader is not None
        assert "object" in reader(dict(zip(header, cells, strict=False)))


SEEDS = {
    "charge": (16, "amount", "6677696"),
    "refund": (4, "refund", "2391421"),
    "balance_transaction": (8, "fee", "648218"),
}


@pytest.mark.parametrize("table", SEEDS)
def test_the_totals_of_an_exporters_tables_come_out_exactly(tmp_path: Path, shared_data: Path, table: str) -> None:
    """Third-party tables in cents: every charge an attempt, every refund a refund, every fee a fee, to the cent."""
    path = shared_data / "stripe-fivetran-seeds" / f"{table}_data.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    count, account, cents = SEEDS[table]
    company = shop(tmp_path)
    (report,) = taken_in(company, path)
    assert (report.received, report.accepted) == (count, count)
    if account != "amount":
        total = company.engine.value(f"SELECT sum({account}) FROM events")
        assert total == Decimal(cents).scaleb(-2)
    else:
        # All of these charges failed, so that nothing was earned; had they not, it would be this.
        assert company.engine.rows("SELECT count(*), sum(revenue) FROM events JOIN cells USING (cell_id)") == [
            (16, None)
        ]
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row | {"status": "succeeded", "captured": "TRUE"} for row in csv.DictReader(file)]
        earned = written(tmp_path / "charge.csv", rows)
        other = shop(tmp_path)
        taken_in(other, earned)
        assert other.engine.value("SELECT sum(revenue) FROM events") == Decimal(cents).scaleb(-2)


def test_disputes_and_details_of_fees_of_an_exporter(tmp_path: Path, shared_data: Path) -> None:
    """Won disputes and inquiries took nothing; details of fees have no time and are refused with the way out."""
    folder = shared_data / "stripe-fivetran-seeds"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    company = shop(tmp_path)
    disputes, fees = taken_in(company, folder / "dispute_data.csv", folder / "fee_data.csv")
    assert company.engine.value("SELECT sum(refund) FROM events") == Decimal("6588.97") + Decimal("7.01")
    assert (disputes.accepted, fees.rejected) == (7, 13)
    assert "take in the balance transactions" in refusals(company.engine)[0][3]
