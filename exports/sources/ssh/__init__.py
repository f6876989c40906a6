"""Source `ssh`: an experiment's PostgreSQL behind an SSH server, as on PsyNet's own servers (source.py)."""
