"""Pseudonymized copies of rows: policy, pseudonyms, identifiers, scrub.

Pure but for what belongs to a deployment: for_deployment, kept, numbering, deciding and keys know Django.
"""
