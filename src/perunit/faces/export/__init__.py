"""What others collect: measures in their formats."""
