"""Envelopes for jobs: ids in, fetch, one call."""
