"""Copies of the site's database and keys, and their way back (the mirror is rebuilt, not backed up)."""
