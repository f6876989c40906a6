"""Source `ssh`: an experiment's PostgreSQL behind an SSH server, as PsyNet's own servers have it (source.py)."""
