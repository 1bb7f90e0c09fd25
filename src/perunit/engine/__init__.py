"""Runs the SQL files. Enters: a file's name and bound values. Leaves: rows or Arrow."""
