"""A file for each word that a user types and that spans several of the other folders."""
