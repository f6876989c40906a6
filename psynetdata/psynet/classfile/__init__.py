"""Converts rows of a table to rows of PsyNet's `data/<Class>.csv`."""
