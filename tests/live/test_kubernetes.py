"""The guide for Kubernetes: cAdvisor's and kube-state-metrics' expositions become unit cost, allocated as AWS does."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.docs.test_docs import page, perunit, written_out

from perunit.facts.doors.exposition import read_exposition
from perunit.live.intake import Intake
from perunit.live.prometheus import PrometheusDoor
from perunit.live.service import Service
from perunit.wiring import opened

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

START = datetime(2026, 9, 1, 9, 59, 59, tzinfo=UTC)
EVERY = 300
# Pod → vCPU used, vCPU requested, GB used, GB requested, team. The larger of each pair are AWS' published numbers.
PODS = {
    "checkout-1": ("0.25", "1", "4", "2", "shop"),
    "search-1": ("1.9", "1.5", "6", "6", "find"),
    "mail-1": ("0.5", "1", "1", "2", "mail"),
    "cron-1": ("1", "0.1", "2", "1", "jobs"),
}
# One hour of the node, one dollar.
CHARGE = {
    "BillingAccountId": "a-1", "BillingCurrency": "USD", "BillingPeriodStart": "2026-09-01",
    "BillingPeriodEnd": "2026-10-01", "InvoiceIssuerName": "AWS", "ChargePeriodStart": "2026-09-01T10:00:00Z",
    "ChargePeriodEnd": "2026-09-01T11:00:00Z", "ChargeCategory": "Usage",
    "ServiceName": "Amazon Elastic Compute Cloud", "ResourceId": "i-01", "ConsumedQuantity": "1",
    "BilledCost": "1.00", "EffectiveCost": "1.00", "Tags": "node=node-1",
}  # fmt: skip


def cadvisor(number: int, shape: str) -> str:
    """One answer of a kubelet, each sample with the labels and the form that cAdvisor's own has."""
    lines = []
    for pod, (cpu, _, memory, _, _) in PODS.items():
        seconds = Decimal(1000) + Decimal(cpu) * EVERY * number
        for container in ("app", ""):
            labels = f'{shape},container="{container}",namespace="n",pod="{pod}",node="node-1"'
            lines.append(f"container_cpu_usage_seconds_total{{{labels}}} {seconds}")
            lines.append(f"container_memory_working_set_bytes{{{labels}}} {Decimal(memory) * 10**9:.6e}")
    return "\n".join(lines) + "\n"


def state() -> str:
    """One answer of kube-state-metrics."""
    lines = []
    for pod, (_, cpu, _, memory, team) in PODS.items():
        labels = f'namespace="n",pod="{pod}"'
        lines.append(f'kube_pod_labels{{{labels},label_team="{team}"}} 1')
        request = f'kube_pod_container_resource_requests{{{labels},container="app",node="node-1"'
        lines.append(f'{request},resource="cpu",unit="core"}} {cpu}')
        lines.append(f'{request},resource="memory",unit="byte"}} {Decimal(memory) * 10**9:.6e}')
    return "\n".join(lines) + "\n"


def shape_of(data: Path) -> str:
    """The labels of a container in cAdvisor's sample, but those that the test gives itself."""
    text = (data / "prometheus-exposition" / "cadvisor" / "prometheus_metrics").read_text(encoding="utf-8")
    found = re.search(r"^container_cpu_usage_seconds_total\{(.*)\} ", text, re.M)
    assert found is not None
    return ",".join(pair for pair in found[1].split(",") if not pair.startswith(("container=", "namespace=", "pod=")))


def scraped(folder: Path, answers: Iterable[tuple[datetime, str, str]]) -> None:
    """Answers of targets (time, job, text) come in one after the other, as a scrape does it."""
    with opened(folder, purpose="serve", clock=lambda: START + timedelta(hours=2)) as project:
        intake = Intake(project.project, project.engine, project.clock)
        door = PrometheusDoor(Service(project.project, intake, project.clock, intake.meters), "scrape")
        for at, job, text in answers:
            rows = read_exposition(
                text.encode(), int(at.timestamp()) * 1_000_000, target={"job": job, "instance": "i:1"}
            )
            for future in door.submit(rows):
                assert future.result(30).rejected == 0
        intake.close()


def by_team(folder: Path, *measures: str) -> dict[str, list[Any]]:
    """Team → the measures of the day, all of whose usage is of one hour."""
    window = ("--from", "2026-09-01", "--to", "2026-09-02")
    rows = perunit(folder, "query", *measures, "--by", "team", *window)["rows"]
    return {row["team"]: [row[measure] for measure in measures] for row in rows}


def test_the_guide_splits_a_node_as_aws_publishes_it(tmp_path: Path, shared_data: Path) -> None:
    """Used and requested, exactly; the estimate at list prices; then the bill, to the last digit."""
    folder = written_out(page("doors/kubernetes.md"), tmp_path)
    assert perunit(folder, "check")["faults"] == []
    shape = shape_of(shared_data)
    answers = []
    for number in range(13):
        at = START + timedelta(seconds=EVERY * number)
        answers += [(at, "state", state()), (at, "cadvisor", cadvisor(number, shape))]
    scraped(folder, answers)

    usage = by_team(folder, "cpu_seconds", "memory_gb_seconds", "cpu_requested", "memory_requested")
    assert {team: [Decimal(each) for each in values] for team, values in usage.items()} == {
        team: [Decimal(each) * 3600 for each in (cpu, memory, cpu_requested, memory_requested)]
        for cpu, cpu_requested, memory, memory_requested, team in PODS.values()
    }
    # 900 core-seconds and 14,400 gigabyte-seconds at list prices.
    assert round(Decimal(by_team(folder, "variable_cost")["shop"][0]), 6) == Decimal("0.120192")

    (folder / "bill.csv").write_text(f"{','.join(CHARGE)}\n{','.join(CHARGE.values())}\n", encoding="utf-8")
    perunit(folder, "bills", "import", str(folder / "bill.csv"))
    cost = {team: Decimal(values[0]) for team, values in by_team(folder, "variable_cost").items() if team}
    assert {team: round(value, 4) for team, value in cost.items()} == {
        "shop": Decimal("0.2292"), "find": Decimal("0.4003"), "mail": Decimal("0.1852"), "jobs": Decimal("0.1852"),
    }  # fmt: skip
    assert sum(cost.values()) == 1
    perunit(folder, "verify")
