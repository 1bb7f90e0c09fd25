"""Whether a service emits what the contract says: what was captured, taken in by the real pipeline and thrown away."""
