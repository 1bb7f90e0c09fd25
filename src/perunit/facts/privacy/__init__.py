"""Pseudonyms: ids that nobody can read without the keys."""
