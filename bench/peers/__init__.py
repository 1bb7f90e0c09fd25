"""Who perunit is measured beside: bare DuckDB, and pandas, PostgreSQL and chDB as a team would use them."""
