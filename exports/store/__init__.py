"""The files that snapshots consist of: write, read, lock and remove them; read them without some participants."""
