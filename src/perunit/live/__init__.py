"""What runs while perunit serves: the one writer that takes arrivals in, and the loops that fetch them."""
