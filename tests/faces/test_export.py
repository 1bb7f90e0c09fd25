"""What Prometheus collects of perunit: the same digits as ``perunit query``, ratios from sums, within a limit."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from perunit.faces.export.prometheus import exposition, recording_rules
from perunit.wiring import opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 9, 1, 23, 30, tzinfo=UTC)
EXPORT = """
export:
  orders: {measures: [cost_per_unit, revenue, success_rate], by: [plan, region], window: %s, series_max: %d}
  users: {unit: user, measures: [active_units, revenue], window: day}
"""

Run = tuple[int, str, str]


@pytest.fixture
def shop(tmp_path: Path, run: Callable[..., Run]) -> Callable[..., Path]:
    """A shop with its sample facts, and an export of a window and limit."""
    assert run("init", tmp_path / "shop", "--template", "ecommerce")[0] == 0
    written = (tmp_path / "shop" / "perunit.yaml").read_text(encoding="utf-8")

    def with_export(window: str = "day", series_max: int = 1000) -> Path:
        (tmp_path / "shop" / "perunit.yaml").write_text(written + EXPORT % (window, series_max), encoding="utf-8")
        assert run("-C", tmp_path / "shop", "ingest")[0] == 0
        return tmp_path / "shop"

    return with_export


def shown(root: Path) -> str:
    """What Prometheus would scrape of a project at the end of its first day."""
    with opened(root, purpose="test") as project:
        return exposition(project.engine, project.contract, NOW)


def lines(text: str) -> dict[str, str]:
    """Series → its digits, as they stand there."""
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ("hour", "2026-09-01T23:00Z", "2026-09-02"),
        ("day", "2026-09-01", "2026-09-02"),
        ("month", "2026-09-01", "2026-10-01"),
    ],
)
def test_every_number_is_that_of_a_query(
    shop: Callable[..., Path], run: Callable[..., Run], window: str, start: str, end: str
) -> None:
    """Each segment and measure, to the last digit; what a query leaves empty has no series."""
    root = shop(window)
    found = lines(shown(root))
    measures = ("variable_cost", "units", "cost_per_unit", "revenue", "successes", "attempts", "success_rate")
    words = ("query", *measures, "--by", "plan,region", "--from", start, "--to", end)
    answer = json.loads(run("-C", root, "--json", *words)[1])
    expected = {}
    for row in answer["rows"]:
        for measure in measures:
            money = ',currency="USD"' if measure in {"variable_cost", "cost_per_unit", "revenue"} else ""
            labels = (
                f'export="orders",unit="order",window="{window}",plan="{row["plan"]}",region="{row["region"]}"{money}'
            )
            if row[measure] is not None:
                expected[f"perunit_segment_{measure}{{{labels}}}"] = str(row[measure])
    assert expected
    assert {series: digits for series, digits in found.items() if 'export="orders",unit' in series} == expected
    assert found['perunit_segment_series_left_out{export="orders"}'] == "0"


def test_prometheus_own_parser_reads_it_and_no_id_is_a_label(shop: Callable[..., Path]) -> None:
    """Each metric stands together, with its help and type; labels are segments and what the export says."""
    families = list(text_string_to_metric_families(shown(shop())))
    assert len({family.name for family in families}) == len(families)
    assert {family.type for family in families} == {"gauge"}
    labels = {label for family in families for sample in family.samples for label in sample.labels}
    assert labels == {"export", "unit", "window", "plan", "region", "currency"}


def test_series_beyond_the_limit_are_left_out_whole_segments_at_a_time_and_counted(shop: Callable[..., Path]) -> None:
    """A segment with a cost but without its count would make a wrong ratio."""
    every = [series for series in lines(shown(shop())) if 'export="orders",unit' in series]
    kept = lines(shown(shop("day", 20)))
    series = [each for each in kept if 'export="orders",unit' in each]
    assert 0 < len(series) <= 20
    assert kept['perunit_segment_series_left_out{export="orders"}'] == str(len(every) - len(series))
    segments = [each.split("plan=")[1].split(",currency")[0].rstrip("}") for each in series]
    assert {segments.count(each) for each in segments} == {7}


def test_an_export_without_an_exact_answer_does_not_stop_the_others(shop: Callable[..., Path]) -> None:
    """Billed cost is known by the day alone; the hour's export is down, and says so."""
    root = shop("hour")
    with opened(root, purpose="test") as project:
        project.engine.execute(
            "INSERT INTO allocations BY NAME SELECT 1 AS bill_id, 1 AS pool_id, 'r' AS rule, 'even' AS method, "
            "'direct' AS kind, 'USD' AS currency, TIMESTAMP '2026-09-01' AS day, 1 AS cell_id, 1 AS billed_cost, "
            "1 AS effective_cost"
        )
        found = lines(exposition(project.engine, project.contract, NOW))
    assert found['perunit_segment_export_up{export="orders"}'] == "0"
    assert found['perunit_segment_export_up{export="users"}'] == "1"
    assert [series for series in found if 'export="users",unit' in series]
    assert not [series for series in found if 'export="orders",unit' in series]


def rules(root: Path) -> tuple[str, dict[str, str]]:
    """A project's recording rules, as text and as record → expression."""
    with opened(root, purpose="test") as project:
        text = recording_rules(project.contract)
    groups = yaml.safe_load(text)["groups"]
    return text, {rule["record"]: rule["expr"] for group in groups for rule in group["rules"]}


def test_rules_divide_sums_and_stand_for_every_ratio(shop: Callable[..., Path]) -> None:
    """Over all segments and by each dimension; money keeps its currency, counts have none."""
    _, found = rules(shop())
    assert set(found) == {
        f"{level}:perunit_segment_{measure}:ratio"
        for level in ("orders", "orders_plan", "orders_region")
        for measure in ("cost_per_unit", "success_rate")
    }
    assert found["orders_plan:perunit_segment_cost_per_unit:ratio"] == (
        'sum by (export, unit, window, plan, currency) (perunit_segment_variable_cost{export="orders"})'
        " / on (export, unit, window, plan) group_left () "
        '(sum by (export, unit, window, plan) (perunit_segment_units{export="orders"}) > 0)'
    )


promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not here: apt-get install prometheus"
)


@promtool
def test_promtool_accepts_the_rules_and_computes_the_ratio(shop: Callable[..., Path], tmp_path: Path) -> None:
    """Two segments of 3 / 1 and 1 / 3 units cost 1 a unit together, where the mean of their ratios is 1.67."""
    text, _ = rules(shop())
    (tmp_path / "rules.yml").write_text(text, encoding="utf-8")
    promise(tmp_path, "check", "rules", "rules.yml")
    labels = 'export="orders", unit="order", window="day"'
    series = [
        (f'perunit_segment_variable_cost{{{labels}, plan="{plan}", currency="USD"}}', cost)
        for plan, cost in (("a", 3), ("b", 1))
    ] + [(f'perunit_segment_units{{{labels}, plan="{plan}"}}', units) for plan, units in (("a", 1), ("b", 3))]
    case: dict[str, Any] = {
        "rule_files": ["rules.yml"],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": str(value)} for name, value in series],
                "promql_expr_test": [
                    {
                        "expr": "orders:perunit_segment_cost_per_unit:ratio",
                        "eval_time": "1m",
                        "exp_samples": [
                            {
                                "labels": f'orders:perunit_segment_cost_per_unit:ratio{{{labels}, currency="USD"}}',
                                "value": 1,
                            }
                        ],
                    }
                ],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(case), encoding="utf-8")
    promise(tmp_path, "test", "rules", "test.yml")


def promise(folder: Path, *words: str) -> None:
    """Promtool says that all is well."""
    done = subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_verb_writes_both_to_files_or_the_screen(shop: Callable[..., Path], run: Callable[..., Run]) -> None:
    """A file is whole whenever it is read; without an export there is nothing to write."""
    root = shop()
    code, out, _ = run("-C", root, "export", "prometheus-rules")
    assert (code, out) == (0, rules(root)[0])
    code, out, err = run("-C", root, "export", "prometheus", "--output", root / "perunit.prom")
    assert (code, out, err) == (0, "", f"wrote {root / 'perunit.prom'}\n")
    assert "perunit_segment_series_left_out" in (root / "perunit.prom").read_text(encoding="utf-8")
    code, out, _ = run("-C", root, "--json", "export", "prometheus-rules")
    assert json.loads(out)["text"] == rules(root)[0]
    contract = root / "perunit.yaml"
    contract.write_text(contract.read_text(encoding="utf-8").split("\nexport:")[0], encoding="utf-8")
    code, _, err = run("-C", root, "export", "prometheus")
    assert code == 2
    assert "has no export" in err
