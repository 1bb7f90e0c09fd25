"""Scraping, exporting and remote writing: each wrong line is one fault with place, rule and mend; no secret is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perunit.contract.prometheus_check import seconds_of
from perunit.contract.read import faults, read_project

Write = Callable[..., Path]

SOUND = """\
version: 1
units:
  order: {owner: checkout, key: order_id, segments: [plan]}
events:
  order.completed: {unit: order, amounts: {revenue: data.total}}
meters: {cpu_seconds: {unit: s}}
sources:
  pods:
    format: prometheus
    match: metric = 'pod_cpu_seconds_total'
    event: {type: "'pod.used'", units: {order: "labels['order']"}}
scrape:
  nodes:
    url: [http://node-1:9100/metrics, "https://[::1]:9100/metrics"]
    every: 30s
    timeout: 30s
    labels: {cluster: eu}
    token_variable: NODE_TOKEN
export:
  orders: {unit: order, measures: [revenue, cpu_seconds_per_unit], by: [plan], window: hour}
remote_write: {url: "https://prometheus:9090/api/v1/write", every: 5m, token_file: /run/token}
"""


def test_a_sound_contract_is_read_whole(project: Write) -> None:
    """One target may stand without brackets; what is not said has a default."""
    contract = read_project(project(SOUND)).contract
    assert contract.scrape["nodes"].url == ("http://node-1:9100/metrics", "https://[::1]:9100/metrics")
    assert contract.scrape["nodes"].bytes_max == 16_000_000
    assert contract.remote_write is not None
    assert seconds_of(contract.remote_write.every) == 300
    one = SOUND.replace('[http://node-1:9100/metrics, "https://[::1]:9100/metrics"]', "http://node-1/metrics")
    assert read_project(project(one)).contract.scrape["nodes"].url == ("http://node-1/metrics",)


# (what is replaced, by what, place, rule, part of the mend)
CASES = [
    (
        "http://node-1:9100/metrics",
        "file:///etc/passwd",
        "scrape.nodes.url.1",
        "must be http:// or https://",
        "http://host",
    ),
    ("http://node-1:9100/metrics", "http://node-1:999999/", "scrape.nodes.url.1", "must be http:// or https://", ""),
    (
        "http://node-1:9100/metrics",
        "http://me:hush@node-1/",
        "scrape.nodes.url.1",
        "must not hold a name or",
        "token_file",
    ),
    ("every: 30s", "every: 15s", "scrape.nodes.timeout", "must not be longer than every", "15s"),
    ("every: 30s", "every: soon", "scrape.nodes.every", "must be a number and its unit", ""),
    ("cluster: eu", "job: eu", "scrape.nodes.labels.job", "must be letters, digits and _, and not job", "rename"),
    ("cluster: eu", "a-b: eu", "scrape.nodes.labels.a-b", "must be letters, digits and _", "rename"),
    ("NODE_TOKEN", "eyJhbGciOi.J9", "scrape.nodes.token_variable", "must be the name of an environment", "NODE_TOKEN"),
    (
        "labels: {cluster",
        "token_file: t\n    labels: {cluster",
        "scrape.nodes.token_variable",
        "must not stand beside",
        "",
    ),
    ("labels: {cluster", "ca_file: c\n    verify: false\n    labels: {cluster", "scrape.nodes.ca_file", "beside", ""),
    ("format: prometheus", "format: otlp_metrics", "scrape", "must be mapped, and no source", "format: prometheus"),
    ("unit: order, measures", "unit: ordr, measures", "export.orders.unit", "must be a unit type", "order?"),
    ("[revenue, cpu", "[revenu, cpu", "export.orders.measures.1", "must be a measure", "revenue?"),
    ("by: [plan]", "by: [plans]", "export.orders.by.1", "must be a segment", "plan?"),
    ("https://prometheus:9090/api/v1/write", "prometheus:9090", "remote_write.url", "must be http://", ""),
]


@pytest.mark.parametrize(("old", "new", "place", "rule", "mend"), CASES, ids=[f"{case[2]}-{case[1]}" for case in CASES])
def test_each_fault_names_its_place_and_mend(
    project: Write, old: str, new: str, place: str, rule: str, mend: str
) -> None:
    """Among the faults is the one expected."""
    assert old in SOUND
    found, _ = faults(project(SOUND.replace(old, new)))
    assert [each for each in found if each.place == place and rule in each.rule and mend in each.mend], found


def test_no_credential_is_repeated(project: Write) -> None:
    """What was written in the wrong place may be one."""
    for old, new in (("NODE_TOKEN", "hush-hush"), ("http://node-1:9100/", "http://me:hush-hush@node-1/")):
        assert "hush" not in str(faults(project(SOUND.replace(old, new))))


def test_remote_write_needs_something_to_write(project: Write) -> None:
    """Without an export there is none."""
    start, end = SOUND.index("export:"), SOUND.index("remote_write:")
    (fault,), _ = faults(project(SOUND[:start] + SOUND[end:]))
    assert (fault.place, fault.rule) == ("remote_write", "must have something to write")


def test_a_scrape_that_comes_too_late_for_gauges_is_noted(project: Write) -> None:
    """What they held would be unknown every time, which nobody would see."""
    found, notes = faults(project(SOUND.replace("every: 30s", "every: 10m")))
    assert found == []
    assert [(note.place, note.got) for note in notes if "hold_seconds" in note.rule] == [("scrape.nodes.every", "10m")]
