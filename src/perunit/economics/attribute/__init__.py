"""Attribution of bills. Enters: bills in force, rules, usage. Leaves: who bears every cent, to the last digit."""

from perunit.economics.attribute.allocate import allocate
from perunit.economics.attribute.report import AllocationReport, Share, read_report

__all__ = ["AllocationReport", "Share", "allocate", "read_report"]
