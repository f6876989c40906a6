"""Pseudonymized copies of rows: policy, pseudonyms, identifiers, scrub. Only for_deployment knows Django."""
