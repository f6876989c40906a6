"""A snapshot becomes both faces of the mirror, and the numbers that pages show."""
