"""A sheet as bytes: JSON, CSV, NDJSON, Parquet."""
