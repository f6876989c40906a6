"""The ways in which a value can be written, and back."""
