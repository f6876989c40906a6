"""What anonymizing knows of Django: a deployment's key, decisions, numbers and known identifiers."""
