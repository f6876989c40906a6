"""`get_basic_data` as experimenters write it: their classes, `Trial.query`, and how they are run."""
