"""Load a file: it becomes a snapshot."""
