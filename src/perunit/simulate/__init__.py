"""Makes a company with known truth. Enters: a seed and sizes. Leaves: a project, its events and bills, and the truth."""
