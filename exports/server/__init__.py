"""The logs and the source code of an experiment's server."""
