"""The policy applied to the rows of a table."""
