"""How rows of a table become rows of PsyNet's `data/<Class>.csv`."""
