"""As of: what reconciliation and queries said at an instant is said again of it, whatever has come since."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from perunit import pipeline
from perunit.economics.reconcile.entries import Decision, decide, find_invoice
from perunit.economics.reconcile.locks import lock_period
from perunit.facts.bills import state_invoice
from perunit.measures.closing import closing_figures, reconciliation
from perunit.measures.query import Query, run_query
from perunit.model.window import Grain, Window
from perunit.wiring import Opened, opened

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

MAY = Window.of_month("2026-05")
CONTRACT = """
version: 1
units: {order: {owner: shop, key: id}}
sources:
  shop:
    format: csv
    event: {id: id, time: time, type: "'order'", outcome: "'success'", units: {order: id},
            amounts: {revenue: revenue}, usage: {cpu: cpu}, resource: machine}
meters: {cpu: {unit: s}}
allocation:
  - {name: machines, match: "service_name = 'Compute'", method: usage, meter: cpu, resource: resource_id}
  - {name: rest, match: "service_name = 'Support'", method: proportional, to: revenue}
"""
BOOK = """
book: cloud
version: {version}
currency: USD
rates: [{{meter: cpu, price: 0.0{version}, per: 1, unit: s, effective_from: 2026-01-01}}]
"""
HEAD = (
    "BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,InvoiceIssuerName,InvoiceId,"
    "ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ServiceName,ResourceId,BilledCost,EffectiveCost\n"
)
LINE = "{account},USD,2026-05-01,2026-06-01,Cloud,I-1,2026-05-04,2026-05-05,Usage,{service},m-1,{cost},{cost}\n"
MEASURES = ("variable_cost", "shared_cost", "billed_cost", "reconciliation_score")
ACTS = ("events", "bill", "other bill", "invoice", "price", "entry", "lock")


class Company:
    """A project in a directory of its own, and a clock that goes an hour an act."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.acts = folder, datetime(2026, 6, 1, tzinfo=UTC), 0
        (folder / "prices").mkdir()
        (folder / "perunit.yaml").write_text(CONTRACT, encoding="utf-8")
        self.price(1)

    def price(self, version: int) -> None:
        """The price book in its next version."""
        (self.folder / "prices" / "cloud.yaml").write_text(BOOK.format(version=version), encoding="utf-8")

    def open(self, as_of: datetime | None = None) -> AbstractContextManager[Opened]:
        """The project, now or as of an instant."""
        return opened(self.folder, purpose="test", as_of=as_of, clock=lambda: self.now)

    def act(self, what: str) -> None:
        """One thing happens, an hour after the one before."""
        self.acts += 1
        self.now += timedelta(hours=1)
        if what == "price":
            self.price(1 + self.acts)
        with self.open() as project:
            self._act(project, what)

    def _act(self, project: Opened, what: str) -> None:
        engine, number = project.engine, self.acts
        match what:
            case "events":
                path = self.folder / f"facts-{number}.csv"
                row = f"o-{number},2026-05-04T10:0{number % 10}:00Z,{number}.5,m-1,{100 + number}\n"
                path.write_text(f"id,time,revenue,machine,cpu\n{row}", encoding="utf-8")
                pipeline.ingest(project.project, engine, [("shop", path)], clock=project.clock)
            case "bill" | "other bill":
                path = self.folder / "bill.csv"
                account = "a-2" if what == "other bill" else "a-1"
                services = ("Compute", "Support", "Archive")[: 1 + number % 3]
                lines = (LINE.format(account=account, service=each, cost=f"{number}.07") for each in services)
                path.write_text(HEAD + "".join(lines), encoding="utf-8")
                pipeline.import_bills(project.project, engine, [path], clock=project.clock)
            case "invoice":
                state_invoice(engine, "Cloud", "I-1", Decimal(number), "USD", MAY, clock=project.clock)
            case "entry" if engine.value("SELECT count(*) FROM invoices"):
                line = find_invoice(engine, "I-1", None, None)
                decide(engine, line, Decision("adjust", Decimal("0.07"), "why", "ada"), self.now)
            case "lock":
                figures = closing_figures(engine, project.contract, MAY)
                lock_period(engine, MAY, figures, issuer=None, actor="ada", reason="r", now=self.now)

    def answer(self, as_of: datetime | None = None) -> str:
        """All that is said of May, as bytes."""
        asked = Query(MEASURES, grain=Grain.MONTH, window=MAY)
        with self.open(as_of) as project:
            told = reconciliation(project.engine, project.contract, MAY).as_json()
            rows = run_query(project.engine, project.contract, asked).as_json()["rows"]
        return json.dumps([told, rows])


@settings(max_examples=4, deadline=None)
@given(st.lists(st.sampled_from(ACTS), min_size=3, max_size=5))
def test_what_was_said_is_said_again_as_of_then(acts: list[str]) -> None:
    """After any bills, prices, events, invoices, entries and locks, as of T gives the bytes of T."""
    with tempfile.TemporaryDirectory() as folder:
        company = Company(Path(folder))
        said = []
        for what in ("events", "bill", *acts):
            company.act(what)
            said.append((company.now, company.answer()))
        for instant, answer in said:
            assert company.answer(instant) == answer
        with company.open() as project:
            findings = pipeline.verify(project.project, project.engine)
        assert [finding for finding in findings if not finding.holds] == []
