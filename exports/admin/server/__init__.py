"""Pages about an experiment's server: logs and source code."""
