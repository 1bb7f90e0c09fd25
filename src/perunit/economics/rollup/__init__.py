"""Sums. Enters: facts. Leaves: rollups per window and cell, and sums per unit and day."""
