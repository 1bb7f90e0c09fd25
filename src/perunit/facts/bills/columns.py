"""Which column of a file holds which field of a charge. Enters: the column names of a file. Leaves: SQL text of every
field, of FOCUS files, of native exports and of vendors' files that the contract maps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.contract.expression import parse
from perunit.engine.duckdb import literal
from perunit.facts.bills.faults import StatementError, refusal
from perunit.facts.bills.fields import BY_NAME, FIELDS, MANDATORY, SPLIT_FIELDS, STATEMENTS, Field, field_of, looks_like
from perunit.facts.bills.native import native_of, resembles
from perunit.model.errors import ConfigurationError, Fault, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from perunit.contract.shape import VendorBill
    from perunit.facts.bills.reading import ColumnsOf

__all__ = ["charge_columns", "vendor_columns"]

_KNOWN = "AWS, Azure, Google Cloud or OCI"
_NULL = "CAST(NULL AS VARCHAR)"


def charge_columns(expected: str) -> ColumnsOf:
    """The fields of FOCUS files and native exports; `expected` is ``focus``, a native format's name, or ``auto``.

    What it returns raises InputError where the columns are of another format or of none that is known.
    """

    def columns(path: Path, names: Sequence[str], column: Callable[[int], str]) -> Mapping[str, str]:
        return _complete(_fields_of(path, names, column, expected))

    return columns


def vendor_columns(vendor: str, mapping: VendorBill, currency: str) -> ColumnsOf:
    """The fields of a vendor's file: the contract's expressions, then FOCUS columns of the file, then defaults.

    Without more: the billing period is the month of the charge period, a charge period lasts a day, the effective
    cost is the billed cost, and account, issuer and service are the vendor's name.
    What it returns raises ConfigurationError for an expression over a column that is not there.
    """

    def columns(path: Path, names: Sequence[str], column: Callable[[int], str]) -> Mapping[str, str]:
        fields = {field.name: column(place) for field, place in _focus_columns(path, names).items()}
        fields |= {name: _mapped(vendor, name, text, names, column) for name, text in mapping.charge.items()}
        for needed in ("billed_cost", "charge_period_start"):
            if needed not in fields:
                field = BY_NAME[needed].focus
                mend = f"add {needed}: under bills.{vendor}.charge in perunit.yaml"
                raise refusal(
                    path, "columns", ", ".join(names[:8]), f"must have {field}, or a mapping of it", mend, line=1
                )
        return _complete(_defaults(fields, vendor, currency) | fields)

    return columns


def _complete(fields: Mapping[str, str]) -> dict[str, str]:
    """All fields; those the file does not have are null."""
    return {field.name: fields.get(field.name, _NULL) for field in (*FIELDS, *SPLIT_FIELDS)}


def _mapped(vendor: str, name: str, text: str, names: Sequence[str], column: Callable[[int], str]) -> str:
    places = {each.strip().lower(): place for place, each in reversed(list(enumerate(names)))}

    def rename(reference: str) -> str:
        place = places.get(reference.strip('"').lower())
        if place is None:
            known = ", ".join(names[:12])
            raise ConfigurationError(
                [
                    Fault(
                        *("perunit.yaml", None, f"bills.{vendor}.charge.{name}", repr(reference)),
                        f"must be a column of the file ({known})",
                        "correct the name",
                    )
                ]
            )
        return column(place)

    return f"CAST({parse(text).render(rename)} AS VARCHAR)"


def _defaults(fields: Mapping[str, str], vendor: str, currency: str) -> dict[str, str]:
    start = _instant(fields["charge_period_start"])
    month = _instant(fields["billing_period_start"]) if "billing_period_start" in fields else _month(start)
    name = literal(vendor)
    return {
        "effective_cost": fields["billed_cost"],
        "billing_currency": literal(currency),
        "billing_account_id": name,
        "billing_period_start": f"CAST({month} AS VARCHAR)",
        "billing_period_end": f"CAST({month} + INTERVAL 1 MONTH AS VARCHAR)",
        "charge_period_end": f"CAST({start} + INTERVAL 1 DAY AS VARCHAR)",
        "charge_category": "'Usage'",
        "service_name": name,
        "provider_name": name,
        "invoice_issuer_name": name,
    }


def _instant(text: str) -> str:
    return f"(TRY_CAST({text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"


def _month(instant: str) -> str:
    return f"CAST(date_trunc('month', {instant}) AS TIMESTAMP)"


def _fields_of(path: Path, names: Sequence[str], column: Callable[[int], str], expected: str) -> dict[str, str]:
    """The SQL text of every field the file has; `column` gives that of the column at a place."""
    focus = _focus_columns(path, names)
    missing = [field.focus for field in MANDATORY if field not in focus]
    native = native_of(names) if missing else None
    if expected not in {"auto", found := native.name if native else "focus"} and not (missing and not native):
        title = native.title if native else "FOCUS Cost and Usage"
        mend = f"import it with --format {found}, or name the right file"
        raise refusal(path, "columns", title, f"must be {expected}, as --format says", mend, line=1)
    if native is not None:
        return native.read(names, column)
    if missing:
        raise _unknown(path, names, missing)
    return {field.name: column(place) for field, place in focus.items()}


def _focus_columns(path: Path, names: Sequence[str]) -> dict[Field, int]:
    """Which column holds which FOCUS field; none of a complete file may come twice."""
    found: dict[Field, int] = {}
    twice = []
    for place, name in enumerate(names):
        field = field_of(name)
        if field is not None and field in found:
            twice.append((field, name))
        elif field is not None:
            found[field] = place
    if twice and native_of(names) is None:
        field, name = twice[0]
        raise refusal(path, field.focus, repr(name), f"is a second {field.focus} column", "keep one of the two", line=1)
    return found


def _unknown(path: Path, names: Sequence[str], missing: list[str]) -> InputError:
    other, native = looks_like(names), resembles(names)
    if other in STATEMENTS:
        return StatementError(path, other)
    lacks = f"must have {', '.join(missing)}, or be an export of {_KNOWN}"
    if other:
        mend = f"this looks like {other}, which holds no charges to import; name the file of costs"
    elif native:
        mend = f"this looks like {native}; export it with all its columns"
    else:
        mend = "export FOCUS 1.0 to 1.4 Cost and Usage with all its mandatory columns"
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return refusal(path, "columns", shown or "no columns", lacks, mend, line=1)
