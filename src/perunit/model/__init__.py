"""The ground: money, windows, rejects and errors. Frozen values, no I/O; every other room stands on it."""
