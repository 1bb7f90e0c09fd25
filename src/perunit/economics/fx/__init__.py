"""Exchange rates. Enters: reference files. Leaves: what one currency is worth in another on a day."""

from perunit.economics.fx.importing import FxImport, import_rates

__all__ = ["FxImport", "import_rates"]
