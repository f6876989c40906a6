"""Which rows of a sheet, in which order."""
