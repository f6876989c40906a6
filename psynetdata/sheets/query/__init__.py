"""Selects and orders the rows of a sheet."""
