"""FOCUS 1.4 samples of another tool, tied out end to end: Cost and Usage, Invoice Detail and Billing Period."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from perunit.economics.reconcile.tie_out import TieStatus
from perunit.faces.cli.main import main
from perunit.measures.closing import Reconciliation, reconciliation
from perunit.wiring import opened

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "focus-1.2-1.3-toolkit" / "generated"
pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="the third-party samples are not here")


@pytest.mark.parametrize(
    ("provider", "total"),
    [("aws", "21680.581928138869135"), ("azure", "37603.158611616752"), ("gcp", "20775.948943532903")],
)
def test_a_sample_ties_out_with_its_invoices(provider: str, total: str, tmp_path: Path) -> None:
    """Both invoices tie out to the last digit, the period is closed, and the bridge ends at the control total."""
    (tmp_path / "perunit.yaml").write_text("version: 1\nunits: {order: {owner: a, key: k}}\n", encoding="utf-8")
    files = [SAMPLES / f"{provider}_1.4" / f"synthetic_focus_1_4_{name}.csv" for name in NAMES]
    assert main(["-C", str(tmp_path), "bills", "import", *map(str, files)]) == 0
    answer = reconciled(tmp_path)
    assert [line.status for line in answer.tie_out.invoices] == [TieStatus.TIES] * 2
    assert (answer.verdict, answer.status, answer.tie_out.tolerance) == ("ties out", "closed", 0)
    (bridge,) = answer.bridges
    assert (bridge.open, bridge.end, bridge.is_invoiced) == (0, Decimal(total), True)


NAMES = ("cost_and_usage", "invoice_detail", "billing_period")


def reconciled(folder: Path) -> Reconciliation:
    """The reconciliation of the last period."""
    with opened(folder, purpose="test") as project:
        return reconciliation(project.engine, project.contract)
