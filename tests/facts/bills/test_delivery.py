"""Directories as AWS delivers them: the manifest says which files are the bill."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perunit.facts.bills.delivery import parts_of
from perunit.model.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "keboola-cur"


def put(path: Path, text: str = "x") -> Path:
    """Writes a file with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def legacy(assembly: str, *keys: str) -> str:
    """A manifest of a legacy report."""
    period = {"start": "20260501T000000.000Z", "end": "20260601T000000.000Z"}
    return json.dumps({"assemblyId": assembly, "reportName": "cost", "billingPeriod": period, "reportKeys": list(keys)})


def test_chunks_of_an_older_assembly_are_left_out(tmp_path: Path) -> None:
    """The manifest of the period's folder names the last assembly; older ones lie beside it."""
    month = tmp_path / "20260501-20260601"
    keys = ["bucket/cost/20260501-20260601/new/cost-1.csv", "bucket/cost/20260501-20260601/new/cost-2.csv"]
    put(month / "old" / "cost-1.csv")
    put(month / "old" / "cost-Manifest.json", legacy("old", "bucket/cost/20260501-20260601/old/cost-1.csv"))
    put(month / "new" / "cost-Manifest.json", legacy("new", *keys))
    chunks = [put(month / "new" / "cost-1.csv"), put(month / "new" / "cost-2.csv")]
    put(month / "cost-Manifest.json", legacy("new", *keys))
    assert parts_of(month) == parts_of(tmp_path) == chunks
    assert parts_of(month / "old") == [month / "old" / "cost-1.csv"]
    chunks[1].unlink()
    with pytest.raises(InputError, match=r"new/cost-2\.csv is not there"):
        parts_of(month)


def test_two_assemblies_side_by_side_are_refused(tmp_path: Path) -> None:
    """Which one is the last cannot be seen, and a sum of both would count twice."""
    for assembly in ("a1b2", "c3d4"):
        put(tmp_path / assembly / "cost-1.csv")
        put(tmp_path / assembly / "cost-Manifest.json", legacy(assembly, f"bucket/{assembly}/cost-1.csv"))
    with pytest.raises(InputError, match="one of 2 assemblies of one billing period"):
        parts_of(tmp_path)


def test_the_latest_dated_execution_counts(tmp_path: Path) -> None:
    """CUR 2.0 can keep every execution in a folder of its own, named by its time."""
    for stamp in ("20260510T000000-a", "20260602T000000-b"):
        put(tmp_path / "data" / "BILLING_PERIOD=2026-05" / stamp / "cost-00001.csv")
        key = f"s3://bucket/export/data/BILLING_PERIOD=2026-05/{stamp}/cost-00001.csv"
        manifest = {"exportArn": "arn", "executionId": stamp, "dataFiles": [key]}
        put(tmp_path / "metadata" / "BILLING_PERIOD=2026-05" / stamp / "cost-Manifest.json", json.dumps(manifest))
    (part,) = parts_of(tmp_path)
    assert part.parent.name == "20260602T000000-b"


@pytest.mark.parametrize("manifests", [True, False])
def test_the_root_of_an_export_holds_every_period(tmp_path: Path, manifests: bool) -> None:
    """Each BILLING_PERIOD folder adds its chunks, with or without the folder of manifests."""
    root = tmp_path if manifests else tmp_path / "data"
    for month in ("2026-04", "2026-05"):
        put(tmp_path / "data" / f"BILLING_PERIOD={month}" / "cost-00001.parquet")
        if manifests:
            key = f"s3://bucket/export/data/BILLING_PERIOD={month}/cost-00001.parquet"
            manifest = json.dumps({"exportArn": "arn", "executionId": month, "dataFiles": [key]})
            put(tmp_path / "metadata" / f"BILLING_PERIOD={month}" / "cost-Manifest.json", manifest)
    assert [part.parent.name for part in parts_of(root)] == ["BILLING_PERIOD=2026-04", "BILLING_PERIOD=2026-05"]


def test_a_manifest_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    """Without it nobody knows what is missing."""
    put(tmp_path / "cost-1.csv")
    put(tmp_path / "cost-Manifest.json", legacy("a", "cost-1.csv")[:-9])
    with pytest.raises(InputError, match="no whole manifest"):
        parts_of(tmp_path)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the third-party samples are not here")
@pytest.mark.parametrize(
    ("path", "total"),
    [
        ("cur_1_0/s3_structure", "0.045152"),
        ("cur_1_0/s3_structure/mock-cur-bucket/20240101-20240131", "0.045152"),
        ("cur_2_0/s3_structure", "0.108304"),
        ("cur_2_0/s3_structure/mock-cur-v2-bucket", "0.108304"),
    ],
)
def test_sample_deliveries_come_to_their_control_totals(load: Callable[..., Any], path: str, total: str) -> None:
    """Found from the bucket, the export's root or the period's folder; again changes nothing."""
    (result,) = load(SAMPLES / path)
    assert result.billed_cost == Decimal(total)
    assert load(SAMPLES / path)[0].status == "unchanged"
