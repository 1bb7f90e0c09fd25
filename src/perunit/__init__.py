"""perunit: the per-item receipt for a cloud service."""

__version__ = "0.1.0"
