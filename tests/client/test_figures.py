"""The client reads what a real server says, exactly; what is refused or busy is told as it is."""

from __future__ import annotations

import io
import json
import threading
from contextlib import redirect_stdout
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from tests.faces.serving import Served, command, serving

from perunit.client import Forbidden, NotFound, Perunit, PerunitProblem, Unavailable
from perunit.client import figures as figures_module
from perunit.faces.cli.main import main
from perunit.simulate.options import SimulationOptions
from perunit.simulate.run import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ = ("measures:financial", "measures:operational", "units:read", "reconciliation:read", "figures:export")


def key_of(project: Path, name: str, *scopes: str) -> str:
    """A new key with these permissions."""
    out = io.StringIO()
    words = [word for scope in scopes for word in ("--scope", scope)]
    with redirect_stdout(out):
        assert main(["-C", str(project), "--json", "keys", "add", name, *words]) == 0
    said = json.loads(out.getvalue())
    return str(said["key"])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A simulated company, served."""
    project = tmp_path_factory.mktemp("company") / "studio"
    simulate(project, SimulationOptions(events=2_000, days=4))
    files = [*map(str, (project / "events").iterdir())]
    assert main(["-C", str(project), "--json", "ingest", *files]) == 0
    for folder in ("bills", "invoices"):
        assert main(["-C", str(project), "--json", "bills", "import", *map(str, (project / folder).glob("*.csv"))]) == 0
    with serving(project) as running:
        yield running


@pytest.fixture(scope="module")
def perunit(served: Served) -> Iterator[Perunit]:
    """A client that may read and annotate."""
    with Perunit(served.address, key_of(served.project, "reader", *READ, "annotations:write")) as client:
        yield client


def test_figures_are_exact(served: Served, perunit: Perunit) -> None:
    """As the command line's, as decimals; counts are integers, unknown values None."""
    said = served.ask("query", "units", "contribution_margin", "--by", "region")["rows"]
    rows = list(perunit.rows("units", "contribution_margin", by="region"))
    assert [(row["region"], row["units"], row["contribution_margin"]) for row in rows] == [
        (row["region"], row["units"], row["contribution_margin"] and Decimal(row["contribution_margin"]))
        for row in said
    ]
    assert any(isinstance(row["contribution_margin"], Decimal) for row in rows)
    assert isinstance(rows[0]["units"], int)


def test_pages_are_walked(perunit: Perunit) -> None:
    """Every row once, whatever fits on a page; units too."""
    asked: dict[str, Any] = {"by": ["region", "plan"], "grain": "day", "start": "2020-01-01"}
    whole = perunit.query("revenue", **asked)["rows"]
    assert len(whole) > 7
    assert list(perunit.rows("revenue", limit=7, **asked)) == whole
    units = list(perunit.units("order", order="id", limit=50))
    assert len({unit["id"] for unit in units}) == len(units) == perunit.query("units")["rows"][0]["units"]
    assert all(isinstance(unit["id"], str) for unit in units)


def test_a_window_and_filters_are_sent_as_they_are_meant(perunit: Perunit) -> None:
    """Instants with their zone, dates, filters; a time without a zone is not guessed."""
    first = perunit.project()["data"]["first_event"]
    assert first is not None
    start = datetime.fromisoformat(first).astimezone(UTC)
    found = perunit.query("units", start=start.date(), filters=["region:eu-west-1"])
    assert found["filters"] == ["region:eu-west-1"]
    assert found["window"]["start"] == f"{start:%Y-%m-%d}T00:00:00Z"
    with pytest.raises(ValueError, match="no time zone"):
        perunit.query("units", start=datetime(2026, 9, 1))  # noqa: DTZ001


def test_the_rest_is_read_too(served: Served, perunit: Perunit) -> None:
    """Measures, explanations, receipts, periods, reconciliations, charges, with exact numbers."""
    assert {measure["name"] for measure in perunit.measures()} > {"units", "revenue"}
    explained = perunit.explain("contribution_margin")
    assert explained["value"] == sum(
        (part["value"] or 0) * (-1 if part["sign"] == "-" else 1) for part in explained["parts"]
    )
    unit = next(perunit.units("order"))
    assert unit["margin"] == unit["revenue"] - unit["cost"]
    receipt = perunit.receipt("order", unit["id"])
    assert receipt["unit_key"] == unit["id"]
    assert isinstance(receipt["totals"]["revenue"], Decimal)
    period = perunit.periods()[0]["period"]
    found = perunit.reconciliation(period, variance=True)
    said = json.loads(command("-C", str(served.project), "--json", "reconcile", "--period", period).stdout)
    assert found["invoices"][0]["billed_cost"] == Decimal(said["invoices"][0]["billed_cost"])
    assert found["variances"][0]["variance"] == sum(found["variances"][0]["parts"].values())
    lines = list(perunit.charges(period))
    assert sum(line["billed_cost"] for line in lines) == found["bridges"][0]["billed"]
    file = io.BytesIO()
    assert perunit.export(file, "revenue", by="region") == len(file.getvalue()) > 0
    assert b"region" in file.getvalue()


def test_an_annotation_is_made_once(perunit: Perunit) -> None:
    """However often it is sent."""
    made = [perunit.annotate("deployment", "v9", key="build-9", segments={"region": "eu-west-1"}) for _ in range(2)]
    assert made[0] == made[1]
    titles = [each["title"] for each in perunit.annotations(kind="deployment")["annotations"]]
    assert titles.count("v9") == 1


def test_refusals_are_exceptions(served: Served, perunit: Perunit) -> None:
    """With what is missing or wrong in the server's words."""
    with pytest.raises(NotFound):
        perunit.receipt("order", "nobody's")
    with pytest.raises(PerunitProblem, match="nonsense") as wrong:
        perunit.query("nonsense")
    assert wrong.value.status == 400
    with pytest.raises(Forbidden):
        Perunit(served.address, "pu_nonsense").project()
    poor = Perunit(served.address, key_of(served.project, "poor", "measures:operational"))
    with pytest.raises(Forbidden) as refused:
        poor.periods()
    assert refused.value.permission == "reconciliation:read"


class Busy(BaseHTTPRequestHandler):
    """A server that has too much to do, so often, and then has nothing to say."""

    left, seen = 2, list[str]()

    def do_GET(self) -> None:
        """503 until it has had enough."""
        type(self).seen.append(self.path)
        type(self).left -= 1
        status = 503 if type(self).left >= 0 else 200
        self.send_response(status)
        body = b"[]" if status == 200 else b'{"title": "Busy", "status": 503, "detail": "later"}'
        self.send_header("content-length", str(len(body)))
        self.send_header("retry-after", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silent."""


def test_a_busy_server_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as is allowed, and as it asks; then it is said."""
    monkeypatch.setattr(figures_module.time, "sleep", lambda _: None)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    client = Perunit(f"http://127.0.0.1:{server.server_address[1]}", tries=3)
    assert client.measures() == []
    assert len(Busy.seen) == 3
    Busy.left = 9
    with pytest.raises(Unavailable, match="later"):
        client.measures()
    server.shutdown()
    server.server_close()
    client.close()
    with pytest.raises(Unavailable, match="No answer"):
        client.measures()
