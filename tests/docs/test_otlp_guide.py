"""The five-minute guide to OpenTelemetry does what it says, with the real SDK against a real server."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import yaml
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from tests.docs.test_docs import FENCE, page
from tests.faces.serving import Served, command, serving

from perunit.contract.read import examine
from perunit.faces.cli.init import write_project

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = page("doors/otlp.md")


def block(language: str, containing: str) -> str:
    """The one fenced block of a language that has these words."""
    (found,) = [text for info, text in FENCE.findall(GUIDE) if info.split()[0] == language and containing in text]
    return str(found)


def written(folder: Path, containing: str) -> Path:
    """A project with the guide's contract."""
    (folder / "perunit.yaml").write_text(block("yaml", containing), encoding="utf-8")
    return folder


def asked(served: Served, contract: str) -> list[Any]:
    """What the guide's commands answer."""
    lines = re.findall(r"^\$ perunit (.*)$", block("console", contract), re.M)
    return [served.ask(*shlex.split(line)) for line in lines]


def test_the_first_steps(tmp_path: Path) -> None:
    """The contract, the variables and the snippet give an order with one successful attempt of its plan."""
    variables = dict(re.findall(r"^export (\w+)=(\S+)$", block("sh", "OTEL_EXPORTER_OTLP_ENDPOINT"), re.M))
    assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://localhost:8321"
    with serving(written(tmp_path, "kind = 'server'")) as served:
        env = os.environ | variables | {"OTEL_EXPORTER_OTLP_ENDPOINT": served.address}
        subprocess.run([sys.executable, "-c", block("python", "TracerProvider")], env=env, check=True, timeout=60)
        query, receipt = asked(served, "success_rate")
        assert served.stop() == 0
    assert [(row["plan"], row["attempts"], row["success_rate"]) for row in query["rows"]] == [("pro", 1, "1")]
    assert [each["event_type"] for each in receipt["events"]] == ["POST /orders"]


def test_a_model_call_has_its_price_on_the_receipt(tmp_path: Path) -> None:
    """Tokens of a GenAI span, cached ones apart, times imported prices; the order is named by the trace's root."""
    project = written(tmp_path, "model_calls")
    *prices, _ = re.findall(r"^\$ perunit (.*)$", block("console", "prices import genai"), re.M)
    for line in prices:
        done = command("-C", str(project), *shlex.split(line), cwd=project)
        assert done.returncode == 0, done.stderr
    provider = TracerProvider(shutdown_on_exit=False)
    with serving(project) as served:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{served.address}/v1/traces")))
        tracer = provider.get_tracer("agent")
        with tracer.start_as_current_span("answer", attributes={"order.id": "o-1"}):
            usage = {"input_tokens": 1200, "cache_read.input_tokens": 200, "output_tokens": 400}
            usage["cache_creation.input_tokens"] = 100
            tokens = {f"gen_ai.usage.{name}": count for name, count in usage.items()}
            named = {"gen_ai.provider.name": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5"}
            with tracer.start_as_current_span("chat claude-sonnet-4-5", attributes=named | tokens):
                pass
        provider.shutdown()
        receipt = served.ask("receipt", "order", "o-1")
        assert served.stop() == 0
    (call,) = receipt["events"]
    assert {each["meter"]: Decimal(each["quantity"]) for each in call["usage"]} == {
        "input_tokens": 900, "cache_read_tokens": 200, "cache_write_tokens": 100, "output_tokens": 400,
    }  # fmt: skip
    # 3, 0.30, 3.75 and 15 USD per million.
    assert Decimal(receipt["totals"]["variable_cost"]) == Decimal("0.009135")


def test_the_collectors_configuration_is_whole() -> None:
    """Every pipeline names components that are declared, and sends to the port that perunit listens on."""
    (collector,) = [
        yaml.safe_load(text) for info, text in FENCE.findall(GUIDE) if info == "yaml fragment" and "receivers" in text
    ]
    for pipeline in collector["service"]["pipelines"].values():
        for part, names in pipeline.items():
            assert set(names) <= set(collector[part])
    assert set(collector["service"]["pipelines"]) == {"traces", "metrics", "logs"}
    assert collector["exporters"]["otlphttp/perunit"]["endpoint"].endswith(":8321")


def test_the_templates_source_of_spans_fits_it(tmp_path: Path) -> None:
    """What the README of the llm template says to add passes the check."""
    write_project(tmp_path, "llm")
    (added,) = re.findall(
        r"^```yaml fragment\n(.*?)^```$", (tmp_path / "README.md").read_text(encoding="utf-8"), re.M | re.S
    )
    contract = tmp_path / "perunit.yaml"
    whole = contract.read_text(encoding="utf-8").replace("sources:\n", f"sources:\n{added}", 1)
    contract.write_text(whole, encoding="utf-8")
    assert "model_spans" in whole
    assert examine(tmp_path).faults == ()
