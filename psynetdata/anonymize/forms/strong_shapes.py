"""Shapes that only ids have: a value of such a shape is an id, whoever wrote it and however often it occurs."""

import re

from .emails import EMAIL

# Prolific's 24 hexadecimal digits, MTurk's workers and HITs, UUIDs.
_ID = re.compile(
    r"[0-9a-f]{24}|A(?=[A-Z]*\d)[0-9A-Z]{12,14}|3[0-9A-Z]{29}|[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}",
    re.IGNORECASE,
)


def has_strong_shape(value: str) -> bool:
    """Return whether the value is an e-mail address or like a recruiter's id."""
    text = value.strip()
    return bool(_ID.fullmatch(text) or EMAIL.fullmatch(text))
