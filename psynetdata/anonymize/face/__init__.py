"""The part of anonymizing that uses Django: a deployment's key, decisions, numbers and known identifiers."""
