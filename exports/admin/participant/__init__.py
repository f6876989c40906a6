"""Participant pages, and withdrawals."""
