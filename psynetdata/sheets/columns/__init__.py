"""The columns of a sheet and the kinds of their values."""
