"""Measurements: perunit beside bare DuckDB and three ways a team would do it today, on the same events."""
