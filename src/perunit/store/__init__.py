"""The project's data on disk. Enters: a directory. Leaves: an engine on its tables."""
