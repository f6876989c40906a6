"""Deployment pages."""
