"""Snapshot pages."""
