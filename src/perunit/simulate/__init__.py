"""Makes a company with known truth. Enters: a seed and sizes. Leaves: a project, events, bills, the truth."""
