"""Prices. Enters: price books. Leaves: the rate in force for everything that has one."""
