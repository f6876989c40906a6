"""The files that snapshots consist of: written, read, locked, removed; and read without some people."""
