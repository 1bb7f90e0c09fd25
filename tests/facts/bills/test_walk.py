"""Every file of the sample bills is imported, or refused with its reason while the store stays as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perunit.facts.bills import import_bill, import_statements
from perunit.facts.bills.faults import StatementError
from perunit.model.errors import InputError

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine

SAMPLES = Path(__file__).parents[4] / "shared" / "data"
FOLDERS = (
    *("focus-1.2-1.3-toolkit", "focus-spec-examples", "azure-ea-finops-toolkit", "keboola-cur"),
    *("opencost-fixtures", "nise-ocp-on-aws"),
)
PARTIAL = "must have BillingCurrency, BillingAccountId"
NO_BILL = "must have BilledCost, EffectiveCost"
DOCUMENT = "must be JSON, one object a line or one array"
# (part of the path, why it is refused); the first that fits counts. What fits none is a bill.
REFUSED = (
    ("_contract_commitment_", "a FOCUS Contract Commitment dataset"),
    ("golden/scenarios_correction_set", "must have EffectiveCost"),
    ("golden/scenarios_sca", "must have EffectiveCost"),
    ("_run.json", DOCUMENT),
    ("anifest.json", DOCUMENT),
    ("spec-examples/commitment_discount", PARTIAL),
    ("simple_saas_agreements", "must be a plain decimal number"),
    ("spec-examples/saas_examples", "must be an ISO 8601 time"),
    ("EA_NoRows", "must hold at least one charge"),
    ("billingexports/values/Template", "must have a value or an empty cell for every column"),
    ("billingexports/values/", "BillingCurrency"),
    ("headersets/BOM", "BilledCost: got"),
    ("opencost-fixtures/configs/", "must"),
    ("gcp/test/", DOCUMENT),
    ("oracle/test/", DOCUMENT),
    ("ocp_", NO_BILL),
)


def files() -> list[str]:
    """The data files of the folders, as paths below the samples."""
    return sorted(
        str(path.relative_to(SAMPLES))
        for folder in FOLDERS
        for path in (SAMPLES / folder).rglob("*")
        if path.suffix in {".csv", ".json", ".gz", ".zip"}
    )


def test_the_samples_are_here() -> None:
    """Says so where they are not, so that the walk below is not silently empty."""
    if not SAMPLES.exists():
        pytest.skip("the third-party samples are not here")
    assert len(files()) > 100


@pytest.mark.parametrize("path", files())
def test_a_sample_is_imported_or_refused_with_its_reason(engine: Engine, path: str) -> None:
    """All or nothing: a refused file leaves no bill, line or statement."""
    reason = next((why for part, why in REFUSED if part in path), None)
    if reason is None:
        assert taken(engine, SAMPLES / path)
        return
    with pytest.raises(InputError) as refused:
        taken(engine, SAMPLES / path)
    assert reason in str(refused.value)
    for table in ("bills", "charges", "invoices", "billing_periods"):
        assert engine.value(f"SELECT count(*) FROM {table}") == 0


def taken(engine: Engine, path: Path) -> list[Any]:
    """Imports a file as the command does: as charges, or as what an issuer states."""

    def clock() -> datetime:
        return datetime(2026, 11, 1, tzinfo=UTC)

    try:
        return list(import_bill(engine, path, clock=clock))
    except StatementError as found:
        return list(import_statements(engine, path, found.dataset, clock=clock))
