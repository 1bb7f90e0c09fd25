"""With Debian's Prometheus: what it scrapes and writes to perunit is usage, exactly the counter's growth."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from prometheus_client import Counter
from tests.live.serving import exporting, needs_prometheus, perunit, prometheus, serving, until

if TYPE_CHECKING:
    from pathlib import Path

CONTRACT = """\
version: 1
currency: USD
units:
  tenant: {owner: platform, key: tenant, counted: active, segments: [namespace]}
sources:
  cpu:
    format: prometheus
    match: metric = 'shop_cpu_seconds_total'
    event:
      type: "'pod.used'"
      units: {tenant: "labels['tenant']"}
      segments: {namespace: "labels['namespace']"}
      usage: {cpu_seconds: increase}
      resource: "labels['instance']"
meters:
  cpu_seconds: {unit: s, priced: false}
"""


def config(target: str, address: str) -> dict[str, Any]:
    """Scrapes one target and writes to perunit, every second."""
    return {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [target]}]}],
        "remote_write": [{"url": f"{address}/api/v1/write", "queue_config": {"batch_send_deadline": "1s"}}],
    }


def used(project: Path) -> dict[str | None, str | None]:
    """Namespace → CPU seconds, as `perunit query` says it."""
    rows = perunit(project, "query", "cpu_seconds", "--by", "namespace")["rows"]
    return {row["namespace"]: row["cpu_seconds"] for row in rows}


@needs_prometheus
def test_what_prometheus_writes_is_the_growth_of_the_counter(tmp_path: Path) -> None:
    """Across many scrapes and batches, a reset of the counter included, to the last digit."""
    (tmp_path / "perunit.yaml").write_text(CONTRACT, encoding="utf-8")
    with exporting() as exporter, serving(tmp_path) as address:
        names = ["tenant", "namespace"]
        cpu = Counter("shop_cpu_seconds", "CPU", names, registry=exporter.registry)
        growing, other = cpu.labels("t-1", "a"), cpu.labels("t-2", "b")
        growing.inc(1000)
        other.inc(5)
        with prometheus(tmp_path / "prometheus", config(exporter.address, address)):
            until(lambda: used(tmp_path), lambda found: set(found) == {"a", "b"})
            grown = Decimal(0)
            for step in ("0.1", "0.25", "3"):
                growing.inc(float(step))
                grown += Decimal(step)
                until(
                    lambda: used(tmp_path)["a"],
                    lambda found, grown=grown: found is not None and Decimal(found) == grown,
                )
            growing.reset()
            growing.inc(2.5)
            until(lambda: used(tmp_path)["a"], lambda found: Decimal(found) == grown + Decimal("2.5"))
        assert Decimal(used(tmp_path)["b"] or 0) == 0
    # Ends with 1 where an invariant is broken.
    perunit(tmp_path, "verify")
