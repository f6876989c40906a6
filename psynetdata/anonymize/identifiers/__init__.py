"""What points to a person or opens a door, gathered from the tables."""
