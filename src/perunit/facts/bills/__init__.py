"""Bills as facts. Enters: FOCUS Cost and Usage files. Leaves: bills and their lines, versioned and exact."""

from perunit.facts.bills.importing import BillResult, import_bill
from perunit.facts.bills.listing import BillRow, list_bills

__all__ = ["BillResult", "BillRow", "import_bill", "list_bills"]
