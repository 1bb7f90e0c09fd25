"""The five-minute guide to Kafka does what it says, with the real client and a broker on the wire."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import yaml
from tests.docs.test_docs import FENCE, page
from tests.faces.serving import serving
from tests.live.broker import running
from tests.live.kafka_project import until

from perunit.contract.read import examine
from perunit.live.kafka_client import KafkaMeters
from perunit.live.meters import Meters

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = page("doors/kafka.md")


def block(language: str, containing: str) -> str:
    """The one fenced block of a language that has these words."""
    (found,) = [text for info, text in FENCE.findall(GUIDE) if info.split()[0] == language and containing in text]
    return str(found)


def test_the_first_steps(tmp_path: Path) -> None:
    """The contract and the snippet give three orders by plan; what `produce` tells of them is what the guide shows."""
    told = yaml.safe_load(block("yaml", "produce:"))["kafka"]["shop"]["produce"]
    with running(tmp_path / "broker") as broker:
        for topic in ("orders", "unit-impact"):
            broker.make(topic)
        contract = yaml.safe_load(block("yaml", "order.failed").replace("localhost:9092", broker.address))
        contract["kafka"]["shop"]["produce"] = told
        (tmp_path / "shop").mkdir()
        (tmp_path / "shop" / "perunit.yaml").write_text(yaml.safe_dump(contract), encoding="utf-8")
        snippet = block("python", "confluent_kafka").replace("localhost:9092", broker.address)
        subprocess.run([sys.executable, "-c", snippet], check=True, timeout=60)
        with serving(tmp_path / "shop") as served:
            until(lambda: served.rows() == 3)
            (words,) = re.findall(r"^\$ perunit (query .*)$", GUIDE, re.M)
            rows = served.ask(*words.split())["rows"]
            (event,) = [
                each
                for each in (json.loads(message.value()) for message in broker.read("unit-impact", 2))
                if each["subject"] == "plan=pro"
            ]
            assert served.stop() == 0
    assert [(row["plan"], row["units"], row["revenue"]) for row in rows] == [("free", 1, "19.9"), ("pro", 2, "39.8")]
    shown = json.loads(block("json", "perunit.unit.impact"))
    assert {**event, "id": ""} == {**shown, "id": ""}


def test_every_contract_of_the_guide_is_sound(tmp_path: Path) -> None:
    """Its fragments too, within the contract of the first step."""
    first = yaml.safe_load(block("yaml", "order.failed"))
    for containing in ("KAFKA_PASSWORD", "produce:"):
        contract = first | yaml.safe_load(block("yaml", containing))
        (tmp_path / "perunit.yaml").write_text(yaml.safe_dump(contract), encoding="utf-8")
        assert [str(fault) for fault in examine(tmp_path).faults] == []


def test_every_metric_is_in_the_guide() -> None:
    """By the name it has on /metrics."""
    meters = Meters()
    before = {metric.name for metric in meters.registry.collect()}
    KafkaMeters(meters)
    for metric in meters.registry.collect():
        if metric.name not in before:
            assert f"`{metric.name}{'_total' if metric.type == 'counter' else ''}`" in GUIDE
