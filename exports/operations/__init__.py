"""One file for each word that a user types and whose work spans several of the other folders."""
