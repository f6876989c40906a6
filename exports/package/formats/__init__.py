"""The formats of class files (`data/` of an export): one file for each, and a registry."""
