"""Identifiers replaced inside one text, and the pseudonyms that take their place."""
