"""Files behind an SSH server: the connection, reading ahead, and a storage of Django's for what we keep ourselves."""
