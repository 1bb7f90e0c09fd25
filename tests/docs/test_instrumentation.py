"""The guide for producers does what it says: its own service, run by its own check, emits its own contract."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace.sampling import Decision

from perunit.contract.read import read_project

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = Path(__file__).resolve().parents[2] / "docs" / "instrumentation.md"
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)


def fences(key: str) -> dict[str, str]:
    """What a fence is called under ``key=`` → its text."""
    found = FENCE.findall(PAGE.read_text(encoding="utf-8"))
    return {match[1]: block for info, block in found if (match := re.search(rf"{key}=(\S+)", info))}


def written(folder: Path) -> Path:
    """The project of the page."""
    for place, block in fences("file").items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block, encoding="utf-8")
    return folder


def service(folder: Path) -> Path:
    """The Python of the page as one script, against whichever server it is told of."""
    blocks = fences("run")
    text = blocks["traces"] + blocks["events"]
    text = text.replace('"http://localhost:8321", ', "None, ").replace("/var/spool/checkout", str(folder / "spool"))
    path = folder / "service.py"
    path.write_text(text, encoding="utf-8")
    return path


def checked(folder: Path, *words: str) -> tuple[int, Any]:
    """The check of the page around its service."""
    check = [sys.executable, "-m", "perunit.faces.cli.main", "-C", str(folder), "--json", "contract", "test"]
    ran = subprocess.run([*check, *words], capture_output=True, text=True, check=False, timeout=120)
    assert ran.stdout, ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def test_the_service_of_the_guide_emits_its_contract(tmp_path: Path) -> None:
    """Traces by the real OTLP exporter, events by the client: all accepted, every expected subject seen, no warning."""
    folder = written(tmp_path)
    code, answer = checked(folder, "--listen", "0", "--for", "60s", "--", sys.executable, str(service(folder)))
    seen = {each["name"]: (each["expected"], each["received"], each["accepted"]) for each in answer["subjects"]}
    assert seen == {
        "order.completed": (True, 1, 1),
        "payment.attempted": (True, 1, 1),
        "requests": (True, 3, 3),
    }
    assert answer["findings"] == []
    assert (code, answer["status"]) == (0, "passed")


def test_a_service_that_forgets_the_unit_is_found_out(tmp_path: Path) -> None:
    """Without the `with unit(…)` the spans are nobody's, and without the user's id the event is refused."""
    folder = written(tmp_path)
    script = service(folder)
    text = script.read_text(encoding="utf-8").replace("unit(order=order_id, user=user_id,", "unit(")
    script.write_text(text.replace('"user_id": "u-7", "plan"', '"plan"'), encoding="utf-8")
    code, answer = checked(folder, "--listen", "0", "--", sys.executable, str(script))
    found = {(each["kind"], each["subject"], each["place"]) for each in answer["findings"]}
    assert code == 1
    assert {("unseen", "requests", "source"), ("rejected", "order.completed", "data.user_id")} <= found


def test_the_sampler_of_the_guide_states_what_it_says() -> None:
    """A tenth with e666, and enterprise customers whole."""
    names: dict[str, Any] = {}
    exec(fences("run")["sampling"], names)
    sampler = names["sampler"]
    results = [sampler.should_sample(None, trace_id, "x") for trace_id in range(0, 1 << 56, 1 << 48)]
    kept = [result for result in results if result.decision is Decision.RECORD_AND_SAMPLE]
    assert 0.09 < len(kept) / len(results) < 0.11
    assert {stated(result.trace_state) for result in kept} == {"th:e666"}
    critical = sampler.should_sample(None, 1, "x", attributes={"segment.plan": "enterprise"})
    assert stated(critical.trace_state) == "th:0"


def stated(state: Mapping[str, str]) -> str:
    """OpenTelemetry's entry of a tracestate."""
    return state["ot"]


def test_the_contract_of_the_guide_has_no_fault(tmp_path: Path) -> None:
    """Read whole, schema included."""
    assert set(read_project(written(tmp_path)).contract.events) == {"order.completed", "payment.attempted"}
