"""The command line. Modules here import nothing heavy at the top, so that ``perunit --help`` answers at once."""
