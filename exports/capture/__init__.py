"""A running database becomes a snapshot."""
