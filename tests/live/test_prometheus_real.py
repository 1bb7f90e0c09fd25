"""With Debian's Prometheus: what it scrapes and writes to perunit is usage, exactly the counter's growth."""

from __future__ import annotations

import shutil
import subprocess
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import yaml
from prometheus_client import Counter
from tests.docs.test_docs import FENCE, files, page
from tests.live.serving import exporting, needs_prometheus, perunit, prometheus, serving, until

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = files(page("doors/prometheus.md"))


def config(target: str, address: str) -> dict[str, Any]:
    """The guide's prometheus.yml with these addresses, and every second, so that a test need not wait."""
    text = GUIDE["prometheus.yml"].replace("shop:8000", target).replace("http://perunit:8321", address)
    made: dict[str, Any] = yaml.safe_load(text)
    made["global"]["scrape_interval"] = "1s"
    made["remote_write"][0]["queue_config"] = {"batch_send_deadline": "1s"}
    return made


def used(project: Path) -> dict[str | None, str | None]:
    """Namespace → CPU seconds, as `perunit query` says it."""
    rows = perunit(project, "query", "cpu_seconds", "--by", "namespace")["rows"]
    return {row["namespace"]: row["cpu_seconds"] for row in rows}


@needs_prometheus
def test_what_prometheus_writes_is_the_growth_of_the_counter(tmp_path: Path) -> None:
    """Across many scrapes and batches, a reset of the counter included, to the last digit."""
    (tmp_path / "perunit.yaml").write_text(GUIDE["perunit.yaml"], encoding="utf-8")
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


@needs_prometheus
def test_the_guides_configuration_is_prometheus_own(tmp_path: Path) -> None:
    """Promtool accepts every piece of it as it stands there, the guide for Kubernetes' too."""
    assert shutil.which("promtool") is not None
    pieces = [GUIDE["prometheus.yml"]]
    for name in ("doors/prometheus.md", "doors/kubernetes.md"):
        for info, block in FENCE.findall(page(name)):
            if info.startswith("yaml") and ("scrape_configs:" in block or "write_relabel_configs:" in block):
                pieces.append(block)
    assert len(pieces) >= 4
    for number, piece in enumerate(pieces):
        path = tmp_path / f"{number}.yml"
        path.write_text(piece, encoding="utf-8")
        done = subprocess.run(["promtool", "check", "config", str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
