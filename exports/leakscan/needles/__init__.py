"""What to look for: collected from a deployment's raw tables."""
