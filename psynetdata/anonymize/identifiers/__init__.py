"""Values that point to a person or give access to something (secrets), collected from the tables."""
