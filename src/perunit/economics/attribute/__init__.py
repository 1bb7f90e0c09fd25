"""Attribution of bills. Enters: bills in force, rules, usage. Leaves: who bears every cent, to the last digit."""

from perunit.economics.attribute.allocate import allocate
from perunit.economics.attribute.report import AllocationReport, Share, read_report
from perunit.economics.attribute.rules import carried_ids

__all__ = ["AllocationReport", "Share", "allocate", "carried_ids", "read_report"]
