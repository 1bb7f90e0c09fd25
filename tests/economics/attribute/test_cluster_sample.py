"""A cluster's nodes, billed by AWS, split over its pods by what they requested or used; what nobody had is idle."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from perunit.faces.cli.main import main

SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "nise-ocp-on-aws"
CONTRACT = """
version: 1
units:
  pod: {owner: platform, key: pod, segments: [namespace]}
meters:
  requested: {unit: s, priced: false}
  used: {unit: s, priced: false}
sources:
  pods:
    format: csv
    path: facts/pods.csv
    event:
      id: "pod || interval_start"
      time: "replace(interval_start, ' +0000 UTC', 'Z')"
      type: "'pod.hour'"
      units: {pod: "namespace || '/' || pod"}
      segments: {namespace: namespace}
      usage: {requested: pod_request_cpu_core_seconds, used: pod_usage_cpu_core_seconds}
      resource: resource_id
allocation:
  - name: nodes
    match: "charge_description like '%Instance%' and resource_id in
      ('i-55555555', 'i-55555556', 'i-55555557', 'i-55555558')"
    method: usage
    meter: METER
    resource: resource_id
    capacity: "14400"
"""
PLACES = Decimal("0.000001")


def costs(directory: Path, meter: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Decimal]:
    """Cost by namespace, with the idle part under ``idle`` and everything under ``all``."""
    (directory / "facts").mkdir()
    (directory / "perunit.yaml").write_text(CONTRACT.replace("METER", meter), encoding="utf-8")
    shutil.copy(next(SAMPLE.glob("*pod_usage.csv")), directory / "facts" / "pods.csv")
    place = ["-C", str(directory), "--json"]
    assert main([*place, "ingest"]) == 0
    assert main([*place, "bills", "import", str(SAMPLE / "aws_cur_September-2026.csv")]) == 0
    capsys.readouterr()
    assert main([*place, "query", "usage_cost", "idle_cost", "billed_cost", "--by", "namespace"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    found = {row["namespace"]: Decimal(row["usage_cost"]) for row in rows if row["namespace"]}
    (rest,) = [row for row in rows if row["namespace"] is None]
    assert main([*place, "query", "billed_cost"]) == 0
    whole = json.loads(capsys.readouterr().out)["rows"][0]["billed_cost"]
    return found | {"idle": Decimal(rest["idle_cost"]), "all": Decimal(whole)}


@pytest.mark.skipif(not SAMPLE.exists(), reason="the third-party samples are not here")
@pytest.mark.parametrize(
    ("meter", "expected"),
    [
        (
            "requested",
            {
                "analytics": "66.816",
                "catalog": "33.408",
                "cost-management": "33.408",
                "install-test": "33.408",
                "kube-system": "16.704",
                "openshift": "16.704",
                "openshift-kube-apiserver": "16.704",
                "idle": "50.112",
            },
        ),
        (
            "used",
            {
                "analytics": "33.914644",
                "catalog": "17.171784",
                "cost-management": "17.110236",
                "install-test": "17.000751",
                "kube-system": "8.61333",
                "openshift": "8.430954",
                "openshift-kube-apiserver": "8.89931",
                "idle": "156.122991",
            },
        ),
    ],
)
def test_nodes_are_split_by_measured_driver_over_capacity(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], meter: str, expected: dict[str, str]
) -> None:
    """267.264 of four nodes; the whole bill is kept."""
    found = costs(tmp_path, meter, capsys)
    # The notes take every line at 12 places and come to …192911.
    assert found.pop("all") == Decimal("1830.788579192826298526")
    assert {name: cost.quantize(PLACES) for name, cost in found.items()} == {
        name: Decimal(cost).quantize(PLACES) for name, cost in expected.items()
    }
    assert sum(found.values()) == Decimal("267.264")
