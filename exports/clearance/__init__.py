"""What people without the right to identified data may see of names and files that the anonymizer does not rewrite."""
