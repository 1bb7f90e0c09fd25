"""``perunit reconcile`` and ``perunit restatements`` on a small project, from the first bill to a restated month."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTRACT = """
version: 1
currency: USD
units: {order: {owner: shop, key: order_id}}
sources:
  shop:
    format: csv
    path: facts/*.csv
    event:
      id: id
      time: time
      type: "'order.completed'"
      outcome: "'success'"
      units: {order: id}
      amounts: {revenue: revenue}
      usage: {cpu_seconds: cpu}
      resource: machine
meters: {cpu_seconds: {unit: s}}
allocation:
  - {name: machines, match: "service_name = 'Compute'", method: usage, meter: cpu_seconds, resource: resource_id}
  - {name: support, match: "service_name = 'Support'", method: proportional, to: revenue}
"""
BOOK = """
book: cloud
version: 1
currency: USD
rates:
  - {meter: cpu_seconds, price: 0.01, per: 1, unit: s, effective_from: 2026-01-01}
"""
HEAD = (
    "BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,InvoiceIssuerName,InvoiceId,"
    "ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ServiceName,ResourceId,ConsumedQuantity,ConsumedUnit,"
    "BilledCost,EffectiveCost\n"
)
LINE = (
    "a-1,USD,2026-05-01,2026-06-01,Cloud,I-1,{start},{end},{category},{service},{resource},{quantity},s,{cost},{cost}\n"
)


def line(cost: str, service: str = "Compute", resource: str = "m-1", *, category: str = "Usage") -> str:
    """A bill line; a machine's is of one day, the others' of the month."""
    day = service == "Compute"
    return LINE.format(
        start="2026-05-04" if day else "2026-05-01",
        end="2026-05-05" if day else "2026-06-01",
        category=category,
        service=service,
        resource=resource if day else "",
        quantity="1000" if day else "",
        cost=cost,
    )


@pytest.fixture
def project(tmp_path: Path, run: Callable[..., tuple[int, str, str]]) -> Path:
    """Two orders of May on one machine, priced by a list, and no bill yet."""
    (tmp_path / "facts").mkdir()
    (tmp_path / "prices").mkdir()
    (tmp_path / "perunit.yaml").write_text(CONTRACT)
    (tmp_path / "prices" / "cloud.yaml").write_text(BOOK)
    facts = "id,time,revenue,machine,cpu\no-1,2026-05-04T10:00Z,60,m-1,600\no-2,2026-05-04T11:00Z,40,m-1,400\n"
    (tmp_path / "facts" / "may.csv").write_text(facts)
    assert run("-C", tmp_path, "ingest")[0] == 0
    return tmp_path


@pytest.fixture
def ask(project: Path, run: Callable[..., tuple[int, str, str]]) -> Callable[..., tuple[int, Any]]:
    """(exit code, JSON answer) of a command on the project."""

    def asked(*words: str) -> tuple[int, Any]:
        code, out, err = run("-C", project, "--json", *words)
        assert out, err
        return code, json.loads(out)

    return asked


def bill(project: Path, ask: Callable[..., tuple[int, Any]], *lines: str, name: str = "may.csv") -> None:
    """Imports a bill of these lines."""
    (project / name).write_text(HEAD + "".join(lines))
    assert ask("bills", "import", str(project / name))[0] == 0


def invoice(project: Path, total: str, invoice_id: str = "I-1") -> None:
    """Says what an invoice of May comes to."""
    with duckdb.connect(str(project / "data" / "perunit.duckdb")) as connection:
        connection.execute(
            "INSERT INTO invoices VALUES ('Cloud', ?, 'USD', 1, '2026-05-01', '2026-06-01', NULL, 'Issued', ?, "
            "'told', now()::TIMESTAMP, NULL)",
            [invoice_id, total],
        )


def close(ask: Callable[..., tuple[int, Any]]) -> str:
    """Locks May and returns the instant."""
    code, lock = ask("reconcile", "lock", "--period", "2026-05", "--actor", "ada", "--reason", "month end")
    assert code == 0, lock
    return str(lock["locked_at"])


def test_the_exit_code_says_how_it_ties_out(project: Path, ask: Callable[..., tuple[int, Any]]) -> None:
    """3 without a total, 1 with a difference, 0 when it is accepted."""
    bill(project, ask, line("12.00"))
    code, answer = ask("reconcile")
    assert (code, answer["verdict"], answer["status"]) == (3, "inconclusive", "provisional")
    invoice(project, "12.02")
    code, answer = ask("reconcile", "--period", "2026-05")
    assert (code, answer["invoices"][0]["difference"]) == (1, "-0.02")
    _, made = ask("reconcile", "accept", "I-1", "--actor", "ada", "--reason", "rounding")
    assert made["entry"]["amount"] == "0.02"
    code, answer = ask("reconcile")
    assert (code, answer["invoices"][0]["status"]) == (0, "ties out with entries")


def test_a_lock_is_refused_while_it_does_not_tie_out(project: Path, ask: Callable[..., tuple[int, Any]]) -> None:
    """The message names the invoice and what is open; nothing is locked."""
    bill(project, ask, line("12.00"))
    invoice(project, "12.02")
    code, answer = ask("reconcile", "lock", "--period", "2026-05", "--actor", "ada", "--reason", "close")
    assert code == 1
    assert "2026-05 does not tie out (I-1: differs by -0.02 USD)" in answer["error"]["message"]
    assert ask("reconcile", "locks") == (0, [])


def test_figures_go_from_estimated_to_billed_to_closed(project: Path, ask: Callable[..., tuple[int, Any]]) -> None:
    """The status of a month's cost follows what it rests on."""
    asked = ("query", "variable_cost", "--grain", "month", "--from", "2026-05-01", "--to", "2026-06-01")

    def row() -> tuple[str, str]:
        only = ask(*asked)[1]["rows"][0]
        return only["variable_cost"], only["status"]

    assert row() == ("10", "estimated")
    bill(project, ask, line("12.00"))
    assert row() == ("12", "billed")
    invoice(project, "12.00")
    close(ask)
    assert row() == ("12", "closed")


def test_later_changes_to_a_locked_period_are_restatements(project: Path, ask: Callable[..., tuple[int, Any]]) -> None:
    """A bill version and later events are told apart, each with what it did; the whole is the sum of both."""
    bill(project, ask, line("12.00"))
    invoice(project, "12.00")
    close(ask)
    assert ask("restatements") == (0, {"restatements": []})
    bill(project, ask, line("12.00"), line("3.00", "Support"))
    (project / "facts" / "late.csv").write_text("id,time,revenue,machine,cpu\no-3,2026-05-06T10:00Z,25,m-2,100\n")
    assert ask("ingest")[0] == 0
    _, answer = ask("restatements", "--period", "2026-05")
    version, events = answer["restatements"]
    assert (version["cause"], version["what"]) == ("bill version", ["bill 2 version 2 (Cloud a-1)"])
    assert events["cause"] == "events"
    assert events["what"] == ["batch 2 with 1 events, 0 of them late (late.csv)"]

    def changed(restatement: Any) -> dict[str, tuple[str | None, ...]]:
        return {
            each["figure"]: (each["before"], each["after"], each["difference"])
            for each in restatement["differences"]
            if each["about"] == "measure"
        }

    assert changed(version)["shared_cost"] == (None, "3", None)
    assert changed(version)["billed_cost"] == ("12", "15", "3")
    assert changed(events)["revenue"] == ("100", "125", "25")
    assert changed(events)["variable_cost"] == ("12", "13", "1")
    assert "billed_cost" not in changed(events)


def test_as_of_the_lock_gives_the_same_bytes_whatever_came_later(
    project: Path, run: Callable[..., tuple[int, str, str]], ask: Callable[..., tuple[int, Any]]
) -> None:
    """Reconciliation, query and receipt as of the lock equal what they said then; verify agrees."""
    bill(project, ask, line("12.00"), line("1.00", "Support"))
    invoice(project, "13.00")
    at = close(ask)
    questions = (
        ("reconcile",),
        ("query", "variable_cost", "shared_cost", "reconciliation_score", "--grain", "month"),
        ("receipt", "order", "o-1"),
    )

    def answers(*as_of: str) -> list[str]:
        return [run("-C", project, "--json", *words, *as_of)[1] for words in questions]

    then = answers()
    bill(project, ask, line("19.00"), line("1.00", "Support"))
    bill(project, ask, line("4.00").replace("a-1", "a-2"), name="other.csv")
    (project / "facts" / "late.csv").write_text("id,time,revenue,machine,cpu\no-1b,2026-05-04T10:00Z,25,m-1,100\n")
    ask("ingest")
    ask("reconcile", "accept", "I-1", "--actor", "bo", "--reason", "again")
    close(ask)
    assert answers() != then
    assert answers("--as-of", at) == then
    assert ask("verify")[1]["ok"] is True


def test_changed_rules_show_as_a_restatement_of_the_contract(
    project: Path, ask: Callable[..., tuple[int, Any]]
) -> None:
    """What the rules of today give for the facts of then is compared with what the lock kept."""
    bill(project, ask, line("12.00"), line("1.00", "Support"))
    invoice(project, "13.00")
    close(ask)
    (project / "perunit.yaml").write_text(CONTRACT.replace("'Support'", "'Nothing'"))
    (found,) = ask("restatements")[1]["restatements"]
    assert found["cause"] == "contract"
    figures = {each["figure"]: (each["before"], each["after"]) for each in found["differences"]}
    assert figures["shared_cost"] == ("1", None)
    with pytest.raises(SystemExit, match="1"):
        ask("verify")


def test_a_person_reads_what_to_do_next(project: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    """Each state ends with the command that leads on; Markdown and CSV carry exact figures."""
    (project / "may.csv").write_text(HEAD + line("12.00") + line("0.125", "Unknown"))
    run("-C", project, "bills", "import", project / "may.csv")
    assert (
        'perunit bills invoice "Cloud" I-1 TOTAL --currency USD --period 2026-05' in run("-C", project, "reconcile")[1]
    )
    invoice(project, "12.12")
    assert "perunit reconcile accept I-1" in run("-C", project, "reconcile")[1]
    run("-C", project, "reconcile", "adjust", "I-1", "--amount", "-0.005", "--actor", "a", "--reason", "r")
    code, out, _ = run("-C", project, "reconcile")
    assert code == 0
    assert "perunit reconcile lock --period 2026-05" in out
    assert "entry 1: adjust -0.005 USD on I-1: r (a," in run("-C", project, "reconcile", "entries")[1]
    assert (
        "| USD | Unknown | a-1 | 0.125 | 0 | 0.125 | 0 |" in run("-C", project, "reconcile", "--format", "markdown")[1]
    )
    assert "USD,Compute,a-1,12,12,0,1\r\n" in run("-C", project, "reconcile", "--format", "csv")[1]


def test_mistakes_are_refused_with_their_mend(run: Callable[..., tuple[int, str, str]], project: Path) -> None:
    """No bill, no lock, a wrong month, a wrong amount."""
    assert "there is no bill and no invoice yet" in run("-C", project, "reconcile")[2]
    assert "must be a month such as 2026-05" in run("-C", project, "reconcile", "--period", "May")[2]
    assert "no period is locked" in run("-C", project, "restatements")[2]
    assert (
        "has no invoice; there is nothing to lock"
        in run("-C", project, "reconcile", "lock", "--period", "2026-05", "--actor", "a", "--reason", "r")[2]
    )
    wrong = ("reconcile", "adjust", "I-1", "--amount", "much", "--actor", "a", "--reason", "r")
    assert "must be a decimal number" in run("-C", project, *wrong)[2]
