"""Parsers of what comes through a door: bytes of a message become rows and problems. No I/O, no engine."""
