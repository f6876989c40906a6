"""Which column may leave, in what form and why."""
