"""The guide for functions: the trace of Azure Functions to the last invocation, and a gateway's counters."""

from __future__ import annotations

import csv
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.docs.test_docs import page, perunit, written_out

from perunit.contract.read import read_project
from perunit.facts.doors.exposition import read_exposition
from perunit.live.intake import Intake
from perunit.live.prometheus import PrometheusDoor
from perunit.live.service import Service
from perunit.wiring import opened

if TYPE_CHECKING:
    from pathlib import Path


def test_every_invocation_of_the_trace_counts(tmp_path: Path, shared_data: Path) -> None:
    """199 invocations, their gigabyte-seconds and cost, exactly as the file's own columns sum."""
    trace = shared_data / "azure-functions-sample" / "Azure2021" / "Azure2021_200.csv"
    folder = written_out(page("doors/serverless.md"), tmp_path)
    shutil.copy(trace, folder / "invocations.csv")
    assert perunit(folder, "check")["faults"] == []
    assert [file["accepted"] for file in perunit(folder, "ingest")["files"]] == [199]
    (row,) = perunit(folder, "query", "invocations", "gb_seconds", "variable_cost")["rows"]
    with trace.open(encoding="utf-8-sig") as file:
        durations = [Decimal(each["duration"]) for each in csv.DictReader(file)]
    gb_seconds = sum((round(each * Decimal("0.125"), 9) for each in durations), Decimal(0))
    assert (len(durations), row["invocations"]) == (199, "199")
    assert Decimal(row["gb_seconds"]) == gb_seconds
    assert Decimal(row["variable_cost"]) == 199 * Decimal("0.0000002") + gb_seconds * Decimal("0.000016")


GATEWAY = """\
# TYPE gateway_function_invocation_total counter
gateway_function_invocation_total{function_name="resize.fn",code="200"} %d
# TYPE gateway_functions_seconds histogram
gateway_functions_seconds_bucket{function_name="resize.fn",code="200",le="+Inf"} 7
gateway_functions_seconds_sum{function_name="resize.fn",code="200",memory_gb="0.512"} %s
gateway_functions_seconds_count{function_name="resize.fn",code="200"} 7
"""


def test_a_gateways_counters_are_usage(tmp_path: Path) -> None:
    """Three invocations of 0.75 s together at 512 MB, however many there were before."""
    folder = written_out(page("doors/serverless.md"), tmp_path) / "metrics"
    assert read_project(folder).contract.sources["gateway"].format == "prometheus"
    with opened(folder, purpose="serve") as project:
        intake = Intake(project.project, project.engine, project.clock)
        door = PrometheusDoor(Service(project.project, intake, project.clock, intake.meters), "scrape")
        now = int(project.clock().timestamp()) * 1_000_000
        for seconds, invocations, duration in ((-60, 7, "3.5"), (-30, 10, "4.25")):
            rows = read_exposition((GATEWAY % (invocations, duration)).encode(), now + seconds * 1_000_000)
            assert [future.result(30).rejected for future in door.submit(rows)] == [0]
        intake.close()
    (row,) = perunit(folder, "query", "invocations", "gb_seconds", "--by", "code")["rows"]
    assert (row["code"], row["invocations"], Decimal(row["gb_seconds"])) == ("200", "3", Decimal("0.384"))
