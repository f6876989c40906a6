"""Snapshots over time: compared, kept, accepted, and sheets of the past."""
