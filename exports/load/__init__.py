"""A file that is handed in becomes a snapshot."""
