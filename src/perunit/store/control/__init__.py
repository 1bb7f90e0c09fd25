"""The control database: people, keys, notes and settings, beside the facts. SQLite, or PostgreSQL by its URL."""
