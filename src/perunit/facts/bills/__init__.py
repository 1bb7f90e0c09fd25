"""Bills as facts. Enters: FOCUS files, native exports and vendors' files, and what issuers state of invoices.
Leaves: bills and their lines, invoices and billing periods, versioned and exact.
"""

from perunit.facts.bills.importing import BillResult, import_bill
from perunit.facts.bills.listing import BillRow, ServiceChange, list_bills, service_changes
from perunit.facts.bills.statements import StatementResult, import_statements, state_invoice

__all__ = [
    "BillResult",
    "BillRow",
    "ServiceChange",
    "StatementResult",
    "import_bill",
    "import_statements",
    "list_bills",
    "service_changes",
    "state_invoice",
]
