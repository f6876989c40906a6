"""What else an experiment's server has: its logs and its source code."""
