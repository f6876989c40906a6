"""Snapshots over time: compare, keep, accept them, and sheets of the past."""
