"""Files on an SSH server: the connection, reading ahead, and a Django storage for our own files."""
