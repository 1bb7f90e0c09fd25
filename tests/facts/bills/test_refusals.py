"""What a bill file is refused for; a refused file changes nothing."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from perunit.facts.bills.faults import BillFaultsError
from perunit.model.errors import InputError

if TYPE_CHECKING:
    from perunit.engine.duckdb import Engine

Table = Callable[..., str]
Load = Callable[..., Any]
Line = dict[str, str]


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("BilledCost", "1.0000000000000000001", "at most 13 digits before and 18 after"),
        ("BilledCost", "1.5e-18", "at most 13 digits before and 18 after"),
        ("BilledCost", "12345678901234", "at most 13 digits before and 18 after"),
        ("BilledCost", "1e14", "at most 13 digits before and 18 after"),
        ("BilledCost", "NaN", "plain decimal number"),
        ("BilledCost", "inf", "plain decimal number"),
        ("EffectiveCost", "1,234.56", "plain decimal number"),
        ("EffectiveCost", "1234,56", "plain decimal number"),
        ("EffectiveCost", "$5.00", "plain decimal number"),
        ("EffectiveCost", "1_000", "plain decimal number"),
        ("EffectiveCost", "(5.00)", "plain decimal number"),
        ("EffectiveCost", "", "must not be empty"),
        ("BilledCost", "NULL", "must not be empty"),
        ("BillingCurrency", "XYZ", "ISO 4217"),
        ("BillingCurrency", "€", "ISO 4217"),
        ("BillingAccountId", "", "must not be empty"),
        ("BillingPeriodStart", "5/1/26", "ISO 8601"),
        ("ChargePeriodStart", "2026-02-30T00:00:00Z", "ISO 8601"),
        ("ChargePeriodStart", "epoch", "ISO 8601"),
        ("ChargePeriodEnd", "2026-05-01T00:00:00Z", "must be later than ChargePeriodStart"),
        ("ChargePeriodEnd", "2126-05-01T00:00:00Z", "years from now"),
        ("ChargePeriodStart", "1999-05-01T00:00:00Z", "years from now"),
        ("BillingPeriodEnd", "2026-04-01T00:00:00Z", "must be later than BillingPeriodStart"),
        ("BillingPeriodEnd", "2028-06-01T00:00:00Z", "at most 400 days"),
        ("ChargeCategory", "Refund", "one of Usage, Purchase, Tax, Credit, Adjustment"),
        ("ChargeClass", "Something", "one of Correction"),
        ("ListCost", "ten", "plain decimal number"),
        ("ConsumedQuantity", "many", "plain decimal number"),
        ("Tags", "[1]", "JSON object"),
        ("Tags", '{"a":"1","a":"2"}', "JSON object with distinct keys"),
        ("Tags", '{"a":', "JSON object"),
        ("Tags", "shop", "key=value"),
        ("InvoiceIssuerName", "", "must name who sent the bill"),
    ],
)
def test_a_wrong_cell_refuses_the_file(
    engine: Engine, load: Load, line: Line, table: Table, column: str, value: str, rule: str
) -> None:
    """The fault names line, column, value, rule and mend, and not even the right lines are kept."""
    right = {"ListCost": "1", "ConsumedQuantity": "1", "ChargeClass": ""} | line
    with pytest.raises(BillFaultsError) as refused:
        load(table(right, right | {column: value}))
    fault = refused.value.faults[0]
    assert rule in fault.rule
    assert fault.mend
    assert (fault.line, fault.place.removesuffix("Start").removesuffix("End")) == (
        3,
        column.removesuffix("Start").removesuffix("End"),
    )
    assert value in fault.got or value.upper() in ("", "NULL") or "ISO 8601" not in rule
    assert engine.value("SELECT count(*) FROM bills") == engine.value("SELECT count(*) FROM charges") == 0


def test_the_first_faults_are_listed_and_all_are_counted(load: Load, line: Line, table: Table) -> None:
    """A file with many faults shows twenty, in the order of its lines, and says how many there are."""
    wrong = line | {"BilledCost": "x", "BillingCurrency": "y"}
    with pytest.raises(BillFaultsError) as refused:
        load(table(*[line, *[wrong] * 30]))
    assert (len(refused.value.faults), refused.value.total) == (20, 60)
    assert [fault.line for fault in refused.value.faults] == [line for line in range(3, 13) for _ in range(2)]
    assert str(refused.value).endswith("… and 40 more\n60 faults; nothing was imported")


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ("lineItem/UnblendedCost,bill/InvoiceId", "an AWS Cost and Usage Report (legacy CUR)"),
        ("line_item_unblended_cost,bill_invoice_id", "an AWS Cost and Usage Report (CUR 2.0)"),
        ("MeterCategory,CostInBillingCurrency", "an Azure Cost Management export"),
        ("usage_start_time,cost,currency", "a Google Cloud billing export"),
        ("lineItem/referenceNo,cost/myCost", "an OCI cost report"),
    ],
)
def test_an_incomplete_native_export_is_recognised(load: Load, columns: str, what: str) -> None:
    """One fault says what the file looks like and which of its columns are missing."""
    with pytest.raises(BillFaultsError) as refused:
        load(f"{columns}\n1,2,3\n")
    (fault,) = refused.value.faults
    assert "EffectiveCost" in fault.rule
    assert f"this looks like {what} without " in fault.mend


def test_a_dataset_without_charges_is_recognised(load: Load) -> None:
    """The other datasets of the standard are not bills."""
    with pytest.raises(BillFaultsError, match="a FOCUS Invoice Detail dataset, must hold charges"):
        load("InvoiceDetailId,BilledCost\n1,2\n")


def test_missing_mandatory_columns_are_one_fault(load: Load, line: Line, table: Table) -> None:
    """Every missing column is named at once."""
    with pytest.raises(BillFaultsError) as refused:
        load(table({name: value for name, value in line.items() if name not in {"BillingCurrency", "ChargeCategory"}}))
    (fault,) = refused.value.faults
    assert fault.rule.startswith("must have BillingCurrency, ChargeCategory, or be an export of AWS")


def test_a_column_that_comes_twice_is_refused(load: Load, line: Line, table: Table) -> None:
    """BilledCost and billed_cost in one file contradict each other."""
    with pytest.raises(BillFaultsError, match="second BilledCost column"):
        load(table(line | {"billed_cost": "2"}))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty file"),
        (b" \n\n", "empty file"),
        (b"PK\x03\x04abcd", "workbook or a broken zip archive"),
        (gzip.compress(b"BilledCost,Tags\n" * 9999)[:-40], "fetch"),
        (b"PAR1broken", "not whole Parquet"),
        (b'{"BilledCost": 1', "must be JSON"),
        (b'[{"BilledCost": 1}, 2]', "must be an object"),
    ],
)
def test_a_file_that_is_no_bill_is_refused(load: Load, content: bytes, says: str) -> None:
    """What cannot be read as a table says so in one line."""
    with pytest.raises(InputError, match=re.escape(says)):
        load(content)


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_file_without_lines_is_refused(load: Load, line: Line, table: Table, form: str) -> None:
    """A header alone is no bill: it would look like a bill of nothing."""
    content = table(line).splitlines()[0] if form == "csv" else "[]"
    with pytest.raises(InputError, match=r"no lines|no columns"):
        load(content)


def test_lines_of_another_shape_are_all_named(load: Load, line: Line, table: Table) -> None:
    """Too many cells, too few and an open quote are told with their lines."""
    text = table(line)
    row = text.splitlines()[1]
    broken = text + row + ",extra\n" + "1,2\n" + row + "\n" + '"open,1\n'
    with pytest.raises(BillFaultsError) as refused:
        load(broken)
    assert [fault.line for fault in refused.value.faults] == [3, 4, 6]
    assert [fault.rule.split(" ")[1] for fault in refused.value.faults] == ["not", "have", "close"]


def test_bytes_that_are_not_utf_8_are_refused(load: Load, line: Line, table: Table) -> None:
    """A Latin-1 file would put wrong letters into names; it is refused, wherever the letter stands."""
    with pytest.raises(InputError, match="UTF-8"):
        load(table(line | {"ResourceId": "café"}).encode("latin-1"))
    filler = table(*[line] * 20_000)
    with pytest.raises(InputError, match="UTF-8"):
        load((filler + table(line | {"ResourceId": "café"}).splitlines()[1] + "\n").encode("latin-1"))


@pytest.mark.parametrize("form", ["gzip", "zstd"])
def test_a_file_cut_short_is_refused(load: Load, line: Line, table: Table, form: str) -> None:
    """Also where the cut leaves whole lines: the rest of the bill must not vanish unseen."""
    text = table(*[line | {"ResourceId": f"i-{number * 7919 % 99991}"} for number in range(40_000)]).encode()
    whole = gzip.compress(text) if form == "gzip" else zstandard.compress(text)
    with pytest.raises(InputError, match=r"cut short|readable to its end|fetch the file again"):
        load(whole[: len(whole) * 2 // 3])
    (result,) = load(whole)
    assert result.lines == 40_000


def test_a_missing_file_and_an_empty_directory(load: Load, tmp_path: Path) -> None:
    """Both are told as what they are."""
    with pytest.raises(InputError, match="No such file"):
        load(tmp_path / "none.csv")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="empty directory"):
        load(tmp_path / "folder")


def test_a_fault_in_json_names_its_line(load: Load, line: Line) -> None:
    """NDJSON has no header, so the first line is line 1."""
    lines = [line, line | {"BilledCost": "x"}]
    with pytest.raises(BillFaultsError) as refused:
        load("\n".join(json.dumps(entry) for entry in lines))
    assert refused.value.faults[0].line == 2


def test_a_fault_in_a_part_names_the_part(load: Load, line: Line, table: Table, tmp_path: Path) -> None:
    """Of an export in parts, the file and the line in it are told, and no part is kept."""
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "1.csv").write_text(table(line))
    (folder / "2.csv").write_text(table(line | {"BilledCost": "x"}))
    with pytest.raises(BillFaultsError) as refused:
        load(folder)
    (fault,) = refused.value.faults
    assert (Path(fault.file).name, fault.line) == ("2.csv", 2)


def test_simple_agreement_example_of_the_standard_is_refused(load: Load, shared_data: Path) -> None:
    """The example writes money as $10,000.00 and dates as 4/1/25; both are named with their mend."""
    path = shared_data / "focus-spec-examples/saas_examples/simple_agreements/simple_saas_agreements_a1.csv"
    with pytest.raises(BillFaultsError, match=r"'\$10,000.00', must be a plain decimal number"):
        load(path)
