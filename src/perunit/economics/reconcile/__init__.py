"""Compares what was computed, what was billed and what was invoiced, and keeps what people decide about it."""

from perunit.economics.reconcile.score import CoveredCost, cover_costs, covered_costs
from perunit.economics.reconcile.tie_out import InvoiceLine, TieOut, TieStatus, tie_out

__all__ = ["CoveredCost", "InvoiceLine", "TieOut", "TieStatus", "cover_costs", "covered_costs", "tie_out"]
