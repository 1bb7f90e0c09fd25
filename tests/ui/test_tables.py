"""Every table, tile and bar of every page says what the command line says; one that is compared with nothing fails."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.ui.browsing import visiting
from tests.ui.test_figures import FROM, TO, agrees, asked, link, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from playwright.sync_api import Locator, Page
    from tests.faces.serving import Served

    Rows = dict[str, dict[str, Any]]

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Words:
    """A cell that is text, not a number."""

    said: str


@dataclass
class Asked:
    """What the expectations are made of: the command line, the project as written, the measures by their titles."""

    served: Served
    root: Path
    names: dict[str, str]

    def by_day(self, titles: list[str]) -> Rows:
        """Measures day by day."""
        names = [self.names[title] for title in titles]
        rows = asked(self.served, *names, "--grain", "day")
        return {row["day"][:10]: dict(zip(titles, (row[name] for name in names), strict=True)) for row in rows}

    def total(self, titles: list[str]) -> dict[str, Any]:
        """Measures in all."""
        (row,) = asked(self.served, *(self.names[title] for title in titles))
        return {title: row[self.names[title]] for title in titles}

    @property
    def contract(self) -> Any:
        """The contract's text as data."""
        return yaml.safe_load((self.root / "perunit.yaml").read_text(encoding="utf-8"))


def _series(*titles: str) -> Callable[[Asked], Rows]:
    return lambda ask: ask.by_day(list(titles))


def _reconciled(ask: Asked) -> Any:
    return ask.served.ask("reconcile", "--variance")


def _invoices(ask: Asked) -> Rows:
    return {
        each["invoice_id"]: {
            "Status": Words(each["status"]), "Lines": each["lines"], "Billed": each["billed_cost"],
            "Decided": each["entries"], "Invoiced": each["total"], "Difference": each["difference"],
        }
        for each in _reconciled(ask)["invoices"]
    }  # fmt: skip


def _scores(ask: Asked) -> Rows:
    (score,) = _reconciled(ask)["scores"]
    return {
        each["service_name"]: {"Charged": each["source_cost"], "Gap": each["gap"], "Score": each["score"]}
        for each in score["costs"]
    }


def _variance(by: str) -> Callable[[Asked], Rows]:
    def rows(ask: Asked) -> Rows:
        found: dict[str, dict[str, Any]] = {}
        for each in _reconciled(ask)["variances"]:
            sums = found.setdefault(each[by], dict.fromkeys(("Billed", "Estimated", "Variance"), Decimal(0)))
            for title in sums:
                sums[title] += Decimal(each[title.lower()])
        return found

    return rows


def _variance_by_day(ask: Asked) -> Rows:
    found: dict[str, Counter[str]] = {}
    for each in _reconciled(ask)["variances"]:
        parts = found.setdefault(each["charge_period_start"][:10], Counter())
        for cause, part in each["parts"].items():
            parts[cause.capitalize().replace("_", " ")] += Decimal(part)  # type: ignore[assignment]
        parts["In all"] += Decimal(each["variance"])  # type: ignore[assignment]
    return {day: dict(parts) for day, parts in found.items()}


def _periods(ask: Asked) -> Rows:
    found = {}
    for month in {each["billing_period_start"][:7] for each in ask.served.ask("bills", "list")}:
        told = ask.served.ask("reconcile", "--period", month)
        found[month] = {
            "Verdict": Words(told["verdict"]), "Status": Words(told["status"]),
            "Difference": told["invoices"][0]["difference"],
        }  # fmt: skip
    return found


def _receipt(ask: Asked) -> Any:
    return ask.served.ask("receipt", "order", "o-100000000")


def _quantities(ask: Asked) -> Rows:
    found: dict[str, dict[str, Any]] = {}
    lines = (line for event in _receipt(ask)["events"] for line in event["usage"])
    for line in (line for line in lines if not line["meter"].startswith("@")):
        sums = found.setdefault(line["meter"], {"Quantity": Decimal(0), "Lines": 0})
        sums["Quantity"] += Decimal(line["quantity"])
        sums["Lines"] += 1
    return found


def _books(ask: Asked) -> Rows:
    rates = ask.served.ask("prices", "list")
    in_force = Counter(rate["rate_id"].split("/")[0] for rate in rates if rate["status"] != "withdrawn")
    return {
        book.split("@")[0]: {"In force": Words(f"version {book.split('@')[1]}"), "Rates": count}
        for book, count in in_force.items()
    }


def _versions(ask: Asked) -> Rows:
    files = {"1": "models.yaml", "2": "models@2.yaml"}
    texts = {version: (ask.root / "prices" / name).read_text(encoding="utf-8") for version, name in files.items()}
    return {version: {"Rates": len(yaml.safe_load(text)["rates"])} for version, text in texts.items()}


def _came(ask: Asked) -> Rows:
    names = {"Received": "received", "Accepted": "accepted", "Waiting": "waiting"}
    names |= {"Rejected": "rejected_rate", "Conflicting": "conflict_rate", "Duplicate": "duplicate_rate"}
    names |= {"Orphan": "orphan_rate", "Late": "late_rate"}
    rows = ask.served.ask("quality")["rows"]
    return {row["source"]: {title: row[name] for title, name in names.items()} for row in rows}


def _waiting(ask: Asked) -> Rows:
    return {each["rule"]: {"Rows": each["rows"]} for each in ask.served.ask("quarantine", "list")}


def _waiting_rows(ask: Asked) -> Rows:
    """Each row stands behind a box to choose it."""
    rows = ask.served.ask("quarantine", "show", "--limit", "100")
    return {f"Choose row {each['quarantine_id']}": {"Got": Words(each["got"])} for each in rows}


def _measures(ask: Asked) -> Rows:
    return {
        each["title"]: {"Formula": Words(each["formula"]), "Unit": Words(each["unit"]), "Seed": Words(each["seed"])}
        for each in ask.served.ask("measures")
    }


def _users(ask: Asked) -> Rows:
    return {each["name"]: {"Role": Words(each["role"])} for each in ask.served.ask("users", "list")}


def _named(section: str) -> Callable[[Asked], Rows]:
    return lambda ask: {str(name): {} for name in ask.contract.get(section, {})}


def _rules(ask: Asked) -> Rows:
    return {f"{at}. {rule['name']}": {} for at, rule in enumerate(ask.contract["allocation"], 1)}


def _nothing(_: Asked) -> Rows:
    return {}


# Page → caption → what the command line says. Where it has no such list, rows are compared one by one below.
TABLES: dict[str, dict[str, Callable[[Asked], Rows] | None]] = {
    "/executive": {
        "Revenue and cost per day, by day": _series("Revenue", "Variable cost"),
        "Contribution margin per day, by day": _series("Contribution margin"),
        "Margin per order, by day": _series("Contribution margin per unit"),
        # test_figures.py has it, by every dimension.
        "Segments by plan": None,
    },
    "/oncall": {
        "Success rate, by day": _series("Success rate"),
        "Latency, by day": _series("Latency P95", "Latency P99"),
        "Revenue lost to failures, by day": _series("Revenue lost to failures"),
        "Failures, by day": _series("Failures"),
        "Failed attempts": None,
    },
    "/debug": {
        "Failed attempts": None,
        "Orphans, duplicates, late and unpriced, by day": None,
        "Reconciliation by month": _periods,
        "The costliest of every order": None,
    },
    "/units/order": {"Every order": None},
    "/units/order/o-100000000": {"Quantities by meter": _quantities, "Lines of the receipt": None},
    "/reconciliation": {
        "Invoices and whether they tie out": _invoices,
        "Reconciliation score by service": _scores,
        "Variance by service": _variance("service"),
        "Variance by meter": _variance("meter"),
        "Variance by day and cause, USD": _variance_by_day,
        "Unmatched lines of bills": None,
        "Decisions about invoices": _nothing,
    },
    "/prices": {"Price books": _books, "Drafts": _nothing},
    "/prices/models": {"Versions, the latest first": _versions},
    "/quality": {
        "What came, how fresh it is and what of it had faults": _came,
        "Fields that drift": _nothing,
        "Rows that wait, by rule": _waiting,
        "Rows that wait": _waiting_rows,
    },
    "/contract": {
        "Units": _named("units"), "Events": _named("events"), "Meters": _named("meters"),
        "Sources": _named("sources"), "Allocation rules": _rules,
    },
    "/contract?tab=measures": {"Catalogue of measures": _measures},
    "/admin": {"Users": _users},
}  # fmt: skip
TILES = {
    "/executive": None,
    "/oncall": ["Success rate", "Latency P95", "Latency P99", "Failures", "Attempts"],
    "/reconciliation": ["Verdict", "Figures are", "Reconciliation score, USD", "Invoiced, USD"],
}


@pytest.fixture(scope="module")
def ask(served: Served, studio: Path) -> Asked:
    """The command line, and the titles of measures."""
    return Asked(served, studio, {entry["title"]: entry["name"] for entry in served.ask("measures")})


@pytest.mark.parametrize("path", TABLES)
def test_every_table_says_what_the_command_line_says(
    browser: Any, served: Served, states: dict[str, Any], ask: Asked, path: str
) -> None:
    """The same rows, and in each row the same figures; no table is left out."""
    with visiting(browser, served, states["admin"]) as visit:
        # What arrived is of the last days, whenever it happened: in a demo all of it came today.
        page = visit.open(path if "?" in path or path == "/quality" else link(path))
        tables = {table.locator("caption").inner_text(): read(table) for table in page.locator("table").all()}
        titles = [title(tile) for tile in page.locator(".pu-kpi").all()]
    assert set(tables) == set(TABLES[path])
    if (expected_titles := TILES.get(path, [])) is not None:
        assert titles == expected_titles
    for caption, expected in TABLES[path].items():
        if expected is not None:
            compare(caption, tables[caption], expected(ask))


def read(table: Locator) -> Rows:
    """Rows by their first cell, cells by the head of their column."""
    heads = [head.split("\n")[0].strip(" ↑↓") for head in table.locator("thead th").all_inner_texts()]
    found: Rows = {}
    for row in table.locator("tbody tr").all():
        cells = row.locator("th, td").all_inner_texts()
        # A cell across all columns says that there is no row.
        if not row.locator("[colspan]").count():
            found[cells[0].split("\n")[0].strip()] = dict(zip(heads, cells, strict=True))
    return found


def title(tile: Locator) -> str:
    """What a tile is about."""
    return tile.locator(".pu-kpi-title").inner_text().split(" ?")[0].split("\n")[0].strip()


def compare(caption: str, seen: Rows, expected: Rows) -> None:
    """Fails where rows are missing on either side or a figure is another."""
    # A day is followed by the name of its weekday.
    names = {row: row if row in expected else row.split(" ")[0] for row in seen}
    assert set(names.values()) == set(expected), caption
    for row, name in names.items():
        for column, value in expected[name].items():
            text = seen[row][column]
            same = text.strip() == value.said if isinstance(value, Words) else agrees(text, scaled(column, text, value))
            assert same, (caption, row, column, text, value)


def scaled(title: str, text: str, value: Any) -> Any:
    """A latency in the unit that the text has it in; measures count milliseconds."""
    return Decimal(str(value)) / 1000 if title.startswith("Latency") and text.endswith(" s") else value


@pytest.mark.parametrize("path", ["/oncall", "/reconciliation"])
def test_every_tile_says_what_the_command_line_says(
    browser: Any, served: Served, states: dict[str, Any], ask: Asked, path: str
) -> None:
    """As Executive's in test_figures.py."""
    with visiting(browser, served, states["admin"]) as visit:
        page = visit.open(link(path))
        seen = {title(tile): tile.locator(".pu-kpi-value").inner_text() for tile in page.locator(".pu-kpi").all()}
    if path == "/oncall":
        for name, value in ask.total(list(seen)).items():
            assert agrees(seen[name], scaled(name, seen[name], value)), (name, seen[name], value)
        return
    told = _reconciled(ask)
    assert (seen["Verdict"].strip(), seen["Figures are"].strip()) == (told["verdict"], told["status"])
    assert agrees(seen["Reconciliation score, USD"], told["scores"][0]["reconciliation_score"])
    assert agrees(seen["Invoiced, USD"], told["invoices"][0]["total"])


def bars(page: Page, name: str) -> Iterable[tuple[str, str]]:
    """The label and the figure of each bar of a panel."""
    for bar in page.locator(".pu-panel").filter(has_text=name).first.locator(":is(.pu-bars, .pu-spans) li").all():
        label, figure, *_ = bar.inner_text().split("\n")
        yield label, figure


def test_every_bar_says_what_the_command_line_says(
    browser: Any, served: Served, states: dict[str, Any], ask: Asked
) -> None:
    """What segments lose, what is lost a minute, and how computed cost becomes the invoice."""
    margins = {row["plan"]: row["contribution_margin"] for row in asked(served, "contribution_margin", "--by", "plan")}
    losses = {row["plan"]: row["revenue_loss"] for row in asked(served, "revenue_loss", "--by", "plan")}
    minutes = 7 * 24 * 60
    (bridge,) = _reconciled(ask)["bridges"]
    steps = {each["name"].replace("_", " ").capitalize(): each["amount"] for each in bridge["steps"]}
    steps |= {"Computed": bridge["computed"], "Invoiced": bridge["end"]}
    with visiting(browser, served, states["admin"]) as visit:
        losers = dict(bars(visit.open(link("/executive")), "Top losing segments"))
        ranked = dict(bars(visit.open(link("/oncall")), "Loss per minute"))
        bridged = dict(bars(visit.open(link("/reconciliation")), "Computed to invoiced"))
    assert losers
    assert ranked
    assert {"Computed", "Price", "Invoiced"} <= set(bridged)
    for plan, figure in losers.items():
        assert agrees(figure, margins[plan]), (plan, figure)
    for plan, figure in ranked.items():
        assert agrees(figure, Decimal(losses[plan]) / minutes), (plan, figure, losses[plan])
    for step, figure in bridged.items():
        assert agrees(figure, steps[step]), (step, figure, steps[step])


def test_every_unit_says_what_its_receipt_says(browser: Any, served: Served, states: dict[str, Any]) -> None:
    """Of the list: revenue, which bills do not change. Of the receipt's page: each line and each total."""
    with visiting(browser, served, states["admin"]) as visit:
        listed = read(visit.open(link("/units/order")).locator("table").first)
        order = next(iter(listed))
        page = visit.open(f"/units/order/{order}")
        lines = page.get_by_role("table", name="Lines of the receipt").locator("tbody tr")
        seen = [row.locator("th, td").all_inner_texts() for row in lines.all()]
        till = page.locator("main").inner_text()
    told = served.ask("receipt", "order", order)
    assert len(listed) > 1
    window = [event for event in told["events"] if FROM <= event["event_time"][:10] < TO]
    assert len(window) == len(told["events"])
    assert agrees(listed[order]["Revenue"], told["totals"]["revenue"] or 0)
    amounts = sum(len(event["amounts"]) + len(event["usage"]) for event in told["events"])
    assert len(seen) >= amounts + len(told["bill_lines"]) + len(told["shares"])
    for share in (share for share in told["shares"] if share["cost"] is not None):
        assert any(of.startswith("Share") and agrees(figure, -Decimal(share["cost"])) for of, _, figure, _ in seen)
    for name in ("contribution_margin", "margin_after_shared_cost"):
        value = Decimal(told["totals"][name])
        assert f"{value:.6f}" in till.replace(",", ""), (name, value)


def test_every_failed_attempt_is_one_of_the_events(browser: Any, served: Served, states: dict[str, Any]) -> None:
    """What On-call and Debug list stands in the receipts of the orders they name."""
    with visiting(browser, served, states["admin"]) as visit:
        short = read(visit.open(link("/oncall")).get_by_role("table", name="Failed attempts"))
        long = read(visit.open(link("/debug")).get_by_role("table", name="Failed attempts"))
    assert set(short) <= set(long)
    for at, row in list(long.items())[:3]:
        order = row["Units"].split()[1]
        events = served.ask("receipt", "order", order)["events"]
        failed = [event for event in events if event["outcome"] == "failure"]
        assert any(event["event_time"][:19].replace("T", " ") in at for event in failed), (at, order)
        assert any(event["id"] in row["Event id"] for event in failed), (at, order)


def test_the_rates_of_debug_are_those_of_its_events(browser: Any, served: Served, states: dict[str, Any]) -> None:
    """Shares of events day by day, from the counts of the command line."""
    days = {
        row["day"][:10]: row
        for row in asked(served, "orphan_rate", "duplicate_rate", "late_rate", "unpriced_rate", "--grain", "day")
    }
    with visiting(browser, served, states["admin"]) as visit:
        page = visit.open(link("/debug", grain="day"))
        seen = read(page.get_by_role("table", name="Orphans, duplicates, late and unpriced"))
    assert {day[:10] for day in seen} == set(days)
    for day, row in seen.items():
        for column in ("Orphan rate", "Duplicate rate", "Late rate", "Unpriced rate"):
            value = days[day[:10]][column.lower().replace(" ", "_")]
            assert agrees(row[column], value), (day, column, row[column], value)


def test_the_costliest_units_cost_what_their_list_says(browser: Any, served: Served, states: dict[str, Any]) -> None:
    """Debug's ten are the first ten of all, by cost."""
    with visiting(browser, served, states["admin"]) as visit:
        seen = read(visit.open(link("/debug")).get_by_role("table", name="The costliest of every order"))
        listed = read(visit.open(link("/units/order", order="-cost")).locator("table").first)
    assert list(seen) == list(listed)[: len(seen)]
    assert [row["Cost"] for row in seen.values()] == [row["Cost"] for row in list(listed.values())[: len(seen)]]


def test_unmatched_lines_come_to_the_gap_of_their_service(
    browser: Any, served: Served, states: dict[str, Any], ask: Asked
) -> None:
    """Nothing that no one bears is left out of the list."""
    (score,) = _reconciled(ask)["scores"]
    gaps = {each["service_name"]: Decimal(each["gap"]) for each in score["costs"] if Decimal(each["gap"])}
    with visiting(browser, served, states["admin"]) as visit:
        seen = read(visit.open("/reconciliation").get_by_role("table", name="Unmatched lines of bills"))
    sums = dict.fromkeys(gaps, Decimal(0))
    for row in seen.values():
        sums[row["Service"]] += shown(row["Cost"])[0]
    assert sums == {service: round(gap, 2) for service, gap in gaps.items()}
