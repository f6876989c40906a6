"""What to look for: gathered from the raw tables of a deployment."""
