"""The only door to a number: one catalogue of measures, one query builder, and the receipt of one unit."""
