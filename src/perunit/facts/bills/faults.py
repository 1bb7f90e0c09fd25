"""What a bill file is refused for. Enters: faults found in it. Leaves: one error that holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perunit.model.errors import Fault, InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FAULTS_SHOWN", "BillFaultsError", "StatementError", "refusal"]

FAULTS_SHOWN = 20


class BillFaultsError(InputError):
    """A bill file is wrong, so nothing of it was kept; `total` counts also the faults not listed."""

    def __init__(self, faults: list[Fault], total: int) -> None:
        self.faults = faults
        self.total = total
        more = f"\n… and {total - len(faults):,} more" if total > len(faults) else ""
        counted = "1 fault" if total == 1 else f"{total:,} faults"
        listed = "\n".join(str(fault) for fault in faults)
        super().__init__(f"{listed}{more}\n{counted}; nothing was imported")


def refusal(path: Path, place: str, got: str, rule: str, mend: str, *, line: int | None = None) -> BillFaultsError:
    """The error for one thing wrong with the whole file."""
    return BillFaultsError([Fault(str(path), line, place, got, rule, mend)], 1)


class StatementError(BillFaultsError):
    """The file holds no charges: it is what an issuer states of invoices or billing periods (`dataset`)."""

    def __init__(self, path: Path, dataset: str) -> None:
        self.dataset = dataset
        fault = Fault(
            *(str(path), 1, "columns", dataset),
            "must hold charges, as the other files of the directory do",
            "import the file of statements on its own",
        )
        super().__init__([fault], 1)
